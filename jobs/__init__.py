"""One script per scheduled task."""
