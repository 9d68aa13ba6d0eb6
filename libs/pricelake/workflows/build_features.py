"""Bronze → ``gold.demand_panel``, ``gold.interactions``, ``gold.sequences``."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from pyspark import StorageLevel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pricelake.errors import QualityError
from pricelake.features.behaviour import collect_behaviour
from pricelake.features.interactions import aggregate_to_interactions, aggregate_to_sequences
from pricelake.features.panel import build_demand_panel, collect_known_periods
from pricelake.features.periods import Periods
from pricelake.settings.shop import SHOP_TABLE_NAMES
from pricelake.tables import contract_of
from pricelake.workflows.job import Job
from pricelake.workflows.left_out import leave_out

STALE_DAYS = 7
NOT_OPTIONAL = ("products", "order_lines", "sales_panel", "customers")
"""Products and one kind of sales are required; attributes of customers are no features."""
OPTIONAL = tuple(name for name in SHOP_TABLE_NAMES if name not in NOT_OPTIONAL)


def build_features(job: Job) -> dict[str, Any]:
    """Build what the models read, as it was known when the as-of date began.

    The three tables are replaced as a whole and hold the state of one as-of date; Delta's history keeps the others, and
    a run for an earlier date puts that date's state in place.

    Args:
        job: the run.

    Returns:
        ``panel_rows``, ``open_rows``, ``first_period``, ``open_period``, ``interactions``, ``customers``;
        ``without_customers``, true where nothing can be said about tastes; ``left_out``, tables that settings switch
        off; ``absent``, the optional bronze tables that the shop does not bring.

    Raises:
        ContractError: ingest has not run.
        QualityError: no sales, or none in the week before the open period; sales of products that
            ``bronze.products`` does not know; totals of another period than ``features.period``.
        SettingsError: ``features.sequences`` is off, and the lake holds sequences of an earlier run.
    """
    settings = job.settings.features
    left_out = [] if settings.sequences else leave_out(job, ["gold.sequences"], "features.sequences")
    tables = _read_tables(job)
    periods = _find_periods(job, tables)
    job.reporter.step("Bring together what is known of each product, market and period")
    known = collect_known_periods(tables, periods, settings).persist(StorageLevel.MEMORY_AND_DISK)
    try:
        _check_products(known)
        job.reporter.step("Fill the panel and compute its features")
        panel = build_demand_panel(known, tables, periods, settings, job.shop)
        columns = contract_of("gold.demand_panel").column_names
        panel_rows = job.lake.replace("gold.demand_panel", panel.select(*columns))
    finally:
        known.unpersist()
    written = job.lake.read("gold.demand_panel")
    open_rows = written.where("is_open").count()
    summary = {
        "panel_rows": panel_rows,
        "open_rows": open_rows,
        "first_period": str(max(periods.first_start, periods.start_of(periods.history_number))),
        "open_period": str(periods.open_start),
    }
    absent = [name for name in OPTIONAL if name not in tables]
    return {**summary, **_write_tastes(job, tables, periods), "left_out": left_out, "absent": absent}


def _read_tables(job: Job) -> dict[str, DataFrame]:
    """The bronze tables of the shop by name, counted into the job's rows."""
    sales = "order_lines" if "order_lines" in job.shop.tables else "sales_panel"
    tables = {name: job.lake.read(f"bronze.{name}") for name in ("products", sales)}
    for name in OPTIONAL:
        frame = job.lake.read_if_exists(f"bronze.{name}")
        if frame is not None:
            tables[name] = frame
    job.rows_in += sum(frame.count() for frame in tables.values())
    return tables


def _find_periods(job: Job, tables: dict[str, DataFrame]) -> Periods:
    """The run's calendar, after a look at the days that the sales cover."""
    settings = job.settings.features
    periods = Periods(settings.period, job.as_of, job.shop.time_zone, settings.history_periods)
    if "sales_panel" in tables:
        sales, day = tables["sales_panel"], F.col("period_start")
        _check_periods(sales, periods)
    else:
        sales, day = tables["order_lines"], periods.local_date("ordered_at")
    known = day < F.lit(periods.open_start)
    first, last = sales.agg(F.min(F.when(known, day)), F.max(F.when(known, day))).collect()[0]
    if last is None or last < periods.open_start - timedelta(days=STALE_DAYS):
        found = "There are no sales" if last is None else f"The latest sale is of {last}, more than {STALE_DAYS} days"
        raise QualityError(
            f"{found} before the open period, which starts on {periods.open_start}. Days without data would be taken "
            "for days without demand. Run ingest with newer data, or choose an earlier as-of date."
        )
    periods = replace(periods, sales_since=first if "order_lines" in tables else None)
    if periods.first_number >= periods.open_number:
        raise QualityError(
            f"Sales begin on {first}: no whole {periods.kind} lies between them and {periods.open_start}, where the "
            "open period starts. Choose a later as-of date, or bring older sales."
        )
    return periods


def _write_tastes(job: Job, tables: dict[str, DataFrame], periods: Periods) -> dict[str, Any]:
    """Write ratings and, if wanted, sequences, unless the shop knows no customers."""
    settings = job.settings.features
    behaviour = collect_behaviour(tables.get("order_lines"), tables.get("events"), tables.get("reviews"), periods)
    if behaviour is None or behaviour.isEmpty():
        return {"interactions": 0, "customers": 0, "without_customers": True}
    job.reporter.step("Rate what each customer did with each product")
    ratings = aggregate_to_interactions(behaviour, periods, settings.rating_half_life_days)
    interactions = job.lake.replace("gold.interactions", ratings)
    if settings.sequences:
        job.reporter.step("Put each customer's events in order")
        customers = job.lake.replace("gold.sequences", aggregate_to_sequences(behaviour, settings.max_sequence_events))
    else:
        customers = job.lake.read("gold.interactions").select("customer_id").distinct().count()
    return {"interactions": interactions, "customers": customers, "without_customers": False}


def _check_products(known: DataFrame) -> None:
    """Refuse sales of unknown products: without a category they can be neither modelled nor governed by a rule."""
    unknown = known.where(F.col("on_sale") & F.col("department").isNull()).select("product_id").distinct()
    examples = [row.product_id for row in unknown.limit(5).collect()]
    if examples:
        raise QualityError(
            f"Products were sold that bronze.products does not know, for example {', '.join(sorted(examples))}. "
            "Without department and category they cannot be priced. Add them to the products source and run ingest."
        )


def _check_periods(sales_panel: DataFrame, periods: Periods) -> None:
    """Refuse totals that do not begin where a period of the settings begins."""
    start = periods.start(periods.number(F.col("period_start")))
    wrong = sales_panel.where(F.col("period_start") != start).select("period_start").first()
    if wrong is not None:
        raise QualityError(
            f"bronze.sales_panel has a period that starts on {wrong.period_start:%A %Y-%m-%d}, but features.period is "
            f"'{periods.kind}' and weeks start on Monday. Totals of other periods would be counted into the wrong one. "
            "Map period_start to Mondays, or set features.period to day if the totals are daily."
        )
