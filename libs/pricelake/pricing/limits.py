"""Rules → limits of each row's price, each under its rule's name, and their combination."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from pricelake.pricing.endings import EndingGrid, RowGrids
from pricelake.pricing.money import (
    MAX_PRICE_TICKS,
    TICKS_PER_CENT,
    TICKS_PER_UNIT,
    Floats,
    Mask,
    Ticks,
    cents_at_least,
    price_at_margin,
    share_of,
)
from pricelake.pricing.rows import PricingRows
from pricelake.settings import PricingSettings
from pricelake.settings.rules import CeilingRule, EndingRule, FloorRule, RuleSet, StepRule, TrustedRangeRule

NO_LIMIT = 2 * MAX_PRICE_TICKS


@dataclass(frozen=True)
class Limit:
    """One limit of one rule.

    Attributes:
        rule: name in the rules file.
        kind: floor, ceiling, step or range.
        side: the price must be at least (``low``) or at most (``high``) the limit.
        ticks: the limit, shape (n_rows,); meaningless where it does not apply.
        applies: rows it is for, shape (n_rows,).
    """

    rule: str
    kind: Literal["floor", "ceiling", "step", "range"]
    side: Literal["low", "high"]
    ticks: Ticks
    applies: Mask

    def exceeded_by(self, prices: Ticks) -> Mask:
        """Where ``prices`` lie beyond the limit."""
        beyond = prices < self.ticks if self.side == "low" else prices > self.ticks
        return self.applies & beyond


@dataclass(frozen=True)
class Bounds:
    """The limits of each row taken together, ticks, shape (n_rows,).

    Attributes:
        floor: highest of the floors, 1 tick where there is none.
        ceiling: lowest of the ceilings, raised to the first allowed price above ``floor`` where the floor is higher.
        reach_low: lowest price within one cycle's reach (ladder, steps, trusted range).
        reach_high: highest one.
        is_ceiling_overruled: where a floor is higher than a ceiling.
        grid: allowed endings of each row.
    """

    floor: Ticks
    ceiling: Ticks
    reach_low: Ticks
    reach_high: Ticks
    is_ceiling_overruled: Mask
    grid: RowGrids

    @property
    def low(self) -> Ticks:
        """Lowest price allowed and within reach."""
        return np.maximum(self.floor, self.reach_low)

    @property
    def high(self) -> Ticks:
        """Highest price allowed and within reach; below ``low`` where there is none."""
        return np.minimum(self.ceiling, self.reach_high)

    def obeys(self, prices: Ticks) -> Mask:
        """Where ``prices`` break neither floor nor ceiling, endings aside."""
        return (prices >= self.floor) & (prices <= self.ceiling)


def rule_limits(rows: PricingRows, rules: RuleSet) -> list[Limit]:
    """Every limit of every floor, ceiling, step and trusted range, in the order of the file.

    Args:
        rows: rows whose prices, references and costs are prices; costs may be unknown (their floor does not apply).
        rules: the rule set.
    """
    found: list[Limit] = []
    for rule in rules.rules:
        scope = rows.in_scope(rule.scope)
        match rule:
            case FloorRule():
                found += _floors(rows, rule, scope)
            case CeilingRule():
                found += _ceilings(rows, rule, scope)
            case StepRule():
                low = share_of(rows.price_now, -rule.max_lower_rate, up=True)
                high = share_of(rows.price_now, rule.max_raise_rate, up=False)
                found += [Limit(rule.name, "step", "low", low, scope), Limit(rule.name, "step", "high", high, scope)]
            case TrustedRangeRule():
                found += _trusted_range(rows, rule, scope)
            case _:
                continue
    return found


def _floors(rows: PricingRows, rule: FloorRule, scope: Mask) -> Iterator[Limit]:
    if rule.min_margin_rate is not None:
        ticks = price_at_margin(rows.unit_cost, rule.min_margin_rate)
        yield Limit(rule.name, "floor", "low", np.minimum(ticks, NO_LIMIT), scope & rows.has_cost)
    if rule.min_price is not None:
        yield Limit(rule.name, "floor", "low", np.full(len(rows), round(rule.min_price * TICKS_PER_UNIT)), scope)


def _ceilings(rows: PricingRows, rule: CeilingRule, scope: Mask) -> Iterator[Limit]:
    if rule.over is not None:
        everywhere = np.ones(len(rows), dtype=bool)
        bases = {
            "reference_price": (rows.ticks("reference_price"), everywhere),
            "list_price": (rows.price_now, everywhere),
            "competitor_price": rows.competitor_price,
        }
        base, known = bases[rule.over]
        base = np.clip(base, 0, MAX_PRICE_TICKS)
        yield Limit(rule.name, "ceiling", "high", share_of(base, rule.max_above_rate, up=False), scope & known)
    if rule.max_price is not None:
        amount = round(rule.max_price * TICKS_PER_UNIT)
        yield Limit(rule.name, "ceiling", "high", np.full(len(rows), amount), scope)


def _trusted_range(rows: PricingRows, rule: TrustedRangeRule, scope: Mask) -> Iterator[Limit]:
    for side, column in (("low", "observed_low"), ("high", "observed_high")):
        seen = np.clip(rows.ticks(column), 0, MAX_PRICE_TICKS)
        beyond = -rule.max_beyond_rate if side == "low" else rule.max_beyond_rate
        # what was seen is what customers paid; the limit is on the list price of which they pay a share
        ticks = _list_price_of(share_of(seen, beyond, up=side == "low"), rows.paid_share, up=side == "low")
        # a product without an observed price has no range: nothing is trusted
        ticks = np.where(rows.known(column) & (seen > 0), ticks, NO_LIMIT if side == "low" else 0)
        yield Limit(rule.name, "range", "low" if side == "low" else "high", ticks, scope)


def _list_price_of(paid: Ticks, paid_share: Floats, *, up: bool) -> Ticks:
    """List prices at which so much is paid, rounded to the side that keeps what is paid within the limit."""
    exact = paid / paid_share
    ticks = np.where(paid_share == 1.0, paid, np.ceil(exact) if up else np.floor(exact))
    return np.minimum(ticks, NO_LIMIT).astype(np.int64)


def combine_limits(rows: PricingRows, limits: list[Limit], rules: RuleSet, settings: PricingSettings) -> Bounds:
    """The limits together with the ladder's span and the endings; floors win over ceilings."""
    floor = np.full(len(rows), 1, dtype=np.int64)
    ceiling = np.full(len(rows), NO_LIMIT, dtype=np.int64)
    reach_low = np.maximum(share_of(rows.price_now, -settings.ladder_below_rate, up=True), 1)
    reach_high = share_of(rows.price_now, settings.ladder_above_rate, up=False)
    for limit in limits:
        if limit.kind == "floor":
            floor = np.where(limit.applies, np.maximum(floor, limit.ticks), floor)
        elif limit.kind == "ceiling":
            ceiling = np.where(limit.applies, np.minimum(ceiling, limit.ticks), ceiling)
        elif limit.side == "low":
            reach_low = np.where(limit.applies, np.maximum(reach_low, limit.ticks), reach_low)
        else:
            reach_high = np.where(limit.applies, np.minimum(reach_high, limit.ticks), reach_high)
    grid = ending_grids(rows, rules)
    overruled = floor > ceiling
    ceiling = np.where(overruled, grid.price(grid.count_up_to(cents_at_least(floor) - 1)) * TICKS_PER_CENT, ceiling)
    return Bounds(floor, ceiling, reach_low, reach_high, overruled, grid)


def ending_grids(rows: PricingRows, rules: RuleSet) -> RowGrids:
    """The allowed prices of each row: every cent where no ending rule is for it."""
    endings = [rule for rule in rules.rules if isinstance(rule, EndingRule)]
    number = np.zeros(len(rows), dtype=np.int64)
    # from the lowest priority up, so that the highest is written last; the earlier in the file wins a tie
    for index in sorted(range(len(endings)), key=lambda index: (endings[index].priority, -index)):
        number = np.where(rows.in_scope(endings[index].scope), index + 1, number)
    return RowGrids(number, (EndingGrid(), *(EndingGrid(rule) for rule in endings)))
