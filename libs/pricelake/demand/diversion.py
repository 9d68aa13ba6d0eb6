"""Where the units go that a product loses when it becomes dearer.

The *diversion ratio* is the share of them that the other products of the category sell instead (Shapiro 1996; Farrell
and Shapiro, *B.E. Journal of Theoretical Economics* 10, 2010). They get them in proportion to what they sell, as in a
logit model. The response regression knows one number, what a product's log units gain by the log prices of all others,
each by its share ``s`` of the category's units::

    d log q_j = b s_i d log p_i        d q_i = -e_i q_i d log p_i

With ``e`` the mean elasticity of the category, ``b / e`` of what a typical product loses goes to all products of the
category, and ``1 - s_i`` of that to others than itself. The mean is over products and not over units: one product whose
units go astray must not move the prices of all the others. Taken as units rather than as logs of the price
it stays true for large moves: a product cannot lose more than it sells, and a low price draws the more from others the
lower it is.
"""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from pricelake.demand.curve import SHAPE
from pricelake.demand.curve_columns import elasticity_column
from pricelake.demand.inputs import CATEGORY_KEY


def with_diversion_ratio(curves: DataFrame) -> DataFrame:
    """Curves with ``diversion_ratio`` (0–1) and ``diversion_ratio_sd``, 0 where a category has one product.

    Args:
        curves: rows with ``CATEGORY_KEY``, ``log_units``, ``SHAPE``, ``cross_elasticity`` (``b``, 0 or more) and
            ``cross_elasticity_sd`` (its standard error, 0 or more), whole categories.
    """
    category = Window.partitionBy(*CATEGORY_KEY)
    units = F.exp("log_units")
    size = -elasticity_column(F.lit(0.0), *map(F.col, SHAPE))

    def of_category(values: Column) -> Column:
        return F.sum(values).over(category)

    known = curves.withColumns(
        {"__share": units / of_category(units), "__elasticity": of_category(size) / of_category(F.lit(1.0))}
    )
    of_others = F.greatest(1 - F.col("__share"), F.lit(0.0))
    ratio = F.least(F.col("cross_elasticity") / F.col("__elasticity"), F.lit(1.0)) * of_others
    unsure = F.least(F.col("cross_elasticity_sd") / F.col("__elasticity"), F.lit(1.0)) * of_others
    found = known.withColumns({"diversion_ratio": ratio, "diversion_ratio_sd": unsure})
    return found.drop("__share", "__elasticity")
