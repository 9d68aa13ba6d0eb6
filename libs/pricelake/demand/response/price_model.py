"""The list price that was to be expected, and what moved it beyond that.

For product and market ``i`` in period ``t``, every variable as its deviation from the mean of ``i`` over the training
periods (the within transformation: Wooldridge, *Econometric Analysis of Cross Section and Panel Data*, 2nd ed. 2010,
section 10.5)::

    ln list_price_it = a' x_it + c' z_it + v_it

``x`` are columns that the demand model reads too; ``z`` are instruments: they move the price and, given ``x``, not
demand. Unit cost is one. List prices of the same product in other markets are another where markets share costs and
each is priced by its own demand (Hausman, in *The Economics of New Goods*, 1996; Nevo, *Econometrica* 69, 2001). Only a
shop can say so (``demand.instruments``): a chain with one price for all markets has no such instrument. ``v`` is the
**price surprise**: what else the seller went by, be it in a table or not. If that was demand, units go with ``v`` for
another reason than the price. The demand model therefore reads ``v`` beside the price: a control function (Petrin and
Train, *Journal of Marketing Research* 47, 2010; for counts: Wooldridge 2010, section 18.5).

What was sold before moves prices, and is in ``v`` on purpose. The demand model reads the past at the usual price, which
is known only with the response. A past in ``x`` that is not the same would act as an instrument, which it is not. What
``x`` leaves out costs nothing where it does not go with the instruments.

``a`` and ``c`` are cross-fitted (Chernozhukov and others, *Econometrics Journal* 21, 2018): the rows of a fold of
products get those of all other folds, so that no row's own noise is taken for an expectation. They solve normal
equations whose sums one pass over the rows makes; the cost is linear in rows.

Strength. An instrument is used where ``F = (c / se(c))^2`` reaches the least F of the settings, with ``se`` robust to
dependence within categories (within products, in all their markets, where there are fewer than ``MIN_CLUSTERS``
categories). With fewer products than that nothing can be said, and ``F`` counts as 0. Each instrument is tested by
itself. With one that is the effective F of Montiel Olea and Pflueger (*Journal of Business & Economic Statistics* 31,
2013). An instrument that explains nearly all of the list price beside the controls is **derived** from it, as a cost
that a shop works out as a share of the price: it is as exogenous as the price and no more. Its F is the largest of all.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from pyspark.sql import Column, DataFrame, Window, WindowSpec
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, DoubleType, IntegerType, StructField, StructType

from pricelake.demand.inputs import CATEGORY_KEY, PAIR, limited

Floats = npt.NDArray[np.float64]

FOLDS = 5
MIN_CLUSTERS = 20
RIDGE = 1e-6
"""Added to correlations: it only keeps columns that are sums of others from blowing up."""
LARGEST_DISCOUNT = 0.95
DIGITS = 8
"""Of coefficients that are kept: sums over a cluster come in any order, and the same rows shall give the same model."""
LEAST_WEIGHT = 0.01
"""Units a period that a product without a past counts for in its category."""

TARGET_SQL = "ln(double(list_price))"

SUPPORT_SQL: Mapping[str, str] = {
    "display": "display_rate",
    "feature": "feature_rate",
    "coupon": "coupon_rate",
    "price_cut": "price_cut_rate",
}
SURROUNDINGS_SQL: Mapping[str, str] = {
    "holiday": "double(holiday_days)",
    "near_holiday": "exp(-days_to_holiday / 7.0)",
    "season_sin_1": "season_sin_1",
    "season_cos_1": "season_cos_1",
    "season_sin_2": "season_sin_2",
    "season_cos_2": "season_cos_2",
    "temperature": "if(is_weather_missing, null, temperature_c)",
    "precipitation": "if(is_weather_missing, null, precipitation_mm)",
    "trend": "datediff(period_start, date'2000-01-01') / 364.0",
}
"""What moves prices and demand alike: column → Spark SQL over gold.demand_panel."""

VIEWS_SQL: Mapping[str, str] = {
    "views_lag": "if(is_views_missing, null, ln(1 + views_lag_1))",
    "views_mean": "if(is_views_missing, null, ln(1 + views_mean_4))",
}
"""Interest before the period: what customers look at they buy later, and a seller may have seen it too."""

CONTROL_SQL: Mapping[str, str] = {
    **SUPPORT_SQL,
    **VIEWS_SQL,
    "competitor": "if(is_competitor_missing, null, ln(double(list_price) / competitor_index))",
    **SURROUNDINGS_SQL,
}
"""Control → Spark SQL over gold.demand_panel; null where unknown, which counts as the mean of the pair."""

OTHERS = ("others_list_price", "others_discount")
"""Controls that are sums over the other products of the category in the same market and period, each weighted by its
share of the category's units: an instrument that moves the prices of a whole category must not pass for the product's
own price. Only products of the response count among them, wherever a sum is made: rare ones, of which there are many,
would thin out the shares of those that the coefficients were learnt from."""

CONTROLS = (*CONTROL_SQL, *OTHERS)

COST, OTHER_MARKETS = "cost", "other_markets"
"""Instruments. The second is the mean deviation of the product's list prices in its other markets of the period, 0
where it has none."""

INSTRUMENT_SQL: Mapping[str, str] = {COST: "if(cost_source = 'brought', ln(double(unit_cost)), null)"}
"""Instruments of a row by itself → Spark SQL over gold.demand_panel; null where unknown.

