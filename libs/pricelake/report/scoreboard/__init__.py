"""The scoreboard's page: what its record says, in order, in words and in pictures."""
