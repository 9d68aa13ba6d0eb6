"""Missing, stale or absurd input stops a price: which rows may be priced, and what stopped the others."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pricelake.pricing.money import MAX_COST_TICKS, MAX_PRICE_TICKS, Mask, Ticks
from pricelake.pricing.rows import CURVE_PARAMETERS, ELASTICITY_SDS, PricingRows
from pricelake.settings import PricingSettings
from pricelake.settings.rules import ExclusionRule, FloorRule, FreshnessRule, HistoryRule, RuleSet

ABSURD_INPUT = "absurd_input"
EXCLUDED = "excluded"
STALE_INPUT = "stale_input"
NOT_ENOUGH_EVIDENCE = "not_enough_evidence"
NO_DEMAND_CURVE = "no_demand_curve"
NO_COST = "no_cost"
OUTSIDE_TRUSTED_RANGE = "outside_trusted_range"
RULES_CONFLICT = "rules_conflict"
# the first that holds is the one stated
HOLD_REASONS = (
    ABSURD_INPUT,
    EXCLUDED,
    STALE_INPUT,
    NOT_ENOUGH_EVIDENCE,
    NO_DEMAND_CURVE,
    NO_COST,
    OUTSIDE_TRUSTED_RANGE,
    RULES_CONFLICT,
)
MAX_COST_OVER_PRICE = 10  # beyond: a cost per case beside a price per piece, or a wrong currency
MAX_DISCOUNT_RATE = 0.95
MAX_SD = 5.0  # standard deviations of logarithms; beyond, an interval spans more than nine orders of magnitude
MAX_SLOPE = 50.0
MAX_STEEPNESS = 1e4
MAX_LOG_UNITS = 20.0  # 485 million units per product, market and period


@dataclass(frozen=True)
class Stop:
    """One check that stopped rows.

    Attributes:
        code: one of ``HOLD_REASONS``.
        rule: rule of the file, or the code itself for checks that always run.
        applies: rows whose trail names it, shape (n_rows,).
        stopped: rows it stopped, a part of them.
        what: the input concerned, for the sentence.
    """

    code: str
    rule: str
    applies: Mask
    stopped: Mask
    what: str = ""


def check_inputs(rows: PricingRows, rules: RuleSet, settings: PricingSettings) -> list[Stop]:
    """All checks but :func:`absurd_inputs`, in the order in which they are stated.

    Args:
        rows: rows without absurd inputs.
        rules: exclusions, history and freshness rules, and floors, which need a cost.
        settings: objective and the least number of price changes.
    """
    stops = [*_excluded(rows, rules), *_stale(rows, rules), *_evidence(rows, rules, settings)]
    no_curve, no_cost = ~rows.known("log_units"), ~rows.has_cost
    stops.append(Stop(NO_DEMAND_CURVE, NO_DEMAND_CURVE, no_curve, no_curve))
    if settings.objective in ("profit", "mix"):
        stops.append(Stop(NO_COST, NO_COST, no_cost, no_cost, f"the objective {settings.objective}"))
    for rule in rules.rules:
        if isinstance(rule, FloorRule) and rule.min_margin_rate is not None:
            stopped = rows.in_scope(rule.scope) & ~rows.has_cost
            stops.append(Stop(NO_COST, rule.name, stopped, stopped, f"the floor {rule.name}"))
    return sorted(stops, key=lambda stop: HOLD_REASONS.index(stop.code))


def _is_price(ticks: Ticks, known: Mask, most: int) -> Mask:
    return known & (ticks > 0) & (ticks <= most)


def absurd_inputs(rows: PricingRows) -> list[Stop]:
    """Checks that every number is one that can be computed with: a price is a price, a cost a cost, a curve falls."""

    def absurd(what: str, stopped: Mask) -> Stop:
        return Stop(ABSURD_INPUT, ABSURD_INPUT, stopped, stopped, what)

    price_ok = _is_price(rows.price_now, rows.known("list_price"), MAX_PRICE_TICKS)
    reference_ok = _is_price(rows.ticks("reference_price"), rows.known("reference_price"), MAX_PRICE_TICKS)
    cost_ok = _is_price(rows.unit_cost, rows.has_cost, MAX_COST_TICKS)
    cost_ok &= rows.unit_cost // MAX_COST_OVER_PRICE <= rows.price_now
    discount = rows.floats("discount_rate")
    return [
        absurd("price in force", ~price_ok),
        absurd("reference price", ~reference_ok),
        absurd("unit cost", rows.has_cost & ~cost_ok),
        absurd("announced discount", ~((discount >= 0.0) & (discount <= MAX_DISCOUNT_RATE))),
        absurd("demand curve", rows.known("log_units") & ~_is_downward(rows)),
    ]


def first_stops(stops: list[Stop], rows: int) -> npt.NDArray[np.int64]:
    """Number of the first of ``stops`` that stopped each row, -1 where none did; shape (rows,)."""
    number = np.full(rows, -1, dtype=np.int64)
    for index in reversed(range(len(stops))):
        number[stops[index].stopped] = index
    return number


def _is_downward(rows: PricingRows) -> Mask:
    """Finite curves in their domain; comparisons with NaN are false."""
    curves, sds = rows.curves, [rows.floats(name) for name in (*ELASTICITY_SDS, "log_units_sd")]
    finite = np.all([np.isfinite(curves[name]) for name in CURVE_PARAMETERS], axis=0)
    slopes = [(curves[name] > 0) & (curves[name] <= MAX_SLOPE) for name in ("elasticity_low", "elasticity_high")]
    shape = slopes[0] & slopes[1] & (curves["steepness"] > 0) & (curves["steepness"] <= MAX_STEEPNESS)
    certain = np.all([(sd >= 0) & (sd <= MAX_SD) for sd in sds], axis=0)
    reference = _is_price(rows.ticks("curve_reference_price"), rows.known("curve_reference_price"), MAX_PRICE_TICKS)
    usable: Mask = finite & shape & certain & reference & (curves["log_units"] <= MAX_LOG_UNITS)
    return usable


def _excluded(rows: PricingRows, rules: RuleSet) -> Iterator[Stop]:
    for rule in rules.rules:
        if isinstance(rule, ExclusionRule):
            applies = rows.in_scope(rule.scope)
            yield Stop(EXCLUDED, rule.name, applies, applies)


def _stale(rows: PricingRows, rules: RuleSet) -> Iterator[Stop]:
    for rule in rules.rules:
        if not isinstance(rule, FreshnessRule):
            continue
        applies = rows.in_scope(rule.scope)
        limits = (
            (
                "panel_age_days",
                rule.max_panel_age_days,
                "the demand panel is more than {} days old; run build_features",
            ),
            (
                "model_age_days",
                rule.max_model_age_days,
                "the demand model is more than {} days old or of unknown age; run train_demand",
            ),
            (
                "periods_since_sale",
                rule.max_periods_since_sale,
                "nothing was sold for more than {} periods, so the price in force is not known for sure",
            ),
        )
        for column, most, what in limits:
            if most is not None:
                age = rows.counts(column)
                # an unknown age (-1) is not a fresh one
                too_old = applies & ((age < 0) | (age > most))
                yield Stop(STALE_INPUT, rule.name, applies, too_old, what.format(most))


def _evidence(rows: PricingRows, rules: RuleSet, settings: PricingSettings) -> Iterator[Stop]:
    changes, sold = rows.counts("price_changes"), rows.counts("sold_periods")
    least = settings.min_price_changes
    few = changes < least
    yield Stop(NOT_ENOUGH_EVIDENCE, NOT_ENOUGH_EVIDENCE, few, few, f"at least {_plural(least, 'price change')} needed")
    for rule in rules.rules:
        if isinstance(rule, HistoryRule):
            applies = rows.in_scope(rule.scope)
            too_few = (changes < rule.min_price_changes) | (sold < rule.min_sold_periods)
            needed = f"{_plural(rule.min_price_changes, 'price change')} and {_plural(rule.min_sold_periods, 'period')}"
            yield Stop(NOT_ENOUGH_EVIDENCE, rule.name, applies, applies & too_few, f"rule {rule.name} needs {needed}")


def _plural(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