A cost that was assumed as a share of the list price is no instrument: it is the price."""

SURPRISE, OTHERS_SURPRISE, INSTRUMENTED = "price_surprise", "others_surprise", "instrumented_price"


@dataclass(frozen=True)
class Strength:
    """How much an instrument moves the list price.

    Attributes:
        instrument: ``COST`` or ``OTHER_MARKETS``.
        coefficient: d ln list_price / d instrument, given the controls.
        standard_error: robust to dependence within clusters, above 0; infinite with too few of them.
        f: effective F, 0 or more; 0 where the instrument does not vary.
        clusters: number of them.
        partial_r2: share of the variance of the list price, given the controls, that goes with it, 0–1.
        is_derived: whether that is so much that it must have been worked out from the list price.
        is_strong: whether it is used: ``f`` is large enough, and it is not derived.
    """

    instrument: str
    coefficient: float
    standard_error: float
    f: float
    clusters: int
    partial_r2: float
    is_derived: bool
    is_strong: bool


@dataclass(frozen=True)
class Tried:
    """Instruments to try, and what makes them one.

    Attributes:
        instruments: any of ``COST`` and ``OTHER_MARKETS``.
        least_f: an instrument that reaches less is too weak.
        most_r2: one that explains more of the list price, given the controls, was derived from it, 0–1.
    """

    instruments: tuple[str, ...] = (COST,)
    least_f: float = 0.0
    most_r2: float = 1.0


@dataclass(frozen=True)
class PriceModel:
    """A fitted price model.

    Attributes:
        instruments: those that are used, possibly none.
        coefficients: of controls and used instruments by fold, shape ``(FOLDS, columns)``.
        strengths: of every instrument that was tried.
        unexplained_rate: share of the variance of the list price within pairs that is surprise, 0–1.
    """

    instruments: tuple[str, ...]
    coefficients: tuple[tuple[float, ...], ...]
    strengths: tuple[Strength, ...]
    unexplained_rate: float


def with_deviations(
    panel: DataFrame, training_end: Column, is_member: Column | None = None, instruments: Sequence[str] = (COST,)
) -> DataFrame:
    """The panel with prices, controls and instruments in deviations from their means over the training periods.

    Args:
        panel: gold.demand_panel, open or closed rows.
        training_end: first day that is not trained on.
        is_member: whether a row's product counts among the others of its category; None: all do.
        instruments: those that the panel is wanted with.

    Returns:
        columns of ``panel``, ``price_fold`` (int), ``log_discount`` (at most 0, :func:`known_discount`),
        ``is_member``, ``category_share`` (of the mean units of the category's members in the market, and of its own if
        it is none, 0–1) and ``dev_<name>`` (double) for
        ``target``, controls and instruments; 0 where a value or the pair's mean is unknown.
    """
    of_row = {name: sql for name, sql in INSTRUMENT_SQL.items() if name in instruments}
    named = {"target": TARGET_SQL, **CONTROL_SQL, **of_row}
    valued = panel.withColumns({f"dev_{name}": F.expr(sql).cast("double") for name, sql in named.items()})
    is_cut = (F.col("announced_discount_rate") > 0) | (F.col("price_cut_rate") > 0)
    unannounced = F.col("is_price_observed") & ~is_cut
    means = (
        valued.where(F.col("period_start") < training_end)
        .groupBy(*PAIR)
        .agg(
            *(F.avg(f"dev_{name}").alias(f"mean_{name}") for name in named),
            F.avg(F.when(unannounced, _log_paid_share(F.col("discount_rate")))).alias("usual_log_discount"),
        )
    )
    joined = valued.join(means, list(PAIR), how="left")
    centred = {f"dev_{name}": F.coalesce(F.col(f"dev_{name}") - F.col(f"mean_{name}"), F.lit(0.0)) for name in named}
    fold = F.pmod(F.xxhash64("product_id"), F.lit(FOLDS)).cast("int").alias("price_fold")
    member = F.lit(True) if is_member is None else is_member
    discounted = joined.withColumns(centred).select(
        "*", fold, known_discount().alias("log_discount"), member.alias("is_member")
    )
    weight, nothing = F.col("units_mean_all") + LEAST_WEIGHT, F.lit(0.0)
    total = F.sum(F.when(F.col("is_member"), weight).otherwise(nothing)).over(_moment())
    beside = F.when(F.col("is_member"), nothing).otherwise(weight)
    shared = discounted.withColumn("category_share", weight / (total + beside))
    of_own = (limited(F.col("dev_target")), F.col("log_discount"))
    others = {f"dev_{name}": of_others(own) for name, own in zip(OTHERS, of_own, strict=True)}
    if OTHER_MARKETS in instruments:
        others[f"dev_{OTHER_MARKETS}"] = _mean_of_other_markets(limited(F.col("dev_target")))
    return shared.withColumns(others).drop(*(f"mean_{name}" for name in named), "usual_log_discount")


def _mean_of_other_markets(values: Column) -> Column:
    """Mean of a column over the other markets of the same product and period; 0 where there are none."""
    everywhere = Window.partitionBy("product_id", "period_start")
    others = F.count(F.lit(1)).over(everywhere) - 1
    return F.when(others > 0, (F.sum(values).over(everywhere) - values) / others).otherwise(F.lit(0.0))


def known_discount() -> Column:
    """Log of the share of the list price that was asked, at most 0.

    Seen where something was sold, otherwise as announced. Without either nobody knows what the price was; the pair's
    usual discount beside announced ones says nothing about it. To take the list price there would call the price high
    wherever nothing was sold.
    """
    reduction = F.col("announced_discount_rate")
    announced = F.when(reduction > 0, _log_paid_share(reduction))
    seen = F.when(F.col("is_price_observed"), _log_paid_share(F.col("discount_rate")))
    return F.coalesce(seen, announced, F.col("usual_log_discount"), F.lit(0.0))


def _log_paid_share(discount: Column) -> Column:
    return F.log(1 - F.least(discount, F.lit(LARGEST_DISCOUNT)))


def of_others(values: Column) -> Column:
    """Sum of a column over the other members of the category, each weighted by its ``category_share``."""
    own = F.when(F.col("is_member"), values * F.col("category_share")).otherwise(F.lit(0.0))
    return F.sum(own).over(_moment()) - own


def fit_price_model(rows: DataFrame, tried: Tried) -> PriceModel:
    """Two passes over the training rows: sums of products, then their variance by cluster.

    Args:
        rows: training rows of :func:`with_deviations`, with ``department`` and ``category``.
        tried: instruments with which the deviations were made.
    """
    names = (*CONTROLS, *tried.instruments)
    sums = _summed_products(rows, names)
    total = sums.sum(axis=0)
    strengths = tuple(_strength(rows, names, total, name, tried) for name in tried.instruments)
    used = tuple(one.instrument for one in strengths if one.is_strong)
    kept = [0, *(1 + names.index(name) for name in (*CONTROLS, *used))]
    coefficients, unexplained = [], 0.0
    for fold in range(FOLDS):
        solved = _solve((total - sums[fold])[np.ix_(kept, kept)])
        coefficients.append(tuple(round(float(value), DIGITS) for value in solved))
        contrast = np.concatenate([[1.0], -solved])
        unexplained += float(contrast @ sums[fold][np.ix_(kept, kept)] @ contrast)
    rate = unexplained / total[0, 0] if total[0, 0] > 0 else 0.0
    return PriceModel(used, tuple(coefficients), strengths, min(rate, 1.0))


def with_price_surprise(rows: DataFrame, model: PriceModel) -> DataFrame:
    """Rows of :func:`with_deviations` with what of the log list price nobody could expect.

    Returns:
        columns of ``rows``; ``instrumented_price``: what the used instruments moved of the log list price;
        ``price_surprise``; ``others_surprise``: that of the category's other products, each by its share.
    """
    names = (*CONTROLS, *model.instruments)
    by_fold = F.array(*(F.array(*(F.lit(value) for value in fold)) for fold in model.coefficients))
    own = F.element_at(by_fold, F.col("price_fold") + 1)
    parts = [F.element_at(own, i + 1) * F.col(f"dev_{name}") for i, name in enumerate(names)]
    by_controls, by_instruments = (sum(some, F.lit(0.0)) for some in (parts[: len(CONTROLS)], parts[len(CONTROLS) :]))
    with_parts = rows.withColumns(
        {INSTRUMENTED: by_instruments, SURPRISE: limited(F.col("dev_target") - by_controls - by_instruments)}
    )
    return with_parts.withColumn(OTHERS_SURPRISE, of_others(F.col(SURPRISE)))


def _summed_products(rows: DataFrame, names: Sequence[str]) -> Floats:
    """Sums of products of target and columns by fold, shape ``(FOLDS, 1 + columns, 1 + columns)``."""
    columns = ["dev_target", *(f"dev_{name}" for name in names)]
    size = len(columns)
    schema = StructType([StructField("fold", IntegerType()), StructField("sums", ArrayType(DoubleType()))])

    def products(batches: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        found = np.zeros((FOLDS, size, size))
        for batch in batches:
            folds, values = batch["price_fold"].to_numpy(), batch[columns].to_numpy(dtype=np.float64)
            for fold in range(FOLDS):
                part = values[folds == fold]
                found[fold] += part.T @ part
        yield pd.DataFrame({"fold": range(FOLDS), "sums": list(found.reshape(FOLDS, -1))})

    each = rows.select("price_fold", *columns).mapInPandas(products, schema)
    place = each.select("fold", F.posexplode("sums").alias("place", "value"))
    summed = place.groupBy("fold", "place").agg(F.sum("value").alias("value")).collect()  # folds x columns squared
    total = np.zeros((FOLDS, size * size))
    for row in summed:
        total[row["fold"], row["place"]] = row["value"]
    return total.reshape(FOLDS, size, size)


def _solve(products: Floats) -> Floats:
    """Coefficients of all columns but the first on the first, from their sums of products; 0 for constant columns."""
    inside, outside = products[1:, 1:], products[1:, 0]
    scale = np.sqrt(np.diag(inside))
    varies = scale > 1e-9
    found = np.zeros(len(outside))
    if varies.any():
        width = scale[varies]
        scaled = inside[np.ix_(varies, varies)] / np.outer(width, width)
        found[varies] = np.linalg.solve(scaled + RIDGE * np.eye(len(width)), outside[varies] / width) / width
    return found


def _moment() -> WindowSpec:
    """Rows of one category in one market and period."""
    return Window.partitionBy(*CATEGORY_KEY)


def _strength(rows: DataFrame, names: Sequence[str], total: Floats, instrument: str, tried: Tried) -> Strength:
    """The instrument alone beside all controls (Frisch, Waugh and Lovell), with a clustered standard error."""
    controls = [1 + names.index(name) for name in CONTROLS]
    place = 1 + names.index(instrument)
    of_instrument = _solve(total[np.ix_([place, *controls], [place, *controls])])
    of_price = _solve(total[np.ix_([0, *controls], [0, *controls])])
    moves, prices = F.col(f"dev_{instrument}"), F.col("dev_target")
    for index, name in enumerate(CONTROLS):
        moves = moves - F.lit(float(of_instrument[index])) * F.col(f"dev_{name}")
        prices = prices - F.lit(float(of_price[index])) * F.col(f"dev_{name}")
    left = rows.select(*PAIR, "department", "category", moves.alias("z"), prices.alias("p"))
    both = {"zz": F.col("z") * F.col("z"), "zp": F.col("z") * F.col("p"), "pp": F.col("p") * F.col("p")}
    sums = left.agg(*(F.sum(product).alias(name) for name, product in both.items())).first()
    variation = float(sums["zz"] or 0.0) if sums is not None else 0.0
    if sums is None or variation <= 1e-9:
        return Strength(instrument, 0.0, float("inf"), 0.0, 0, 0.0, False, False)
    coefficient = float(sums["zp"]) / variation
    partial_r2 = min(coefficient * float(sums["zp"]) / float(sums["pp"]), 1.0) if sums["pp"] > 0 else 0.0
    is_derived = partial_r2 > tried.most_r2
    score = F.sum(F.col("z") * (F.col("p") - F.lit(coefficient) * F.col("z")))

    def clustered(*key: str) -> tuple[int, float]:
        """Number of clusters and the sum of their squared scores."""
        scores = left.groupBy(*key).agg(score.alias("score"))
        found = scores.agg(F.count(F.lit(1)), F.sum(F.col("score") * F.col("score"))).first()
        return (int(found[0]), float(found[1])) if found is not None else (0, 0.0)

    count, squares = clustered("department", "category")
    if count < MIN_CLUSTERS:
        count, squares = clustered("product_id")
    if count < MIN_CLUSTERS:
        return Strength(instrument, coefficient, float("inf"), 0.0, count, partial_r2, is_derived, False)
    error = float(np.sqrt(squares * count / max(count - 1, 1)) / variation)
    f = (coefficient / error) ** 2 if error > 0 else 0.0
    is_strong = f >= tried.least_f and not is_derived
    return Strength(instrument, coefficient, error, f, count, partial_r2, is_derived, is_strong)
