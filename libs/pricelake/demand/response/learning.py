"""Learning the response to price from training rows: expected prices, packs, rounds, what identifies it."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from pyspark import StorageLevel
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pricelake.demand.inputs import MAX_LOG_PRICE_RATIO
from pricelake.demand.response.between import Between
from pricelake.demand.response.fitting import Fitted, Prior, Start, fit_response
from pricelake.demand.response.identification import identified_by
from pricelake.demand.response.model import CROSS_SD, ELASTICITY, ResponseModel
from pricelake.demand.response.packing import CONTROLS, OTHERS_PRICE, PROMOTION_SQL, packed, partitions_for
from pricelake.demand.response.past import PAST, PAST_PRICE
from pricelake.demand.response.price_model import (
    DIGITS,
    INSTRUMENTED,
    PriceModel,
    Tried,
    fit_price_model,
    with_deviations,
    with_price_surprise,
)
from pricelake.demand.response.rounds import over_packs
from pricelake.demand.response.traits import Traits, read_traits

WIDE_SD = 1.0
"""Prior standard deviation of coefficients: a column that hardly varies cannot have an effect beyond all measure."""
PRICE_CUT_SD = 0.1
"""Of what an announced price cut sells beyond its price. Free, it takes most of what discounts say about the price."""
CONTROL_FUNCTION_SD = 10.0
"""Of what goes with the price and is not its effect. Drawn to 0, it would leave that to the price."""

COLUMNS = (*PROMOTION_SQL, *CONTROLS, *PAST_PRICE, "price_surprise", *PAST)
OWN_SD = {"price_cut": PRICE_CUT_SD, **dict.fromkeys((*PAST_PRICE, "price_surprise"), CONTROL_FUNCTION_SD)}
COEFFICIENT_SD = np.array([OWN_SD.get(name, WIDE_SD) for name in COLUMNS])
VARIES = np.array([name != "price_cut" for name in PROMOTION_SQL])
"""What an announced price cut sells beyond its price is held near 0 in every category."""
LEAST_MOVES = 0.003
"""Standard deviation of list prices that goes with what instruments moved, in logs and within pairs, from which they
moved a category."""


@dataclass(frozen=True)
class Learnt:
    """A response and how it was found.

    Attributes:
        model: the response.
        facts: JSON-ready: strengths of instruments, coefficients, spread of elasticities, identification by category.
        products: ``product_id`` of the fit, in its order, shape ``(n_products,)``.
        categories: their (department, category), in the order of the fit, shape ``(n_categories,)``.
        fitted: its end.
    """

    model: ResponseModel
    facts: dict[str, Any]
    products: pd.Index
    categories: pd.Index
    fitted: Fitted


def learn_response(
    panel: DataFrame,
    training_end: date,
    is_learnt_from: Column,
    factors: pd.DataFrame | None,
    described: DataFrame | None,
    period_days: int,
    prior: Prior,
    tried: Tried,
    on_round: Callable[[int, int], None] | None = None,
    before: Learnt | None = None,
) -> Learnt:
    """Fit price model and response regression.

    Args:
        panel: closed rows of gold.demand_panel, whole histories of the products that are modelled.
        training_end: first day that is not trained on.
        is_learnt_from: rows that the regression sees; means and sums over categories are of all rows.
        factors: see :func:`pricelake.demand.response.traits.read_traits`.
        described: see there.
        period_days: length of a period.
        prior: what is believed before.
        tried: instruments.
        on_round: told the round and the most there can be.
        before: learnt from fewer periods, to begin where it ended; None: to begin at the prior.
    """
    end = F.lit(training_end)
    past = with_deviations(panel, end, instruments=tried.instruments).where(F.col("period_start") < end)
    # a list price that far from the others of its product is taken for a slip of the pen
    usable = is_learnt_from & (F.abs("dev_target") <= MAX_LOG_PRICE_RATIO)
    rows = past.where(usable).persist(StorageLevel.MEMORY_AND_DISK)
    try:
        price = fit_price_model(rows, tried)
        traits = read_traits(rows, factors, described)
        products = traits.products["product_id"]
        numbers = panel.sparkSession.createDataFrame(
            pd.DataFrame({"product_id": products, "product_number": np.arange(len(products))}),
            "product_id string, product_number long",
        )
        numbered = with_price_surprise(rows, price).join(numbers, "product_id", how="inner")
        cores = panel.sparkSession.sparkContext.defaultParallelism
        packs = packed(numbered, period_days, partitions_for(rows.count(), cores))
        packs = packs.persist(StorageLevel.MEMORY_AND_DISK)
        try:
            categories = _categories(traits)
            run = over_packs(packs, len(products), len(categories))
            kinds = (traits.features, traits.blocks, traits.groups)
            start = None if before is None else _carried(before, products, categories, traits)
            fitted = fit_response(run, COEFFICIENT_SD, *kinds, prior, VARIES, on_round, start)
            sums = run(fitted.response)
        finally:
            packs.unpersist()
        instrumented = _instrumented(rows, price, traits)
    finally:
        rows.unpersist()
    category = traits.groups["category"]
    between = Between(sums, fitted.response.apart, fitted.promotion_variance, fitted.inflation)
    left, sizes = between.share_left(fitted.response), fitted.response.elasticity
    found = identified_by(sums.clean, sizes, category, left, fitted.shared_inflation, instrumented)
    model = _model(price, fitted, traits, found[category], prior, training_end)
    facts = _facts(price, fitted, traits, found) | {"learnt_until": training_end.isoformat()}
    return Learnt(model, facts, pd.Index(products), categories, fitted)


def _categories(traits: Traits) -> pd.Index:
    """(department, category) in the order of their numbers."""
    rows = traits.products[["department", "category"]].drop_duplicates().sort_values(["department", "category"])
    return pd.MultiIndex.from_frame(rows)


def _carried(before: Learnt, products: pd.Series, categories: pd.Index, traits: Traits) -> Start:
    """Where a fit ended, for other products and categories: those that it did not know have what all have."""
    response, pooled = before.fitted.response, before.fitted.pooled
    place = before.products.get_indexer(pd.Index(products))
    sizes = np.where(place < 0, response.overall, response.elasticity[place])
    unsure = np.where(place < 0, (response.overall * pooled.product_sd) ** 2, response.variance[place])
    place = before.categories.get_indexer(categories)
    apart = np.where(place[:, None] < 0, 0.0, response.apart[place])
    category = traits.groups["category"]
    carried = replace(response, elasticity=sizes, variance=unsure, category=category, apart=apart)
    return Start(carried, pooled, before.fitted.promotion_variance)


def _instrumented(rows: DataFrame, price: PriceModel, traits: Traits) -> npt.NDArray[np.bool_]:
    """Whether a used instrument moved the list prices of each category, shape ``(n_categories,)``.

    How much of the scatter of prices goes with it: an instrument that moves and leaves prices where they are is none.
    """
    categories = _categories(traits).to_frame(index=False)
    if not price.instruments:
        return np.zeros(len(categories), dtype=bool)
    moves = (F.covar_pop("dev_target", INSTRUMENTED) / F.stddev_pop(INSTRUMENTED)).alias("moves")
    moved = with_price_surprise(rows, price).groupBy("department", "category").agg(moves)
    merged = categories.merge(moved.toPandas(), on=["department", "category"], how="left")  # one row per category
    return (merged["moves"].fillna(0.0) >= LEAST_MOVES).to_numpy()


def _model(
    price: PriceModel,
    fitted: Fitted,
    traits: Traits,
    identification: npt.NDArray[np.object_],
    prior: Prior,
    learnt_until: date,
) -> ResponseModel:
    pooled = fitted.pooled
    products = traits.products[["product_id"]].assign(
        elasticity=fitted.response.elasticity,
        elasticity_sd=np.hypot(pooled.sd, fitted.common_sd),
        elasticity_kind_sd=pooled.kind_sd,
        elasticity_common_sd=fitted.common_sd,
        identification=identification,
    )
    of_kind = np.clip(pooled.expected, prior.smallest, prior.largest)
    expected = traits.products[["department", "category"]].assign(
        elasticity=of_kind,
        elasticity_sd=np.hypot(pooled.expected_sd, fitted.common_sd),
        elasticity_kind_sd=pooled.expected_kind_sd,
        elasticity_common_sd=fitted.common_sd,
        identification=identification,
    )
    means = {**dict.fromkeys(ELASTICITY, "mean"), "identification": "first"}
    kinds = expected.groupby(["department", "category"], as_index=False, sort=True).agg(means)
    anywhere = kinds.iloc[[0]].assign(
        department="",
        category="",
        elasticity=float(of_kind.mean()),
        elasticity_sd=float(np.linalg.norm([pooled.expected_sd.mean(), of_kind.std(), fitted.common_sd])),
        elasticity_kind_sd=float(np.hypot(pooled.expected_kind_sd.mean(), of_kind.std())),
        elasticity_common_sd=fitted.common_sd,
        identification="weak",
    )
    kinds = pd.concat([kinds, anywhere], ignore_index=True)
    of_all = fitted.response.coefficients[: len(PROMOTION_SQL)]
    effects = np.vstack([of_all + fitted.response.apart, of_all])
    cross = list(PROMOTION_SQL).index(OTHERS_PRICE)
    effects[:, cross] = np.maximum(effects[:, cross], 0.0)
    kinds[list(PROMOTION_SQL)] = effects
    kinds[CROSS_SD] = np.append(fitted.promotion_sd[:, cross], fitted.other_promotion_sd[cross])
    products, kinds = products.round(DIGITS), kinds.round(DIGITS)
    return ResponseModel(price, round(fitted.response.rise, DIGITS), products, kinds, learnt_until)


def _facts(
    price: PriceModel, fitted: Fitted, traits: Traits, identification: npt.NDArray[np.object_]
) -> dict[str, Any]:
    names, counts = np.unique(identification.astype(str), return_counts=True)
    return {
        "instruments": [asdict(one) for one in price.strengths],
        "unexplained_price_rate": price.unexplained_rate,
        "coefficients": dict(zip(COLUMNS, fitted.response.coefficients.tolist(), strict=True)),
        "rise": fitted.response.rise,
        "dispersion": fitted.response.dispersion,
        "mean_elasticity": -float(fitted.response.elasticity.mean()),
        "common_sd": fitted.common_sd,
        "promotion_sd": dict(zip(PROMOTION_SQL, np.sqrt(fitted.promotion_variance).tolist(), strict=True)),
        "product_sd": fitted.pooled.product_sd,
        "group_sd": dict(fitted.pooled.group_sd),
        "trait_sd": dict(fitted.pooled.feature_sd),
        "inflation": fitted.inflation,
        "shared_inflation": fitted.shared_inflation,
        "rounds": fitted.rounds,
        "converged": fitted.converged,
        "products": len(traits.products),
        "categories_by_identification": dict(zip(names.tolist(), counts.tolist(), strict=True)),
    }
