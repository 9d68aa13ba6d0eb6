"""How far a price is to be trusted, and what was assumed or missing when it was computed."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pricelake.pricing.decision import Choice
from pricelake.pricing.money import Floats, Mask
from pricelake.pricing.rows import PricingRows

# a slope known to a fifth of itself, from ten price moves and most of a year of sales
HIGH = {"slope_error": 0.2, "price_changes": 10, "sold_periods": 40}
MEDIUM = {"slope_error": 0.4, "price_changes": 5, "sold_periods": 26}
LEVELS = ("none", "low", "medium", "high")


def confidence_levels(rows: PricingRows, has_curve: Mask, elasticity: Floats, is_uplift_unsure: Mask) -> pa.Array:
    """``high``, ``medium``, ``low``, or ``none`` without a curve.

    The level follows the relative error of the elasticity, the number of price moves and the periods with sales
    (``HIGH``, ``MEDIUM``). An assumed cost allows ``medium`` at best; a change that may lose within the interval
    of the elasticity is ``low``. So is every price whose elasticity is weakly identified, or whose product was hardly
    in stock or sold far outside its own range lately.

    Args:
        rows: rows without absurd inputs.
        has_curve: where units can be stated, shape (n_rows,).
        elasticity: at the price in force, below 0, shape (n_rows,); NaN without a curve.
        is_uplift_unsure: where a change might lose, shape (n_rows,).
    """
    level = np.where(has_curve, 1, 0)
    error = np.divide(rows.floats("elasticity_sd"), np.abs(elasticity), out=np.full(len(rows), np.inf), where=has_curve)
    changes, sold = rows.counts("price_changes"), rows.counts("sold_periods")
    for number, least in ((2, MEDIUM), (3, HIGH)):
        enough = (changes >= least["price_changes"]) & (sold >= least["sold_periods"])
        level = np.where(has_curve & enough & (error <= least["slope_error"]), number, level)
    level = np.where(is_assumed(rows), np.minimum(level, 2), level)
    is_doubtful = rows.is_weakly_identified | rows.is_hardly_in_stock | rows.has_unusual_sales
    level = np.where(is_uplift_unsure | is_doubtful, np.minimum(level, 1), level)
    return pa.array(LEVELS).take(pa.array(level))


def is_assumed(rows: PricingRows) -> Mask:
    """Where the cost is assumed from the shop file, not brought."""
    return np.asarray(pc.fill_null(pc.equal(rows.batch.column("cost_source"), "assumed"), False), dtype=bool)


def flag_lists(rows: PricingRows, choice: Choice) -> pa.Array:
    """The ``flags`` column: a list of codes per row."""
    changes, sold = rows.counts("price_changes"), rows.counts("sold_periods")
    return list_of_names(
        {
            "assumed_cost": is_assumed(rows),
            "no_cost": ~rows.has_cost,
            "no_competitors": rows.flags("is_competitor_missing"),
            "no_availability": rows.flags("is_availability_missing"),
            "short_history": sold < MEDIUM["sold_periods"],
            "few_price_changes": changes < MEDIUM["price_changes"],
            "weakly_identified": rows.is_weakly_identified,
            "hardly_in_stock": rows.is_hardly_in_stock,
            "unusual_sales": rows.has_unusual_sales,
            "planned_promotion": (rows.floats("discount_rate") > 0) | (rows.floats("price_cut_rate") > 0),
            "price_now_breaks_rule": choice.is_forced,
            "ceiling_overruled": choice.decided.bounds.is_ceiling_overruled,
        }
    )


def list_of_names(masks: Mapping[str, Mask]) -> pa.Array:
    """A list per row of the names whose mask is true there, in the order of ``masks``."""
    matrix = np.stack(list(masks.values()), axis=1)
    offsets = np.concatenate([[0], np.cumsum(matrix.sum(axis=1))]).astype(np.int32)
    names = pa.array(list(masks), pa.string()).take(pa.array(np.nonzero(matrix)[1].astype(np.int32)))
    return pa.ListArray.from_arrays(pa.array(offsets), names)
