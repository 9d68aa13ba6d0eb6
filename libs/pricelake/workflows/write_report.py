"""Write the report for pricing managers from the tables of one as-of date."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pricelake.demand.curve import CURVE_COLUMNS, expected_units
from pricelake.demand.inputs import YEARLY_MIN_DAYS
from pricelake.report import Findings, decisions, draw_curve, evidence, render
from pricelake.report.evidence_facts import IdentifiedBy, Origin, PanelQuality, QuarantineCount, ResponseFit
from pricelake.report.facts import DecisionTotals, DrawnCurve, Recommendation
from pricelake.report.recent import margin_paid, prices_paid, recent_periods
from pricelake.workflows.job import Job
from pricelake.workflows.price_list import write_price_list
from pricelake.workflows.response_figures import PRICE_RESPONSE, count_identified, response_fit
from pricelake.workflows.whole_file import local_path, whole_file

OPPORTUNITIES = 25
CATEGORIES = 18
OBSERVED_PERIODS = 104
RECENT_PERIODS = 8
CURVE_PARAMETERS = ("reference_price", *CURVE_COLUMNS, "elasticity_sd", "log_units_sd")


@dataclass(frozen=True)
class _Tables:
    """What the report reads; None where the shop or an earlier job brought nothing."""

    prices: DataFrame
    products: DataFrame
    panel: DataFrame
    curves: DataFrame | None
    demand_metrics: DataFrame | None
    recommender_metrics: DataFrame | None
    quarantine: DataFrame | None
    runs: DataFrame | None


def write_report(job: Job) -> dict[str, Any]:
    """Gather bounded facts from the tables of the as-of date; write one self-contained HTML file and the price list.

    Reads ``gold.price_recommendations``, ``gold.demand_panel``, ``bronze.products`` and, where they exist,
    ``gold.demand_curves``, ``gold.demand_metrics``, ``gold.recommender_metrics``, ``bronze.quarantine``, ``ops.runs``.
    Writes no table. The same tables give the same file.

    Returns:
        ``report`` and ``price_list`` (paths), ``bytes`` of the report, prices ``listed``, ``opportunities`` and
        ``curves`` shown, ``headline`` (:func:`headline_figures`).

    Raises:
        ContractError: recommendations, panel or products have not been written.
        PricingError: there is no recommendation for the as-of date.
        SettingsError: ``report.path`` is not a local path.
    """
    path = local_path(job.settings.report.path)
    job.reporter.step("gathering decisions")
    tables = _read(job)
    # refuses an empty date before anything else is worked out
    totals = decisions.decision_totals(
        tables.prices, tables.products, job.settings.demand.min_elasticity, job.settings.pricing.interval_rate
    )
    job.rows_in += totals.prices
    opportunities = decisions.largest_opportunities(tables.prices, OPPORTUNITIES)
    chosen = decisions.choice_of_products(tables.prices, job.settings.report.curves)
    job.reporter.step("drawing demand curves")
    curves = _drawn_curves(job, tables, chosen)
    job.reporter.step("gathering evidence")
    price_list = path.with_name(f"{path.stem}-prices.csv")
    findings = _findings(job, tables, totals, opportunities, curves, price_list.name)
    job.reporter.step(f"writing {path}")
    listed = write_price_list(price_list, tables.prices, tables.products, tables.panel)
    size = write_page(path, render(findings))
    return {
        "report": str(path),
        "price_list": str(price_list),
        "bytes": size,
        "listed": listed,
        "opportunities": len(opportunities),
        "curves": len(curves),
        "headline": headline_figures(totals),
    }


def headline_figures(totals: DecisionTotals) -> dict[str, float]:
    """The report's headline for machines.

    Returns:
        in shop currency, expected for the open period: ``profit_now_amount`` (prices with a curve and a cost),
        ``profit_gain_amount`` with ``profit_gain_low_amount`` and ``profit_gain_high_amount`` (changed prices with a
        cost; interval of the sum), ``revenue_now_amount`` (prices with a curve),
        ``revenue_gain_amount`` (changed prices); and ``low_confidence_changed``: changed prices of low or no
        confidence.
    """
    return {
        "profit_now_amount": float(totals.profit_now),
        "profit_gain_amount": float(totals.profit_uplift),
        "profit_gain_low_amount": float(totals.profit_uplift_low),
        "profit_gain_high_amount": float(totals.profit_uplift_high),
        "revenue_now_amount": float(totals.revenue_now),
        "revenue_gain_amount": float(totals.revenue_uplift),
        "low_confidence_changed": totals.low_confidence_changed,
    }


def write_page(path: Path, page: str) -> int:
    """Write the page, whole or not at all; returns its size in bytes."""
    with whole_file(path) as file:
        file.write(page)
    return path.stat().st_size


def _read(job: Job) -> _Tables:
    lake, as_of = job.lake, F.lit(job.as_of)
    curves = lake.read_if_exists("gold.demand_curves")
    return _Tables(
        prices=lake.read("gold.price_recommendations").where(F.col("as_of_date") == as_of),
        products=lake.read("bronze.products"),
        panel=lake.read("gold.demand_panel"),
        curves=None if curves is None else curves.where(F.col("as_of_date") == as_of),
        demand_metrics=lake.read_if_exists("gold.demand_metrics"),
        recommender_metrics=lake.read_if_exists("gold.recommender_metrics"),
        quarantine=lake.read_if_exists("bronze.quarantine"),
        runs=lake.read_if_exists("ops.runs"),
    )


def _drawn_curves(job: Job, tables: _Tables, chosen: tuple[Recommendation, ...]) -> tuple[DrawnCurve, ...]:
    """Curves of the chosen products, in their order; those without stored parameters are left out."""
    if tables.curves is None or not chosen:
        return ()
    keys = [(one.product_id, one.market_id, one.period_start) for one in chosen]
    stored = _curve_parameters(tables.curves, keys)
    observed = evidence.observed_periods(tables.panel, chosen, OBSERVED_PERIODS)
    return tuple(
        draw_curve(
            one,
            stored[key],
            observed[one.product_id, one.market_id],
            expected_units,
            job.settings.pricing.interval_rate,
        )
        for one, key in zip(chosen, keys, strict=True)
        if key in stored
    )


def _curve_parameters(
    curves: DataFrame, keys: Iterable[tuple[str, str, date]]
) -> dict[tuple[str, str, date], dict[str, float]]:
    """Curve parameters as floats, by product, market and period."""
    wanted = list(keys)
    products, markets, periods = (sorted({key[place] for key in wanted}) for place in range(3))
    rows = (
        curves.where(F.col("product_id").isin(products))
        .where(F.col("market_id").isin(markets) & F.col("period_start").isin(periods))
        .select("product_id", "market_id", "period_start", *(F.col(name).cast("double") for name in CURVE_PARAMETERS))
        .limit(len(products) * len(markets) * len(periods))
        .collect()
    )
    return {
        (row["product_id"], row["market_id"], row["period_start"]): {name: row[name] for name in CURVE_PARAMETERS}
        for row in rows
    }


def _findings(
    job: Job,
    tables: _Tables,
    totals: DecisionTotals,
    opportunities: tuple[Recommendation, ...],
    curves: tuple[DrawnCurve, ...],
    price_list: str,
) -> Findings:
    prices, as_of, panel = tables.prices, job.as_of, evidence.panel_quality(tables.panel)
    demand = job.settings.demand
    period_days = job.settings.features.period_days
    ranked, origins = tables.recommender_metrics, decisions.origins(prices)
    judged = (
        None if tables.demand_metrics is None else tables.demand_metrics.where(F.col("contender") != PRICE_RESPONSE)
    )
    quarantine = evidence.quarantine_counts(tables.quarantine) if tables.quarantine is not None else ()
    shown = [*(one.product_id for one in opportunities), *(one.recommendation.product_id for one in curves)]
    return Findings(
        shop=job.shop.name,
        about=job.shop.about,
        currency=job.shop.currency,
        as_of=as_of,
        period=job.settings.features.period,
        interval_rate=job.settings.pricing.interval_rate,
        weakest_elasticity=job.settings.demand.min_elasticity,
        knows_season=knows_season(panel, demand.holdout_periods + demand.validation_periods, period_days),
        has_list_prices=job.lake.exists("bronze.list_prices"),
        price_list=price_list,
        totals=totals,
        recent=recent_periods(prices, tables.panel, totals.period_first, RECENT_PERIODS, period_days),
        margin_paid=margin_paid(prices, tables.panel),
        held_back=decisions.held_back_counts(prices),
        flags=decisions.flag_counts(prices),
        opportunities=opportunities,
        prices_paid=prices_paid(tables.panel, opportunities),
        curves=curves,
        changes=decisions.change_buckets(prices),
        rules=decisions.rule_counts(prices),
        held_out=evidence.held_out_figures(judged, as_of) if judged is not None else None,
        response_fit=_response_fit(tables.demand_metrics, as_of, origins),
        identified=_identified(tables),
        elasticities=decisions.elasticity_ranges(prices, tables.products, CATEGORIES),
        rankings=evidence.ranking_quality(ranked, as_of) if ranked is not None else (),
        quarantine=quarantine,
        rows_taken=_rows_taken(job, quarantine),
        panel=panel,
        runs=evidence.latest_runs(tables.runs, as_of, "write_report") if tables.runs is not None else (),
        origins=origins,
        table_versions={name: version for name, version in job.lake.journal.inputs_read.items() if name != "ops.runs"},
        names=evidence.product_names(tables.products, shown),
    )


def _response_fit(metrics: DataFrame | None, as_of: date, origins: tuple[Origin, ...]) -> ResponseFit | None:
    """How the response of the model that set the prices was learnt; None where that is not on record."""
    if metrics is None or not origins:
        return None
    own = metrics.where(F.col("contender") == PRICE_RESPONSE)
    figures = evidence.figures_of_version(own, as_of, origins[-1].model_version)
    return response_fit(figures) if figures else None


def _identified(tables: _Tables) -> tuple[IdentifiedBy, ...]:
    if tables.curves is None:
        return ()
    counted = count_identified(tables.curves, tables.panel)
    return tuple(IdentifiedBy(name, **counts) for name, counts in counted.items())


def knows_season(panel: PanelQuality, untrained_periods: int, period_days: int) -> bool:
    """Whether a model trained on this panel reads season and holidays: its training rows must span two years.

    Args:
        panel: its first and last closed period.
        untrained_periods: last periods that validate and judge the model.
        period_days: days of a period.
    """
    if panel.first is None or panel.last is None:
        return False
    return (panel.last - panel.first).days - (untrained_periods - 1) * period_days >= YEARLY_MIN_DAYS


def _rows_taken(job: Job, quarantine: tuple[QuarantineCount, ...]) -> dict[str, int]:
    """Rows of the tables that set rows aside; Delta answers these counts from its file statistics."""
    taken = {}
    for name in sorted({one.table_name for one in quarantine}):
        table = name if "." in name else f"bronze.{name}"
        if job.lake.exists(table):
            taken[name] = job.lake.read(table).count()
    return taken
