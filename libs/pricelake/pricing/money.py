"""Exact money in arrays: int64 *ticks*, ten-thousandths of a currency unit, the resolution of ``decimal(18,4)``.

Limits of rules are computed in ticks by integer arithmetic, so that a price is never a rounding error beside its floor.
"""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Ticks = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

TICKS_PER_UNIT = 10_000
TICKS_PER_CENT = 100
MILLIONTHS = 1_000_000
# integer arithmetic below stays inside int64 up to here: 10 million per unit, costs up to ten times that
MAX_PRICE_TICKS = 10_000_000 * TICKS_PER_UNIT
MAX_COST_TICKS = 10 * MAX_PRICE_TICKS
MAX_AMOUNT = 9e13
MONEY_TYPE = pa.decimal128(18, 4)


def ticks_of(column: pa.Array) -> tuple[Ticks, Mask]:
    """Values and validity of a ``decimal(18,4)`` column.

    Args:
        column: decimal128(18, 4), nulls allowed.

    Returns:
        ticks, shape (n_rows,), 0 where null; true where a value is there.
    """
    words = np.frombuffer(column.buffers()[1], dtype=np.int64)
    # eighteen digits fit the low word of the 128-bit integer, sign included
    values = words[2 * column.offset : 2 * (column.offset + len(column)) : 2]
    valid = np.asarray(column.is_valid())
    return np.where(valid, values, 0), valid


def decimals_of(ticks: Ticks, valid: Mask) -> pa.Array:
    """A ``decimal(18,4)`` column from ticks, shape (n_rows,); null where ``valid`` is false."""
    words = np.empty((len(ticks), 2), dtype=np.int64)
    words[:, 0] = ticks
    words[:, 1] = ticks >> 63  # sign extension
    validity = pa.array(valid, type=pa.bool_()).buffers()[1]
    return pa.Array.from_buffers(MONEY_TYPE, len(ticks), [validity, pa.py_buffer(words)])


def amounts_of(values: Floats, valid: Mask) -> pa.Array:
    """A ``decimal(18,4)`` column from float64 amounts, rounded to ticks; null where ``valid`` is false."""
    known = np.where(valid, values, 0.0)
    rounded = np.rint(np.clip(known, -MAX_AMOUNT, MAX_AMOUNT) * TICKS_PER_UNIT)
    return decimals_of(rounded.astype(np.int64), valid)


def share_of(ticks: Ticks, rate: float, up: bool) -> Ticks:
    """``ticks * (1 + rate)``, exact for a rate of at most six decimals, rounded up or down to whole ticks.

    Args:
        ticks: prices, 0 to ``MAX_PRICE_TICKS``.
        rate: -1 to 10.
        up: round up (lower limits) or down (upper limits).
    """
    product = ticks * (MILLIONTHS + round(rate * MILLIONTHS))
    return -(-product // MILLIONTHS) if up else product // MILLIONTHS


def price_at_margin(cost: Ticks, margin_rate: float) -> Ticks:
    """Lowest price at which ``(price - cost) / price >= margin_rate``: cost / (1 - margin_rate), rounded up.

    Args:
        cost: ticks, 0 to ``MAX_COST_TICKS``.
        margin_rate: below 1, at most six decimals count.
    """
    kept = max(MILLIONTHS - round(margin_rate * MILLIONTHS), 1)
    return -(-(cost * MILLIONTHS) // kept)


def cents_at_least(ticks: Ticks) -> Ticks:
    """Smallest whole cents not below ``ticks``."""
    return -(-ticks // TICKS_PER_CENT)


def cents_at_most(ticks: Ticks) -> Ticks:
    """Largest whole cents not above ``ticks``."""
    return ticks // TICKS_PER_CENT


def price_text(ticks: int) -> str:
    """``24900`` → ``2.49``; four decimals only where the last two are not zero."""
    sign, size = ("-" if ticks < 0 else ""), abs(int(ticks))
    whole, rest = divmod(size, TICKS_PER_UNIT)
    return f"{sign}{whole}.{rest // 100:02d}" if rest % 100 == 0 else f"{sign}{whole}.{rest:04d}"
