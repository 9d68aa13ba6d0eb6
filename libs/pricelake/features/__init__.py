"""From bronze rows to what the models read: pure DataFrame → DataFrame functions, strictly as-of."""
