"""One plain sentence per price for the person who signs it."""

import numpy as np

from pricelake.pricing.inputs import (
    ABSURD_INPUT,
    EXCLUDED,
    NO_COST,
    NO_DEMAND_CURVE,
    NOT_ENOUGH_EVIDENCE,
    OUTSIDE_TRUSTED_RANGE,
    RULES_CONFLICT,
    STALE_INPUT,
    Stop,
)
from pricelake.pricing.limits import NO_LIMIT
from pricelake.pricing.money import TICKS_PER_CENT, cents_at_least, cents_at_most, price_text
from pricelake.pricing.outcome import Outcome
from pricelake.settings import PricingSettings

LEAST_STATED = 0.005
WEAK, STRONG = 1.0, 2.5
MINUS = "−"
UNSEEN = (
    "; history does not show how this product's units answer the price: the elasticity rests on products of its kind, "
    "on what is believed in general, and on price moves that may have followed demand"
)


def sentences(outcome: Outcome, settings: PricingSettings) -> list[str]:
    """The ``reason`` of each row; the only step that goes row by row, because it makes text."""
    writer = _Writer(outcome, settings)
    is_held, is_changed = outcome.is_held, outcome.is_changed
    return [
        writer.hold(row) if is_held[row] else writer.change(row) if is_changed[row] else writer.keep(row)
        for row in range(len(outcome.rows))
    ]


def absurd_sentence(stop: Stop, ticks: int) -> str:
    """Why a price with an absurd input is held; ``ticks`` is the price in force, 0 or less where it is none."""
    return _hold(stop, price_text(ticks) if ticks > 0 else "")


def _hold(stop: Stop, price: str, evidence: str = "", limits: str = "") -> str:
    why = {
        ABSURD_INPUT: f"the {stop.what} is missing or makes no sense; correct it where it comes from",
        EXCLUDED: f"rule {stop.rule} leaves this product's price to others",
        STALE_INPUT: f"{stop.what} (rule {stop.rule})",
        NOT_ENOUGH_EVIDENCE: f"not enough evidence, {evidence} seen; {stop.what}",
        NO_DEMAND_CURVE: "the demand model does not cover this product yet",
        NO_COST: f"the unit cost is unknown and {stop.what} needs it",
        OUTSIDE_TRUSTED_RANGE: "what customers pay at this price is outside what they have paid "
        f"(list price {limits}), demand there is a guess",
        RULES_CONFLICT: f"no price within reach obeys every rule ({limits})",
    }[stop.code]
    return f"Hold {price}: {why}." if price else f"Hold: {why}."


