"""The choice of a price, and a type that cannot hold a price that breaks a hard rule."""

from dataclasses import dataclass

import numpy as np

from pricelake.errors import PricingError
from pricelake.pricing.ladder import candidate_prices
from pricelake.pricing.limits import Bounds
from pricelake.pricing.money import TICKS_PER_CENT, Mask, Ticks, price_text
from pricelake.pricing.objective import expect, value_of
from pricelake.pricing.rows import ExpectedUnits, PricingRows
from pricelake.settings import PricingSettings

SAME = 1e-12  # relative difference up to which two candidates count as equally good


@dataclass(frozen=True)
class DecidedPrices:
    """Prices of rows without absurd inputs, ticks, shape (n_rows,); construction checks every one of them.

    Attributes:
        price_now: list price in force.
        price: price decided.
        is_held: where no price could be decided; ``price`` is then ``price_now``.
        bounds: what the rules allow.

    Raises:
        PricingError: on construction, where a held price moved, a moved price breaks a floor, a ceiling, the reach of
            one cycle or the endings, or a kept price breaks a floor or ceiling.
    """

    price_now: Ticks
    price: Ticks
    is_held: Mask
    bounds: Bounds

    def __post_init__(self) -> None:
        """Refuse prices that break a rule."""
        bounds, moved = self.bounds, self.price != self.price_now
        whole_cents = self.price % TICKS_PER_CENT == 0
        checks = {
            "is not above zero": self.price <= 0,
            "moved although it is held": self.is_held & moved,
            "lies under its floor": ~self.is_held & (self.price < bounds.floor),
            "lies over its ceiling": ~self.is_held & (self.price > bounds.ceiling),
            "is out of reach of one cycle": moved
            & ((self.price < bounds.reach_low) | (self.price > bounds.reach_high)),
            "has an ending that is not allowed": moved
            & ~(whole_cents & bounds.grid.contains(self.price // TICKS_PER_CENT)),
        }
        for what, broken in checks.items():
            if broken.any():
                row = int(np.argmax(broken))
                raise PricingError(
                    f"The price {price_text(int(self.price[row]))} of row {row} {what} (price now "
                    f"{price_text(int(self.price_now[row]))}, floor {price_text(int(bounds.floor[row]))}, ceiling "
                    f"{price_text(int(bounds.ceiling[row]))}). No price that breaks a hard rule is passed on; "
                    f"this is a defect of the optimiser, please report it with the batch."
                )


@dataclass(frozen=True)
class Choice:
    """Decided prices and how they came about, shape (n_rows,).

    Attributes:
        decided: the prices.
        range_low: lowest candidate the rules leave, price_now included, ticks; 0 where there is none.
        range_high: highest one.
        free_price: best candidate without rules but endings, ticks.
        is_forced: where price_now itself breaks a floor or ceiling.
        is_alone: where the rules leave no candidate but price_now.
        is_small_gain: where a better candidate was left alone for its small gain.
        is_insane: where an expectation is not a believable number; the row is held.
    """

    decided: DecidedPrices
    range_low: Ticks
    range_high: Ticks
    free_price: Ticks
    is_forced: Mask
    is_alone: Mask
    is_small_gain: Mask
    is_insane: Mask


def choose_prices(
    rows: PricingRows,
    bounds: Bounds,
    is_stopped: Mask,
    settings: PricingSettings,
    expected_units: ExpectedUnits,
) -> Choice:
    """The best feasible candidate of each row; ties and gains under ``min_uplift_rate`` keep the price.

    Args:
        rows: rows without absurd inputs.
        bounds: their limits.
        is_stopped: rows an input check stopped, shape (n_rows,); they keep their price.
        settings: objective, number of candidates, span of the ladder, least gain.
        expected_units: the demand curve.
    """
    now = rows.price_now
    ladder, is_candidate = candidate_prices(bounds.grid, bounds.low, bounds.high, settings.ladder_steps - 1)
    prices = np.concatenate([now[:, None], ladder], axis=1)
    is_candidate = np.concatenate([bounds.obeys(now)[:, None], is_candidate], axis=1)
    expected = expect(rows, prices, expected_units)
    insane = ~np.all(expected.is_sane | ~is_candidate, axis=1) | ~expected.is_sane[:, 0]
    value = value_of(expected, settings)
    best = _best_column(prices, value, is_candidate)
    row = np.arange(len(rows))
    gain, least = value[row, best] - value[:, 0], settings.min_uplift_rate * np.abs(value[:, 0])
    may_stay = is_candidate[:, 0]
    small = may_stay & (best != 0) & ~(gain >= np.maximum(least, SAME * np.abs(value[:, 0])))
    held = is_stopped | insane | ~is_candidate.any(axis=1)
    chosen = np.where(held | small, now, prices[row, best])
    return Choice(
        DecidedPrices(now, chosen, held, bounds),
        np.where(is_candidate, prices, np.iinfo(np.int64).max).min(axis=1, initial=np.iinfo(np.int64).max),
        np.where(is_candidate, prices, 0).max(axis=1, initial=0),
        _free_best(rows, bounds, settings, expected_units),
        ~may_stay,
        ~(is_candidate[:, 1:] & (prices[:, 1:] != now[:, None])).any(axis=1),
        small,
        insane,
    )


def _free_best(rows: PricingRows, bounds: Bounds, settings: PricingSettings, expected_units: ExpectedUnits) -> Ticks:
    """The best candidate of the whole ladder, whatever floors, ceilings and steps say; shows which of them bind."""
    span_low = (rows.price_now * (1 - settings.ladder_below_rate)).astype(np.int64)
    span_high = (rows.price_now * (1 + settings.ladder_above_rate)).astype(np.int64)
    ladder, is_candidate = candidate_prices(bounds.grid, np.maximum(span_low, 1), span_high, settings.ladder_steps - 1)
    prices = np.concatenate([rows.price_now[:, None], ladder], axis=1)
    is_candidate = np.concatenate([np.ones((len(rows), 1), dtype=bool), is_candidate], axis=1)
    value = value_of(expect(rows, prices, expected_units), settings)
    best: Ticks = prices[np.arange(len(rows)), _best_column(prices, value, is_candidate)]
    return best


def _best_column(prices: Ticks, value: np.ndarray, is_candidate: Mask) -> np.ndarray:  # type: ignore[type-arg]
    """Column of the best candidate; among equals price_now (column 0), else the one nearest to it."""
    usable = np.where(is_candidate & np.isfinite(value), value, -np.inf)
    top = usable.max(axis=1, keepdims=True)
    equal = is_candidate & (usable >= top - SAME * np.abs(top))
    distance = np.abs(prices - prices[:, :1])
    return np.asarray(np.argmin(np.where(equal, distance, np.iinfo(np.int64).max), axis=1))
