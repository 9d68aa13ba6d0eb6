"""How units answer the price, in figures that a table can hold: how it was learnt, and what identifies it."""

from collections.abc import Mapping
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pricelake.demand.response.identification import BY_DISCOUNTS, BY_INSTRUMENTS, WEAK
from pricelake.report.evidence_facts import InstrumentTest, ResponseFit

PRICE_RESPONSE = "price_response"
"""Stands in gold.demand_metrics where others have the name of a contender."""


IDENTIFICATIONS = (BY_INSTRUMENTS, BY_DISCOUNTS, WEAK)


def response_figures(facts: Mapping[str, Any]) -> dict[str, float]:
    """Figures of gold.demand_metrics, see ``docs/tables.md``.

    Args:
        facts: of :class:`pricelake.demand.response.learning.Learnt`.
    """
    figures = {"converged": float(facts["converged"]), "rounds": float(facts["rounds"])}
    for one in facts["instruments"]:
        told = {"f": "f", "clusters": "clusters", "is_derived": "is_derived", "is_used": "is_strong"}
        parts = {part: one[name] for part, name in told.items()}
        figures |= {f"{one['instrument']}_{part}": float(value) for part, value in parts.items()}
    return figures


def tracked_response(facts: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, float]]:
    """What a run in MLflow says of the response.

    Args:
        facts: as of :func:`response_figures`.

    Returns:
        parameters: ``learnt_until`` and ``instruments_used``, names or ``none``; metrics: :func:`response_figures` and
        ``categories_<identification>``, of how many categories each thing identifies the elasticity.
    """
    used = [one["instrument"] for one in facts["instruments"] if one["is_strong"]]
    counts = facts["categories_by_identification"]
    identified = {f"categories_{name}": float(counts.get(name, 0)) for name in IDENTIFICATIONS}
    params = {"learnt_until": facts["learnt_until"], "instruments_used": ", ".join(used) or "none"}
    return params, response_figures(facts) | identified


def response_fit(figures: Mapping[str, float]) -> ResponseFit:
    """What :func:`response_figures` wrote."""
    names = sorted(name.removesuffix("_f") for name in figures if name.endswith("_f"))
    tests = (
        InstrumentTest(
            instrument=name,
            f=figures[f"{name}_f"],
            clusters=int(figures[f"{name}_clusters"]),
            is_derived=bool(figures[f"{name}_is_derived"]),
            is_used=bool(figures[f"{name}_is_used"]),
        )
        for name in names
    )
    return ResponseFit(bool(figures["converged"]), int(figures["rounds"]), tuple(tests))


def count_identified(curves: DataFrame, panel: DataFrame) -> dict[str, dict[str, int]]:
    """Of how many categories and products each thing identifies the elasticity.

    Args:
        curves: gold.demand_curves of one as-of date.
        panel: gold.demand_panel; its open rows name the categories.

    Returns:
        ``{identification: {"categories", "products"}}``, only of what occurs.
    """
    keys = ["product_id", "market_id", "period_start"]
    named = panel.where("is_open").select(*keys, "department", "category")
    counted = (
        curves.select(*keys, "identification")
        .join(named, keys, how="inner")
        .groupBy("identification")
        .agg(
            F.count_distinct("department", "category").alias("categories"),
            F.count_distinct("product_id").alias("products"),
        )
    )
    rows = counted.orderBy("identification").collect()  # three at most
    return {row["identification"]: {"categories": row["categories"], "products": row["products"]} for row in rows}
