"""One Arrow batch of products, markets and periods → one batch of recommendations; no Spark, no loop over rows."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from pricelake.pricing.caveats import confidence_levels, flag_lists, list_of_names
from pricelake.pricing.explanation import absurd_sentence, sentences
from pricelake.pricing.inputs import ABSURD_INPUT, Stop, absurd_inputs, first_stops
from pricelake.pricing.money import Floats, Mask, amounts_of, decimals_of
from pricelake.pricing.objective import Expected, ExpectedIntervals
from pricelake.pricing.outcome import Outcome, work_out
from pricelake.pricing.rows import ExpectedUnits, PricingRows
from pricelake.pricing.trail import TrailEntry, ending_entries, hold_entries, trail_array
from pricelake.settings import PricingSettings
from pricelake.settings.rules import RuleSet

KEY = ("product_id", "market_id", "period_start")
EXPECTATIONS = [f"{when}{end}" for when in ("now", "then") for end in ("", "_low", "_high")]
UPLIFT_PARTS = (
    "uplift_product_sd_amount",
    "uplift_kind_sd_amount",
    "uplift_common_sd_amount",
    "uplift_diversion_sd_amount",
)
# what a row with an absurd input does not state
AMOUNTS = (
    "range_low",
    "range_high",
    *(f"{what}_{which}_amount" for what in ("revenue", "profit") for which in EXPECTATIONS),
    "uplift_amount",
    "uplift_low_amount",
    "uplift_high_amount",
    *UPLIFT_PARTS,
)
DOUBLES = (*(f"units_{which}" for which in EXPECTATIONS), "elasticity")


def price_batch(
    batch: pa.RecordBatch, rules: RuleSet, settings: PricingSettings, expected_units: ExpectedUnits
) -> pa.Table:
    """Recommendations of one batch, in its order.

    Args:
        batch: columns ``rows.INPUT_COLUMNS``, any of them null but the key.
        rules: the rule set.
        settings: objective, ladder, least evidence and gain, coverage of intervals.
        expected_units: the demand curve, see ``rows.ExpectedUnits``.

    Returns:
        the columns of gold.price_recommendations that differ from row to row.

    Raises:
        PricingError: a decided price breaks a rule; that is a defect, never a matter of data.
    """
    rows = PricingRows(batch)
    stops = absurd_inputs(rows)
    by = first_stops(stops, len(rows))
    usable, absurd = np.flatnonzero(by < 0), np.flatnonzero(by >= 0)
    # rows that are held carry numbers that are none; checks catch them, warnings would only repeat it
    with np.errstate(all="ignore"):
        priced = _recommended(work_out(rows.take(usable), rules, settings, expected_units), rules, settings)
    refused = _refused(rows.take(absurd), [stops[number] for number in by[absurd]])
    order = np.argsort(np.concatenate([usable, absurd]), kind="stable")
    return pa.concat_tables([priced, refused.select(priced.column_names)]).take(pa.array(order))


def _recommended(outcome: Outcome, rules: RuleSet, settings: PricingSettings) -> pa.Table:
    return pa.table(
        {
            **{name: outcome.rows.batch.column(name) for name in KEY},
            **_decision_columns(outcome),
            "reason": pa.array(sentences(outcome, settings), pa.string()),
            **_expectation_columns(outcome),
            **_trust_columns(outcome, rules),
        }
    )


def _decision_columns(outcome: Outcome) -> dict[str, pa.Array]:
    decided, choice = outcome.choice.decided, outcome.choice
    everywhere = np.ones(len(outcome.rows), dtype=bool)
    direction = np.sign(decided.price - decided.price_now) + 1
    decision = np.where(outcome.is_held, 3, direction)
    codes = pa.array([stop.code for stop in outcome.stops], pa.string())
    stopped = pa.array(np.where(outcome.is_held, outcome.stopped_by, 0), mask=~outcome.is_held)
    return {
        "price_now": decimals_of(decided.price_now, everywhere),
        "price_recommended": decimals_of(decided.price, everywhere),
        "is_changed": pa.array(outcome.is_changed),
        "decision": pa.array(["lower", "keep", "raise", "hold"]).take(pa.array(decision)),
        "held_back_reason": codes.take(stopped),
        "range_low": decimals_of(choice.range_low, ~outcome.is_held),
        "range_high": decimals_of(choice.range_high, ~outcome.is_held),
    }


def _expectation_columns(outcome: Outcome) -> dict[str, pa.Array]:
    rows, spans, known = outcome.rows, outcome.intervals, outcome.has_curve
    return {
        "unit_cost": rows.batch.column("unit_cost"),
        "cost_source": rows.batch.column("cost_source"),
        **_brought_columns("now", outcome.now, spans.now, known, rows.has_cost),
        **_brought_columns("then", outcome.then, spans.then, known, rows.has_cost),
        "uplift_amount": amounts_of(outcome.uplift, known),
        "uplift_low_amount": amounts_of(spans.uplift.low, known),
        "uplift_high_amount": amounts_of(spans.uplift.high, known),
        **{name: amounts_of(part, known) for name, part in zip(UPLIFT_PARTS, spans.uplift_parts, strict=True)},
        "elasticity": _doubles(outcome.elasticity, known),
    }


def _brought_columns(
    when: str, brought: Expected, spans: ExpectedIntervals, known: Mask, has_cost: Mask
) -> dict[str, pa.Array]:
    """Expected units, revenue and profit at the price ``now`` or ``then``, each with both ends of its interval."""
    amounts = {
        "revenue": (brought.revenue, spans.revenue, known),
        "profit": (brought.profit, spans.profit, known & has_cost),
    }
    columns = {
        f"units_{when}": _doubles(brought.units, known),
        f"units_{when}_low": _doubles(spans.units.low, known),
        f"units_{when}_high": _doubles(spans.units.high, known),
    }
    for what, (value, span, valid) in amounts.items():
        columns[f"{what}_{when}_amount"] = amounts_of(value, valid)
        columns[f"{what}_{when}_low_amount"] = amounts_of(span.low, valid)
        columns[f"{what}_{when}_high_amount"] = amounts_of(span.high, valid)
    return columns


def _trust_columns(outcome: Outcome, rules: RuleSet) -> dict[str, pa.Array]:
    rows = outcome.rows
    unsure = outcome.is_changed & ~outcome.intervals.is_gain_sure
    trail = [*outcome.limit_trail, *ending_entries(rows, rules, outcome.choice), *hold_entries(outcome.stops)]
    names = pa.array([limit.rule for limit in outcome.limits] + [stop.rule for stop in outcome.stops], pa.string())
    held_by = len(outcome.limits) + outcome.stopped_by
    # a conflict is named after the floor or ceiling that could not be met
    binding = np.where(outcome.is_held & (outcome.broken < 0), held_by, outcome.bound_by)
    return {
        "confidence": confidence_levels(rows, outcome.has_curve, outcome.elasticity, unsure),
        "flags": flag_lists(rows, outcome.choice),
        "rules": trail_array(trail, len(rows)),
        "binding_rule": names.take(pa.array(binding, mask=binding < 0)),
    }


def _refused(rows: PricingRows, stops: Sequence[Stop]) -> pa.Table:
    """Rows with an absurd input: the price in force as it came, no number computed from it."""
    count = len(rows)
    everywhere, nowhere = np.ones(count, dtype=bool), np.zeros(count, dtype=bool)
    price_known, nothing = rows.known("list_price"), np.zeros(count)
    price = decimals_of(rows.price_now, price_known)
    reasons = [absurd_sentence(stop, ticks) for stop, ticks in zip(stops, rows.price_now.tolist(), strict=True)]
    no_amount, no_double, code = amounts_of(nothing, nowhere), _doubles(nothing, nowhere), _same(ABSURD_INPUT, count)
    return pa.table(
        {
            **{name: rows.batch.column(name) for name in (*KEY, "unit_cost", "cost_source")},
            "price_now": price,
            "price_recommended": price,
            "is_changed": pa.array(nowhere),
            "decision": _same("hold", count),
            "held_back_reason": code,
            "reason": pa.array(reasons, pa.string()),
            **dict.fromkeys(AMOUNTS, no_amount),
            **dict.fromkeys(DOUBLES, no_double),
            "confidence": _same("none", count),
            "flags": list_of_names({ABSURD_INPUT: everywhere}),
            "rules": trail_array([TrailEntry(ABSURD_INPUT, "hold", None, everywhere, everywhere)], count),
            "binding_rule": code,
        }
    )


def _same(text: str, count: int) -> pa.Array:
    return pa.array([text] * count, pa.string())


def _doubles(values: Floats, valid: Mask) -> pa.Array:
    return pa.array(values, pa.float64(), mask=~valid)
