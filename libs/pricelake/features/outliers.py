"""Units outside a product's own robust range: flagged and pulled back for features, never deleted."""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from pricelake.features.facts import PAIR

LOOK_BACK_PERIODS = 26
MIN_PERIODS = 8
MAD_TO_SD = 1.4826
MIN_SD = 0.25


def with_outliers(rows: DataFrame, mads: float) -> DataFrame:
    """Flag and winsorise units by median and MAD of the periods before.

    With x = log1p(units) and, over the up to 26 periods before (the own one excluded, so that nothing in it or after
    it moves the range), m = median(x) and s = max(1.4826 × median|x - m|, sqrt(u + 3/8) / (1 + u), 0.25) where
    u = expm1(m): a period is an outlier when |x - m| > ``mads`` × s, and its units are pulled back to
    expm1(m ± ``mads`` × s), at least 0. 1.4826 makes the MAD a standard deviation under normality (Rousseeuw and
    Croux 1993, JASA 88:1273). The second term is the standard deviation of log1p of a Poisson count by the delta
    method (3/8: Anscombe 1948, Biometrika 35:246), without which the many products with mostly equal small counts, and
    hence MAD 0, would have every larger count called an outlier. The third keeps ordinary promotion lifts inside.
    Fewer than 8 periods before: no outlier.

    What was sold while the product was out of stock for a part of the period is never too little, and periods without
    any stock are not among those before.

    Args:
        rows: one row per product, market and period with ``availability_rate``; ``units`` null only in the open period.
        mads: robust standard deviations, above 0.

    Returns:
        ``is_outlier`` (false in the open period) and ``units_winsorised`` (null there).
    """
    past = (
        Window.partitionBy(*PAIR).orderBy("period_number").rangeBetween(-LOOK_BACK_PERIODS, -1)
    )  # fmt: skip
    in_stock = F.when(F.col("availability_rate") > 0.0, F.log1p("units"))
    with_past = rows.withColumn("past", F.sort_array(F.collect_list(in_stock).over(past)))
    with_centre = with_past.withColumn("centre", _middle(F.col("past")))
    deviations = F.sort_array(F.transform("past", lambda x: F.abs(x - F.col("centre"))))
    level = F.expm1("centre")
    spread = F.greatest(
        MAD_TO_SD * _middle(deviations), F.sqrt(level + 0.375) / (1.0 + level), F.lit(MIN_SD)
    )  # fmt: skip
    reach = F.when(F.size("past") >= MIN_PERIODS, mads * spread)
    highest, lowest = F.expm1(F.col("centre") + F.col("reach")), F.expm1(F.col("centre") - F.col("reach"))
    apart = F.log1p("units") - F.col("centre")
    distance = F.when(F.col("availability_rate") < 1.0, apart).otherwise(F.abs(apart))
    is_outlier = F.coalesce(distance > F.col("reach"), F.lit(False))
    pulled = F.greatest(F.least(F.col("units"), highest), lowest, F.lit(0.0))
    return (
        with_centre.withColumn("reach", reach)
        .withColumn("is_outlier", is_outlier)
        .withColumn("units_winsorised", F.when(F.col("is_outlier"), pulled).otherwise(F.col("units")))
        .drop("past", "centre", "reach")
    )


def _middle(ordered: Column) -> Column:
    """Median of an ascending array; null when it is empty."""
    count = F.size(ordered)
    low = F.get(ordered, F.floor((count - 1) / 2).cast("int"))
    high = F.get(ordered, F.floor(count / 2).cast("int"))
    return F.when(count > 0, (low + high) / 2)
