"""The scoreboard: models against baselines on held-out time."""