class _Writer:
    def __init__(self, outcome: Outcome, settings: PricingSettings) -> None:
        rows = outcome.rows
        self.outcome, self.choice, self.settings = outcome, outcome.choice, settings
        self.stated = np.where(rows.has_cost, "profit", "revenue")
        self.changes, self.sold = rows.counts("price_changes"), rows.counts("sold_periods")
        grid, now = outcome.choice.decided.bounds.grid, outcome.choice.decided.price_now
        # the neighbours of the price in force that the endings allow; 0 where there is none below
        self.above = grid.price(grid.count_up_to(cents_at_most(now))) * TICKS_PER_CENT
        rank = grid.count_up_to(cents_at_least(now) - 1) - 1
        self.below = np.where(rank >= 0, grid.price(rank) * TICKS_PER_CENT, 0)

    def hold(self, row: int) -> str:
        stop = self.outcome.stops[self.outcome.stopped_by[row]]
        evidence = (
            f"{_plural(self.changes[row], 'price change')} and {_plural(self.sold[row], 'period')} with sales"
            if stop.code == NOT_ENOUGH_EVIDENCE
            else ""
        )
        return _hold(stop, self._now(row), evidence, self._limits(stop, row))

    def keep(self, row: int) -> str:
        choice, past = self.choice, self._next_past_limit(row)
        if choice.is_alone[row]:
            why = "the rules and endings leave no other price"
        elif choice.is_small_gain[row]:
            least = f"{self.settings.min_uplift_rate:.1%}".replace(".0%", "%").replace("%", " %")
            why = f"the best allowed change would gain less than {least} {self._goal()}"
        else:
            why = f"no other {'price within the rules' if past else 'allowed price'} brings more {self._goal()}"
        return (
            f"Keep {self._now(row)}: {why} ({self._reaction(row)}){past or self._stopped_by(row)}{self._unseen(row)}."
        )

    def change(self, row: int) -> str:
        decided, outcome = self.choice.decided, self.outcome
        now, then = int(decided.price_now[row]), int(decided.price[row])
        verb = "Raise" if then > now else "Lower"
        gain = f"expected {self.stated[row]} {_signed(outcome.uplift[row])} in the period"
        low, high = outcome.intervals.uplift.low[row], outcome.intervals.uplift.high[row]
        span = f"{self.settings.interval_rate:.0%} interval {_signed(low)} to {_signed(high)}".replace("%", " %")
        why = self._reaction(row)
        if outcome.broken[row] >= 0:
            why = f"{self._now(row)} breaks {self._limit(outcome.broken[row], row)}; {why}"
        text = f"{verb} {self._now(row)} → {price_text(then)}: {why}, {gain} ({span}{self._of_others(row)})"
        return f"{text}{self._stopped_by(row)}{self._unseen(row)}."

    def _of_others(self, row: int) -> str:
        """What of the stated gain the category's other products make, where that is anything."""
        others = float(self.outcome.then.others[row])
        if not self.outcome.rows.has_cost[row] or abs(others) < LEAST_STATED:
            return ""
        return f"; {_signed(others)} of it on the category's other products"

    def _now(self, row: int) -> str:
        return price_text(int(self.choice.decided.price_now[row]))

    def _goal(self) -> str:
        goals = {"mix": "of profit and revenue together"}
        return goals.get(self.settings.objective, self.settings.objective)

    def _reaction(self, row: int) -> str:
        elasticity = float(self.outcome.elasticity[row])
        size = abs(elasticity)
        how = "weakly" if size < WEAK else "strongly" if size > STRONG else "moderately"
        return f"demand reacts {how} to price, elasticity {_signed(elasticity, plus=False, digits=1)}"

    def _unseen(self, row: int) -> str:
        return UNSEEN if self.outcome.rows.is_weakly_identified[row] else ""

    def _stopped_by(self, row: int) -> str:
        number = self.outcome.bound_by[row]
        if number < 0 or self.outcome.broken[row] >= 0:
            return ""
        return f"; stopped by {self._limit(number, row)}"

    def _next_past_limit(self, row: int) -> str:
        """The next allowed price, where the limit that bound lies between it and the price in force; else ''."""
        number = self.outcome.bound_by[row]
        if number < 0 or self.outcome.broken[row] >= 0:
            return ""
        limit = self.outcome.limits[number]
        following = int((self.above if limit.side == "high" else self.below)[row])
        if not (following > limit.ticks[row] if limit.side == "high" else 0 < following < limit.ticks[row]):
            return ""
        where = "above" if limit.side == "high" else "below"
        return f"; the next allowed price, {price_text(following)}, lies {where} {self._limit(number, row)}"

    def _limit(self, number: int, row: int) -> str:
        limit = self.outcome.limits[number]
        return f"{limit.rule} ({_limit_text(limit.side, int(limit.ticks[row]))})"

    def _limits(self, stop: Stop, row: int) -> str:
        if stop.code == OUTSIDE_TRUSTED_RANGE:
            return ", ".join(
                _limit_text(limit.side, int(limit.ticks[row]))
                for limit in self.outcome.limits
                if limit.kind == "range" and limit.applies[row]
            )
        if stop.code == RULES_CONFLICT:
            bounds = self.choice.decided.bounds
            allowed = (("low", bounds.floor), ("high", bounds.ceiling))
            reach = (("low", bounds.reach_low), ("high", bounds.reach_high))
            texts = [" and ".join(_limit_text(side, int(t[row])) for side, t in pair) for pair in (allowed, reach)]
            return f"allowed: {texts[0]}; within reach: {texts[1]}"
        return ""


def _limit_text(side: str, ticks: int) -> str:
    """A limit in whole cents, rounded to its allowed side."""
    if ticks >= NO_LIMIT:
        return "no price" if side == "low" else "no ceiling"
    cents = -(-ticks // TICKS_PER_CENT) if side == "low" else ticks // TICKS_PER_CENT
    return f"at {'least' if side == 'low' else 'most'} {price_text(cents * TICKS_PER_CENT)}"


def _plural(number: int, noun: str) -> str:
    return f"{max(int(number), 0)} {noun}{'' if number == 1 else 's'}"


def _signed(value: float, plus: bool = True, digits: int = 2) -> str:
    text = f"{abs(value):,.{digits}f}"
    if not text.strip("0.,"):
        return text
    return f"{MINUS if value < 0 else '+' if plus else ''}{text}"
