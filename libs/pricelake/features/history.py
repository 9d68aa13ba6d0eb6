"""What a product and market did before a period."""

from pyspark.sql import Column, DataFrame, Window, WindowSpec
from pyspark.sql import functions as F

from pricelake.features.facts import PAIR, PROMOTION_RATES
from pricelake.features.grid import MONEY

REFERENCE_PERIODS = 8
PRICE_MOVE_RATE = 0.01
LONGEST_SILENCE = 52


def periods_before(periods: int | None = None) -> WindowSpec:
    """The ``periods`` periods before a row, or all of them; ranges over time, so gaps shift nothing."""
    first = Window.unboundedPreceding if periods is None else -periods
    return Window.partitionBy(*PAIR).orderBy("period_number").rangeBetween(first, -1)


def with_price_history(rows: DataFrame) -> DataFrame:
    """Reference price and what prices and promotions were one period before.

    Args:
        rows: one row per product, market and period with ``unit_price``, ``last_paid_price``, promotion rates.

    Returns:
        ``reference_price``: mean unit price of the rows of the 8 periods before; without any, the row's own unit price.
        ``price_lag_ratio``: unit price one period before / reference price, 1 without one: a first row, which has
        ``sold_periods`` 0, or the first after a product was delisted, which ``periods_since_sale`` shows, so that it
        needs no indicator. ``price_moved``: the unit price differs by more than 1 % from the row before.
        ``promotion_lag_1``: largest promotion rate one period before, 0 without one. ``age_periods``: periods since the
        first row's period on sale. ``sold_periods``: earlier periods with sales. ``periods_since_sale``: since the
        latest earlier one (or since the start), at most 52. ``is_availability_missing`` of an open row: whether the row
        before lacked it, as the future is never recorded.
    """
    price, one = F.col("unit_price").cast("double"), periods_before(1)
    order = Window.partitionBy(*PAIR).orderBy("period_number")
    previous = F.lag("unit_price").over(order).cast("double")
    unrecorded = F.coalesce(F.lag("is_availability_missing").over(order), F.lit(True))
    reference = F.avg("unit_price").over(periods_before(REFERENCE_PERIODS)).cast(MONEY)
    promotion = F.greatest(*PROMOTION_RATES, "promotion_depth_rate")
    age = F.col("period_number") - F.col("first_on_sale")
    last_sold = F.max(F.when(F.col("units") > 0, F.col("period_number"))).over(periods_before())
    silence = F.least(F.coalesce(F.col("period_number") - last_sold, age), F.lit(LONGEST_SILENCE))
    return rows.withColumns(
        {
            "reference_price": F.coalesce(reference, F.col("unit_price")),
            "price_lag": F.max("unit_price").over(one).cast("double"),
            "price_moved": F.coalesce(F.abs(price / previous - 1) > PRICE_MOVE_RATE, F.lit(False)),
            "promotion_lag_1": F.coalesce(F.max(promotion).over(one), F.lit(0.0)),
            "age_periods": age,
            "sold_periods": F.count(F.when(F.col("units") > 0, 1)).over(periods_before()).cast("int"),
            "periods_since_sale": silence,
            "is_availability_missing": F.when(F.col("is_open"), unrecorded).otherwise(F.col("is_availability_missing")),
        }
    ).withColumn(
        "price_lag_ratio",
        F.coalesce(F.col("price_lag") / F.col("reference_price").cast("double"), F.lit(1.0)),
    )


def with_unit_history(rows: DataFrame) -> DataFrame:
    """Lags and means of winsorised units, all strictly before the period; periods off sale are not in the means.

    Args:
        rows: with ``units_winsorised``, ``price_moved`` and ``reference_price``.

    Returns:
        the ``units_*`` columns, 0 where nothing came before; ``price_changes``, earlier price moves;
        ``revenue_rate_8`` = log1p(units_mean_8 × reference_price).
    """

    def units(measure: Column, frame: WindowSpec) -> Column:
        return F.coalesce(measure.over(frame), F.lit(0.0))

    own = F.col("units_winsorised")
    lag = {f"units_lag_{k}": units(F.sum(own), periods_before(k).rangeBetween(-k, -k)) for k in (1, 2, 3, 4)}
    mean = {f"units_mean_{k}": units(F.avg(own), periods_before(k)) for k in (4, 8, 13)}
    return rows.withColumns(
        {
            **lag,
            **mean,
            "units_mean_all": units(F.avg(own), periods_before()),
            "units_max_8": units(F.max(own), periods_before(8)),
            "price_changes": F.count(F.when(F.col("price_moved"), 1)).over(periods_before()).cast("int"),
        }
    ).withColumn("revenue_rate_8", F.log1p(F.col("units_mean_8") * F.col("reference_price").cast("double")))
