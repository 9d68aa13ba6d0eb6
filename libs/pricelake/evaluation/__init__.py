"""Models against what is known to be right: baselines on held-out time, and contenders on shops of known demand.

The latter is the scoreboard: contenders, the figures they are judged by, and the oracle that knows the best prices.
"""
