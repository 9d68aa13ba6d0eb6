"""What stands behind the recommendations: forecasts, rankings, data quality, runs. Every result is bounded."""

import math
from collections.abc import Iterable
from dataclasses import fields
from datetime import date

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from pricelake.report.evidence_facts import HeldOutFigures, JobRun, PanelQuality, QuarantineCount, RankingQuality
from pricelake.report.facts import ObservedPeriod, Recommendation

MOST_FIGURES = 500
MOST_RANKINGS = 60
MOST_QUARANTINE_RULES = 40
MOST_JOBS = 50
EXAMPLE_CHARACTERS = 240


def _latest(frame: DataFrame, as_of: date) -> DataFrame:
    """Rows of the newest as-of date up to ``as_of``: models may be judged less often than prices are set."""
    known = frame.where(F.col("as_of_date") <= F.lit(as_of))
    newest = known.agg(F.max("as_of_date").alias("as_of_date"))
    return known.join(F.broadcast(newest), on="as_of_date", how="left_semi")


def held_out_figures(metrics: DataFrame, as_of: date) -> HeldOutFigures | None:
    """Forecast figures of all contenders, of the latest judgement up to ``as_of``; None without one.

    A figure that could not be worked out (NaN) is absent.

    Args:
        metrics: ``gold.demand_metrics``.
        as_of: as-of date of the report.
    """
    rows = _latest(metrics, as_of).orderBy("contender", "figure").limit(MOST_FIGURES).collect()
    if not rows:
        return None
    values: dict[str, dict[str, float]] = {}
    for row in rows:
        figures = values.setdefault(row["contender"], {})
        if math.isfinite(row["value"]):
            figures[row["figure"]] = row["value"]
    return HeldOutFigures(rows[0]["as_of_date"], values)


def figures_of_version(metrics: DataFrame, as_of: date, model_version: str) -> dict[str, float]:
    """Figures of one model version, of the latest as-of date up to ``as_of``; empty without one.

    Args:
        metrics: rows of ``gold.demand_metrics`` of one contender.
        as_of: as-of date of the report.
        model_version: registered version.
    """
    mine = _latest(metrics.where(F.col("model_version") == model_version), as_of)
    rows = mine.orderBy("figure").limit(MOST_FIGURES).collect()
    return {row["figure"]: row["value"] for row in rows}


def ranking_quality(metrics: DataFrame, as_of: date) -> tuple[RankingQuality, ...]:
    """Ranking figures of the latest judgement up to ``as_of``, by purchases and contender; empty without one.

    Args:
        metrics: ``gold.recommender_metrics``.
        as_of: as-of date of the report.
    """
    names = [column.name for column in fields(RankingQuality)]
    rows = _latest(metrics, as_of).select(*names).orderBy("purchases", "contender").limit(MOST_RANKINGS).collect()
    found = [RankingQuality(**row.asDict()) for row in rows]
    return tuple(sorted(found, key=lambda one: (one.purchases != "all", one.purchases != "repeat", one.contender)))


def quarantine_counts(quarantine: DataFrame) -> tuple[QuarantineCount, ...]:
    """Rows set aside by table and rule, most first, with the first row by hash as an example.

    Args:
        quarantine: ``bronze.quarantine``.
    """
    counted = quarantine.groupBy("table_name", "rule").agg(
        F.count("*").alias("rows"),
        F.min_by("reason", "row_hash").alias("example_reason"),
        F.substring(F.min_by("source_row", "row_hash"), 1, EXAMPLE_CHARACTERS).alias("example_row"),
    )
    rows = counted.orderBy(F.desc("rows"), "table_name", "rule").limit(MOST_QUARANTINE_RULES).collect()
    return tuple(QuarantineCount(**row.asDict()) for row in rows)


