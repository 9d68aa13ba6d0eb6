"""Figures of forecasts on held-out periods, all contenders on the same rows, as Spark aggregations."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

QUANTILES = {
    "elasticity_p05": 0.05,
    "elasticity_p25": 0.25,
    "median_elasticity": 0.5,
    "elasticity_p75": 0.75,
    "elasticity_p95": 0.95,
}


@dataclass(frozen=True)
class Contender:
    """One forecaster and its columns in the held-out frame.

    Attributes:
        name: as in gold.demand_metrics.
        forecast: column with expected units.
        raised: column with expected units at a price 10 % higher; None where the forecaster knows no price.
    """

    name: str
    forecast: str
    raised: str | None = None


def judge(held_out: DataFrame, contenders: Sequence[Contender]) -> dict[str, dict[str, float]]:
    """Accuracy of every contender over all held-out rows.

    Args:
        held_out: one row per product, market and held-out period with ``product_id``, ``market_id``,
            ``units_observed``, ``is_price_observed`` and the contenders' columns.
        contenders: forecasters.

    Returns:
        contender → figures: ``wape`` (sum of absolute errors / sum of units), ``wape_price_observed`` (the same over
        rows whose price somebody paid; all units are sold in these), ``bias`` (sum of forecasts / sum of units - 1),
        ``rows``, ``not_finite`` (rows whose forecast is null, NaN, infinite or negative) and, where it knows prices,
        ``share_downward`` (share of products and markets whose forecasts, summed over the held-out periods, fall when
        every price rises by 10 %) and ``share_rows_downward`` (share of rows whose forecast falls). Contenders are
        compared by the first: trees answer in steps, so that in a single row a small raise often meets no step. A model
        whose curves must fall everywhere is held to the second. Without any units sold the first three are NaN.
    """
    units, seen = F.col("units_observed"), F.col("is_price_observed")
    figures = [F.sum(units).alias("units"), F.count(F.lit(1)).alias("rows")]
    for one in contenders:
        forecast = F.col(one.forecast)
        bad = forecast.isNull() | F.isnan(forecast) | (forecast < 0) | (forecast == float("inf"))
        figures += [
            F.sum(F.abs(forecast - units)).alias(f"{one.name}_error"),
            F.sum(F.when(seen, F.abs(forecast - units))).alias(f"{one.name}_seen_error"),
            F.sum(forecast).alias(f"{one.name}_sum"),
            F.count_if(bad).alias(f"{one.name}_bad"),
        ]
        if one.raised is not None:
            figures.append(F.avg((F.col(one.raised) < forecast).cast("double")).alias(f"{one.name}_rows_down"))
    found = held_out.agg(*figures).first()
    row = found.asDict() if found is not None else {}
    row |= _shares_of_products_downward(held_out, contenders)
    return {one.name: _figures(one, row) for one in contenders}


def _shares_of_products_downward(held_out: DataFrame, contenders: Sequence[Contender]) -> dict[str, float | None]:
    """``<contender>_down`` of every contender that knows prices."""
    sums, shares = [], []
    for one in contenders:
        if one.raised is not None:
            sums += [F.sum(one.forecast).alias(f"{one.name}_sum"), F.sum(one.raised).alias(f"{one.name}_raised_sum")]
            falls = F.col(f"{one.name}_raised_sum") < F.col(f"{one.name}_sum")
            shares.append(F.avg(falls.cast("double")).alias(f"{one.name}_down"))
    if not shares:
        return {}
    found = held_out.groupBy("product_id", "market_id").agg(*sums).agg(*shares).first()
    return found.asDict() if found is not None else {}


def judge_by(held_out: DataFrame, contenders: Sequence[Contender], group: str, limit: int) -> DataFrame:
    """WAPE and bias per group, largest groups first.

    Args:
        held_out: as :func:`judge`.
        contenders: forecasters.
        group: column to group by.
        limit: groups returned, at most.

    Returns:
        ``group``, ``units``, and ``<contender>_wape``, ``<contender>_bias`` per contender; no groups without sales.
    """
    units = F.col("units_observed")
    figures = []
    for one in contenders:
        forecast = F.col(one.forecast)
        figures += [
            (F.sum(F.abs(forecast - units)) / F.sum(units)).alias(f"{one.name}_wape"),
            (F.sum(forecast) / F.sum(units) - 1).alias(f"{one.name}_bias"),
        ]
    grouped = held_out.groupBy(F.col(group).alias("group")).agg(F.sum(units).alias("units"), *figures)
    return grouped.where("units > 0").orderBy(F.desc("units"), "group").limit(limit)


def score_bias(held_out: DataFrame, forecast: str, dispersion: str) -> float:
    """Weighted sum of forecasts over that of units - 1, with the weights of the negative binomial score.

    Where stock runs out, a period ends with a unit sold, the sooner the better it sells: sold units lie below those
    expected for the time in stock even if every expectation is right, and the plain ``bias`` with them. The likelihood
    of a count stopped like that is the one of any count with its exposure, so that the mean of its score,
    ``(units - m) / (1 + dispersion m)``, stays 0.

    Args:
        held_out: rows with ``units_observed`` and the columns named.
        forecast: column with expected units ``m`` for the time in stock.
        dispersion: column with the negative binomial's dispersion.

    Returns:
        above 0 where too much is expected; NaN where nothing was sold.
    """
    mean = F.col(forecast)
    weight = 1 / (1 + F.col(dispersion) * mean)
    found = held_out.agg(F.sum(weight * mean), F.sum(weight * F.col("units_observed"))).first()
    if found is None or not found[1]:
        return math.nan
    return float(found[0]) / float(found[1]) - 1.0


def elasticity_figures(held_out: DataFrame, column: str) -> dict[str, float]:
    """Quantiles of the elasticity over product-markets (each counts once, by its mean over the held-out periods).

    Args:
        held_out: rows with ``product_id``, ``market_id`` and ``column``.
        column: elasticity at the reference price, below 0.
    """
    products = held_out.groupBy("product_id", "market_id").agg(F.avg(column).alias("elasticity"))
    wanted = F.percentile_approx("elasticity", list(QUANTILES.values()), 10_000)
    found = products.agg(wanted).first()
    values = found[0] if found is not None and found[0] is not None else [math.nan] * len(QUANTILES)
    return dict(zip(QUANTILES, (float(value) for value in values), strict=True))


def gates(
    own: Mapping[str, float],
    baseline_wape: float,
    champion_wape: float | None,
    max_wape_ratio: float,
    max_bias_rate: float,
    max_worse_rate: float,
) -> dict[str, str]:
    """What keeps a challenger from becoming champion.

    Args:
        own: the challenger's figures of :func:`judge`, and its :func:`score_bias` by that name.
        baseline_wape: WAPE of the mean of the last periods on the same rows.
        champion_wape: the champion's WAPE on the same rows; None without a champion.
        max_wape_ratio: largest WAPE over the baseline's.
        max_bias_rate: largest absolute score bias.
        max_worse_rate: how much worse than the champion, as a rate.

    Returns:
        gate → one sentence why it failed; {} if all passed. A figure that is NaN fails its gate.
    """
    failed = {}
    if own["not_finite"] > 0:
        failed["finite"] = f"{own['not_finite']:.0f} of {own['rows']:.0f} held-out forecasts are not finite numbers"
    if not own["wape"] <= max_wape_ratio * baseline_wape:
        failed["wape"] = f"WAPE {own['wape']:.4f} is above {max_wape_ratio} x the baseline's {baseline_wape:.4f}"
    if not own["share_rows_downward"] >= 1.0:
        share = own["share_rows_downward"]
        failed["downward"] = f"only {share:.4f} of the held-out forecasts fall when the price rises by 10 %"
    if not abs(own["score_bias"]) <= max_bias_rate:
        failed["bias"] = f"score bias {own['score_bias']:+.4f} is beyond ±{max_bias_rate}"
    if champion_wape is not None and not own["wape"] <= (1 + max_worse_rate) * champion_wape:
        failed["champion"] = (
            f"WAPE {own['wape']:.4f} is more than {max_worse_rate:.0%} above the champion's {champion_wape:.4f}"
        )
    return failed


def _figures(one: Contender, row: Mapping[str, float | None]) -> dict[str, float]:
    units, rows = row.get("units") or 0.0, float(row.get("rows") or 0)

    def over_units(figure: str) -> float:
        value = row.get(f"{one.name}_{figure}")
        return float(value) / units if units > 0 and value is not None else math.nan

    figures = {
        "wape": over_units("error"),
        "bias": over_units("sum") - 1,
        "wape_price_observed": over_units("seen_error"),  # all units were sold in rows with an observed price
        "rows": rows,
        "not_finite": float(row.get(f"{one.name}_bad") or 0),
    }
    if one.raised is not None:
        for figure, name in (("share_downward", "down"), ("share_rows_downward", "rows_down")):
            share = row.get(f"{one.name}_{name}")
            figures[figure] = float(share) if share is not None else math.nan
    return figures
