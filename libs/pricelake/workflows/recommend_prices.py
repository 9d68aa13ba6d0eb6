"""Job ``recommend_prices``: curves of the champion → candidates → rules → the price of each product and market."""

from datetime import date
from typing import Any

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from pricelake.demand.curve import expected_units
from pricelake.demand.inputs import CATEGORY_KEY, PAIR
from pricelake.demand.prediction import with_expected_units
from pricelake.errors import PricingError
from pricelake.pricing.inputs import MAX_COST_OVER_PRICE, MAX_DISCOUNT_RATE, MAX_LOG_UNITS
from pricelake.pricing.objective import MAX_EXPECTED
from pricelake.pricing.recommend import join_pricing_inputs
from pricelake.pricing.recommend import recommend_prices as price_all
from pricelake.settings.rules import load_rules
from pricelake.tables import contract_of
from pricelake.workflows.curves import DrawnCurves, draw_curves
from pricelake.workflows.job import Job
from pricelake.workflows.response_figures import count_identified

LEAST_UNITS = 1e-6
"""Of the other products of a category, from which what they earn by a unit can be told."""


def recommend_prices(job: Job) -> dict[str, Any]:
    """Draw the champion's curves and recommend a price for every open product, market and period.

    Both tables are replaced for the as-of date, so that a rerun leaves the same rows.

    Returns:
        ``{"recommendations": as :func:`count_decisions`, "identification": as
        :func:`pricelake.workflows.response_figures.count_identified`, "model_version", "rules_version"}``.

    Raises:
        PricingError: the panel has no open period; the panel or the champion knows days after the as-of date; a product
            has two curves.
        SettingsError: the rules file cannot be used.
        TrainingError: there is no champion to draw curves.
    """
    load_rules(job.settings.rules)  # a broken rules file is found before the network runs
    check_open_period(job)
    job.reporter.step("Draw demand curves with the champion model")
    return write_recommendations(job, draw_curves(job))


def check_open_period(job: Job) -> None:
    """Refuse a panel that has nothing to price or that knows more than the as-of date allows.

    Raises:
        PricingError: the panel has no open period, or it begins after the as-of date.
    """
    panel = job.lake.read("gold.demand_panel").where("is_open")
    start = panel.agg(F.max("period_start")).first()[0]  # type: ignore[index]
    if start is None:
        raise PricingError(
            f"gold.demand_panel has no open period, so there is nothing to price. Run build_features for {job.as_of}."
        )
    if start > job.as_of:
        raise PricingError(
            f"gold.demand_panel was built for the period from {start}, after the as-of date {job.as_of}: a price would "
            f"see the future. Run build_features for {job.as_of} first."
        )


def write_recommendations(job: Job, drawn: DrawnCurves) -> dict[str, Any]:
    """Store the curves, price every open row, store the recommendations.

    Args:
        job: the job.
        drawn: curves of its as-of date.

    Returns:
        as :func:`recommend_prices`.

    Raises:
        PricingError: a product, market and period has more than one curve.
    """
    rules, settings = load_rules(job.settings.rules), job.settings
    today = f"as_of_date = DATE '{job.as_of}'"
    panel = job.lake.read("gold.demand_panel")
    job.lake.replace("gold.demand_curves", drawn.frame, where=today)
    curves = job.lake.read("gold.demand_curves").where(today)
    _check_unique(curves, job.as_of)
    open_rows = panel.where("is_open").count()
    job.rows_in += open_rows
    job.reporter.step(f"Price {open_rows:,} products and markets under the rules of {settings.rules}")
    priced = price_all(
        join_pricing_inputs(panel, with_others_profit(curves, panel), job.as_of, drawn.trained_until),
        contract_of("gold.price_recommendations").schema,
        rules,
        settings.pricing,
        expected_units,
        {
            "as_of_date": F.lit(job.as_of),
            "objective": F.lit(settings.pricing.objective),
            "model_version": F.lit(drawn.model_version),
            "rules_version": F.lit(rules.version),
            "panel_version": F.lit(job.lake.journal.pinned["gold.demand_panel"]).cast("bigint"),
            "seed": F.lit(drawn.seed),
        },
    )
    job.lake.replace("gold.price_recommendations", priced, where=today)
    return {
        "recommendations": count_decisions(job.lake.read("gold.price_recommendations").where(today)),
        "identification": count_identified(curves, panel),
        "model_version": drawn.model_version,
        "rules_version": rules.version,
    }


