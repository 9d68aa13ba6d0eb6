"""Candidate prices: the allowed prices of a range, thinned evenly to the number of steps."""

import numpy as np

from pricelake.pricing.endings import RowGrids
from pricelake.pricing.money import TICKS_PER_CENT, Mask, Ticks, cents_at_least, cents_at_most


def candidate_prices(grid: RowGrids, low: Ticks, high: Ticks, steps: int) -> tuple[Ticks, Mask]:
    """The ladder of each row.

    Args:
        grid: allowed prices of each row.
        low: lowest price allowed, ticks, shape (n_rows,).
        high: highest price allowed, ticks, shape (n_rows,); below ``low`` leaves no candidate.
        steps: largest number of candidates, 2 or more.

    Returns:
        ticks, shape (n_rows, steps), ascending, the lowest and the highest allowed price of the range among them
        (all of them where they are few enough); true where the cell is a candidate.
    """
    first = grid.count_up_to(cents_at_least(low) - 1)
    count = np.maximum(grid.count_up_to(cents_at_most(high)) - first, 0)[:, None]
    step = np.arange(steps, dtype=np.int64)[None, :]
    # evenly spaced ranks, rounded to the nearest in integers; exact at both ends
    thinned = (step * (count - 1) + (steps - 1) // 2) // (steps - 1)
    ranks = first[:, None] + np.where(count <= steps, step, thinned)
    is_candidate = step < np.minimum(count, steps)
    return grid.price(ranks) * TICKS_PER_CENT, is_candidate
