"""How often customers looked at a product before a period."""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from pricelake.features.history import periods_before
from pricelake.features.periods import Periods

MEAN_PERIODS = (4, 13)


def aggregate_to_views(events: DataFrame, periods: Periods) -> DataFrame:
    """Views by product and closed period, of all markets together: events do not say where a customer was.

    Args:
        events: rows of ``bronze.events``.
        periods: calendar of the run.

    Returns:
        ``product_id``, ``period_number``, ``views`` (1 or more).
    """
    seen = events.where((F.col("event_type") == "view") & F.col("product_id").isNotNull())
    number = periods.number(periods.local_date("occurred_at")).alias("period_number")
    closed = seen.where(periods.in_closed_periods("occurred_at"))
    return closed.groupBy("product_id", number).agg(F.count(F.lit(1)).alias("views"))


def join_views(rows: DataFrame, views: DataFrame | None) -> DataFrame:
    """Lags and means of views, all strictly before the period.

    A period counts as recorded if it has views of any product; the first that has, which may be known in part, does
    not.

    Args:
        rows: one row per product, market and period while on sale.
        views: result of :func:`aggregate_to_views`; None where the shop brings no events.

    Returns:
        ``views_lag_1``, ``views_mean_4`` and ``views_mean_13``, 0 where unknown; ``is_views_missing``: none of the 13
        periods before is recorded.
    """
    names = ("views_lag_1", *(f"views_mean_{k}" for k in MEAN_PERIODS))
    if views is None:
        return rows.withColumns({**{name: F.lit(0.0) for name in names}, "is_views_missing": F.lit(True)})
    place = F.row_number().over(Window.partitionBy(F.lit(0)).orderBy("period_number"))  # of the periods, which are few
    whole = views.select("period_number").distinct().withColumn("__place", place).where("__place > 1")
    counted = rows.join(views, ["product_id", "period_number"], how="left")
    joined = counted.join(F.broadcast(whole), "period_number", how="left")
    own = F.when(F.col("__place").isNotNull(), F.coalesce("views", F.lit(0)).cast("double"))
    known = joined.withColumn("views", own)
    before = {"views_lag_1": 1, **{f"views_mean_{k}": k for k in MEAN_PERIODS}}
    means = {name: F.avg("views").over(periods_before(k)) for name, k in before.items()}
    is_missing = F.count("views").over(periods_before(max(MEAN_PERIODS))) == 0
    found = {name: F.coalesce(mean, F.lit(0.0)) for name, mean in means.items()}
    return known.withColumns({**found, "is_views_missing": is_missing}).drop("views", "__place")