def with_others_profit(curves: DataFrame, panel: DataFrame) -> DataFrame:
    """Curves with ``others_profit_per_unit`` and its ``_sd``: what others earn by each unit that a product loses.

    The diversion ratio times the mean margin of the category's other products at the prices in force (what is paid,
    less cost), weighted by their units. Products earn nothing without a known cost, and count for nothing where a
    number is one that no price would be set on: a slip in one product's cost must not price the others. Currency.

    Args:
        curves: gold.demand_curves of one as-of date.
        panel: gold.demand_panel.
    """
    paid = F.col("list_price").cast("double") * (1 - F.col("discount_rate"))
    asked = panel.where("is_open").select(
        *PAIR, "period_start", "department", "category", paid.alias("paid"), "list_price", "discount_rate", "unit_cost"
    )
    known = curves.join(asked, ["product_id", "market_id", "period_start"], how="inner")
    ratio = F.log(F.col("paid") / F.col("reference_price").cast("double"))
    priced = with_expected_units(known, "units_now", ratio)
    cost, price = F.col("unit_cost").cast("double"), F.col("list_price").cast("double")
    is_believable = (
        (cost <= price * MAX_COST_OVER_PRICE)
        & (F.col("log_units") <= MAX_LOG_UNITS)
        & (F.col("units_now") <= MAX_EXPECTED)
        & (F.col("discount_rate") <= MAX_DISCOUNT_RATE)
    )
    category = Window.partitionBy(*CATEGORY_KEY)

    def of_others(values: Column) -> Column:
        own = F.coalesce(values, F.lit(0.0))
        return F.sum(own).over(category) - own

    # a cost that is not known makes neither profit nor doubt about the units
    units = F.when(F.coalesce(is_believable, F.lit(True)), F.col("units_now"))
    profit = F.when(is_believable, F.col("units_now") * (F.col("paid") - cost))
    margin = F.when(of_others(units) > LEAST_UNITS, of_others(profit) / of_others(units)).otherwise(F.lit(0.0))
    per_unit = {
        "others_profit_per_unit": F.col("diversion_ratio") * margin,
        "others_profit_per_unit_sd": F.col("diversion_ratio_sd") * F.abs(margin),
    }
    return priced.withColumns(per_unit).select(*curves.columns, *per_unit)


def _check_unique(curves: DataFrame, as_of: date) -> None:
    key = contract_of("gold.demand_curves").key
    twice = curves.groupBy(*key).count().where("count > 1").first()
    if twice is not None:
        raise PricingError(
            f"gold.demand_curves holds {twice['count']} curves for product {twice['product_id']} in market "
            f"{twice['market_id']} on {twice['period_start']} as of {as_of}: its price would not be unique. Look for "
            f"duplicate keys in gold.demand_panel and run build_features again; no price was written."
        )


def count_decisions(recommendations: DataFrame) -> dict[str, Any]:
    """Prices by decision and by what held them back, and how customers react at the prices in force.

    Args:
        recommendations: gold.price_recommendations of one as-of date.

    Returns:
        ``{"count", "changed", "held_back": {reason: count}, "decisions": {decision: count}, "median_elasticity"}``;
        the last at the prices in force, None where no price has a curve.
    """
    groups = recommendations.groupBy("decision", "held_back_reason").agg(
        F.count("*").alias("rows"), F.count_if("is_changed").alias("changed")
    )
    found = groups.orderBy("decision", "held_back_reason").collect()  # at most decisions x reasons
    typical = recommendations.agg(F.percentile_approx("elasticity", 0.5, 10_000)).first()
    decisions: dict[str, int] = {}
    for row in found:
        decisions[row["decision"]] = decisions.get(row["decision"], 0) + row["rows"]
    return {
        "count": sum(row["rows"] for row in found),
        "changed": sum(row["changed"] for row in found),
        "held_back": {row["held_back_reason"]: row["rows"] for row in found if row["held_back_reason"]},
        "decisions": decisions,
        "median_elasticity": typical[0] if typical is not None else None,
    }
