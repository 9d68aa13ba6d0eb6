"""The scoreboard's run: shops through the jobs, contenders judged on them, cases kept."""
