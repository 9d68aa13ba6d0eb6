"""Everything computed for one batch of usable rows: what stopped them, what was chosen, what it brings."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pricelake.pricing.decision import Choice, choose_prices
from pricelake.pricing.inputs import (
    ABSURD_INPUT,
    OUTSIDE_TRUSTED_RANGE,
    RULES_CONFLICT,
    Stop,
    check_inputs,
    first_stops,
)
from pricelake.pricing.limits import Limit, combine_limits, rule_limits
from pricelake.pricing.money import Floats, Mask
from pricelake.pricing.objective import Expected, Intervals, elasticity_at, expect, intervals, stated_value
from pricelake.pricing.rows import ExpectedUnits, PricingRows
from pricelake.pricing.trail import TrailEntry, broken_limit, limit_entries, tightest
from pricelake.settings import PricingSettings
from pricelake.settings.rules import RuleSet


@dataclass(frozen=True)
class Outcome:
    """The outcome of each row, arrays of shape (n_rows,).

    Attributes:
        rows: the rows.
        choice: the prices and how they came about.
        stops: checks that could stop rows.
        stopped_by: number of the first of them that did, -1 where none did.
        limits: all limits of the rules.
        limit_trail: their trail entries, in the same order.
        broken: number of the floor or ceiling that the price in force breaks, -1 where it breaks none.
        bound_by: number of the limit that bound, -1 where none did: ``broken``, else the tightest one the best price
            without rules lies beyond.
        has_curve: where units can be stated.
        elasticity: own-price elasticity at the price in force.
        now: what the price in force brings.
        then: what the decided price brings.
        uplift: expected gain in currency: profit, or revenue where no cost is known.
        intervals: intervals of expected units, revenue, profit and uplift.
    """

    rows: PricingRows
    choice: Choice
    stops: Sequence[Stop]
    stopped_by: npt.NDArray[np.int64]
    limits: Sequence[Limit]
    limit_trail: Sequence[TrailEntry]
    broken: npt.NDArray[np.int64]
    bound_by: npt.NDArray[np.int64]
    has_curve: Mask
    elasticity: Floats
    now: Expected
    then: Expected
    uplift: Floats
    intervals: Intervals

    @property
    def is_held(self) -> Mask:
        """Where no price could be decided."""
        return self.choice.decided.is_held

    @property
    def is_changed(self) -> Mask:
        """Where the price moves."""
        changed: Mask = self.choice.decided.price != self.choice.decided.price_now
        return changed


def work_out(rows: PricingRows, rules: RuleSet, settings: PricingSettings, expected_units: ExpectedUnits) -> Outcome:
    """Check, choose and state expectations.

    Args:
        rows: rows without absurd inputs.
        rules: the rule set.
        settings: objective, ladder, least evidence and gain, coverage of intervals.
        expected_units: the demand curve.

    Raises:
        PricingError: a decided price breaks a rule; that is a defect, never a matter of data.
    """
    limits = rule_limits(rows, rules)
    stops = [*check_inputs(rows, rules, settings), *_outside_range(rows, limits)]
    is_stopped = first_stops(stops, len(rows)) >= 0
    bounds = combine_limits(rows, limits, rules, settings)
    choice = choose_prices(rows, bounds, is_stopped, settings, expected_units)
    stops += _dead_ends(choice, is_stopped)
    price_now, price = choice.decided.price_now, choice.decided.price
    now, then = expect(rows, price_now, expected_units), expect(rows, price, expected_units)
    trail, broken = limit_entries(limits, choice, ~is_stopped), broken_limit(limits, choice, ~is_stopped)
    return Outcome(
        rows,
        choice,
        stops,
        first_stops(stops, len(rows)),
        limits,
        trail,
        broken,
        np.where(broken >= 0, broken, tightest(trail, price)),
        rows.known("log_units") & now.is_sane & then.is_sane,
        elasticity_at(rows, price_now, expected_units),
        now,
        then,
        stated_value(rows, then) - stated_value(rows, now),
        intervals(rows, (price_now, now), (price, then), settings.interval_rate),
    )


def _outside_range(rows: PricingRows, limits: Sequence[Limit]) -> list[Stop]:
    """A price in force that history has not seen: what it brings is a guess, and so is any gain over it."""
    beyond = [(limit.rule, limit.exceeded_by(rows.price_now)) for limit in limits if limit.kind == "range"]
    return [Stop(OUTSIDE_TRUSTED_RANGE, rule, stopped, stopped) for rule, stopped in beyond]


def _dead_ends(choice: Choice, is_stopped: Mask) -> list[Stop]:
    held = choice.decided.is_held & ~is_stopped
    insane, stuck = held & choice.is_insane, held & ~choice.is_insane
    return [
        Stop(ABSURD_INPUT, ABSURD_INPUT, insane, insane, "demand curve"),
        Stop(RULES_CONFLICT, RULES_CONFLICT, stuck, stuck),
    ]