def panel_quality(panel: DataFrame) -> PanelQuality:
    """How much of the panel is carried forward, assumed or missing, over closed product-periods.

    Args:
        panel: ``gold.demand_panel``.
    """
    rows = (
        panel.where("NOT is_open")
        .agg(
            F.min("period_start").alias("first"),
            F.max("period_start").alias("last"),
            F.count("*").alias("rows"),
            F.count_if("is_outlier").alias("outliers"),
            F.count_if(~F.col("is_price_observed")).alias("price_carried"),
            F.count_if(F.col("unit_cost").isNull()).alias("cost_unknown"),
            F.count_if(F.col("cost_source") == "assumed").alias("cost_assumed"),
            F.count_if("is_availability_missing").alias("availability_missing"),
            F.count_if("is_competitor_missing").alias("competitor_missing"),
            F.count_if("is_weather_missing").alias("weather_missing"),
        )
        .collect()  # an aggregate without groups is one row
    )
    return PanelQuality(**rows[0].asDict())


def observed_periods(
    panel: DataFrame, chosen: Iterable[Recommendation], periods: int
) -> dict[tuple[str, str], tuple[ObservedPeriod, ...]]:
    """The latest closed periods of the chosen products, oldest first, by product and market.

    Periods without a sale are in it, at the price last known and 0 units.

    Args:
        panel: ``gold.demand_panel``.
        chosen: bounded choice of recommendations.
        periods: periods per product and market at most.
    """
    pairs = {(one.product_id, one.market_id) for one in chosen}
    latest = Window.partitionBy("product_id", "market_id").orderBy(F.desc("period_start"))
    promoted = F.greatest("display_rate", "feature_rate", "coupon_rate", "promotion_depth_rate", "price_cut_rate") > 0
    rows = (
        panel.where(F.col("product_id").isin(sorted({product for product, _ in pairs})))
        .where(F.col("market_id").isin(sorted({market for _, market in pairs})))
        .where("NOT is_open")
        .withColumn("place", F.row_number().over(latest))
        .where(F.col("place") <= periods)
        .select("product_id", "market_id", "period_start", F.col("unit_price").cast("double"), "units", promoted)
        .orderBy("product_id", "market_id", "period_start")
        .limit(len(pairs) ** 2 * periods)  # products and markets are filtered apart, so their cross product bounds it
        .collect()
    )
    found: dict[tuple[str, str], list[ObservedPeriod]] = {pair: [] for pair in pairs}
    for product, market, *period in rows:
        if (product, market) in found:
            found[product, market].append(ObservedPeriod(*period))
    return {pair: tuple(series) for pair, series in found.items()}


def product_names(products: DataFrame, product_ids: Iterable[str]) -> dict[str, str]:
    """Names of the given products; ids without a product are absent.

    Args:
        products: ``bronze.products``.
        product_ids: bounded choice of ids.
    """
    wanted = sorted(set(product_ids))
    rows = products.where(F.col("product_id").isin(wanted)).select("product_id", "name").limit(len(wanted)).collect()
    return {row["product_id"]: row["name"] for row in rows}


def latest_runs(runs: DataFrame, as_of: date, leave_out: str) -> tuple[JobRun, ...]:
    """The latest successful run of every job for the as-of date, in the order they finished.

    Args:
        runs: ``ops.runs``.
        as_of: as-of date of the report.
        leave_out: the job that writes the report: it has not finished, and an earlier run of it says nothing.
    """
    names = [column.name for column in fields(JobRun)]
    newest = Window.partitionBy("job").orderBy(F.desc("finished_at"), "run_id")
    rows = (
        runs.where((F.col("as_of_date") == F.lit(as_of)) & (F.col("outcome") == "succeeded"))
        .where(F.col("job") != leave_out)
        .withColumn("place", F.row_number().over(newest))
        .where("place = 1")
        .select(*names)
        .orderBy("finished_at", "job")
        .limit(MOST_JOBS)
        .collect()
    )
    return tuple(JobRun(**row.asDict()) for row in rows)
