"""Which products a model learns from: all that sell often, and a sample of those that sell rarely.

The response and the comparison with baselines need products that sold in many periods. Curves are drawn for rare ones
too, and a level learnt without them would take them for products that sell: theirs are most rows of a large shop, so a
sample of whole products, in all their markets, stands for them, each row with the inverse of the share that was drawn
as its weight (Horvitz and Thompson, *Journal of the American Statistical Association* 47, 1952).
"""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pricelake.demand.inputs import PAIR

STEPS = 1_000_000
"""Of the uniform draw."""


def draw_population(
    panel: DataFrame, holdout_start: Column, min_sold_periods: int, min_curve_periods: int, rare_rate: float, seed: int
) -> DataFrame:
    """Rows of the products that are learnt from, each with its whole history.

    Args:
        panel: closed rows of gold.demand_panel.
        holdout_start: first held-out day.
        min_sold_periods: periods with sales in one of its markets, before the held-out ones, that make a product a
            frequent one.
        min_curve_periods: earlier periods with sales that a row needs to be learnt from, 1 or more.
        rare_rate: rows of rare products to draw, as a share of the rows of frequent ones; fewer if there are fewer.
        seed: of the draw, which is by hash: the same rows on any cluster.

    Returns:
        columns of ``panel``, ``is_frequent`` and ``sampling_weight`` (1 of frequent products, at least 1 of rare ones).
        Which rows are learnt from: :func:`learnt_from`.
    """
    before = F.col("period_start") < holdout_start
    useful = before & (F.col("sold_periods") >= min_curve_periods)
    pairs = panel.groupBy(*PAIR).agg(
        F.count_if(before & (F.col("units") > 0)).alias("sold"), F.count_if(useful).alias("useful_rows")
    )
    products = pairs.groupBy("product_id").agg(
        (F.max("sold") >= min_sold_periods).alias("is_frequent"), F.sum("useful_rows").alias("useful_rows")
    )
    counted = products.groupBy("is_frequent").agg(F.sum("useful_rows").alias("rows"))
    rows = {row["is_frequent"]: row["rows"] for row in counted.collect()}  # two rows
    share = min(1.0, rare_rate * rows.get(True, 0) / max(rows.get(False, 0), 1))
    is_drawn = F.pmod(F.xxhash64("product_id", F.lit(seed)), F.lit(STEPS)) < round(share * STEPS)
    weight = F.when(F.col("is_frequent"), F.lit(1.0)).otherwise(F.lit(1.0 / share if share > 0 else 1.0))
    chosen = products.where(F.col("is_frequent") | (is_drawn & (F.col("useful_rows") > 0)))
    return panel.join(
        chosen.select("product_id", "is_frequent", weight.alias("sampling_weight")), "product_id", how="inner"
    )


def learnt_from(min_curve_periods: int) -> Column:
    """Whether a row of :func:`draw_population` is learnt from.

    It has a period before it, so that every lag exists, and the sales before it that a curve asks for: which products
    will sell is not known before they do.
    """
    return (F.col("age_periods") > 0) & (F.col("sold_periods") >= min_curve_periods)
