"""The held-out comparison of the price-response model with baselines and with the champion."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pricelake.demand.inputs import (
    AS_SOLD_SQL,
    CONTEXT_SQL,
    LEVEL_SQL,
    PANEL_PRICE_RATIO,
    ROW_KEY,
    USUAL_SQL,
    exposure,
)
from pricelake.demand.model import DemandModel, load_model
from pricelake.demand.prediction import (
    at_usual_price,
    encoded_for,
    with_curve,
    with_elasticity,
    with_expected_units,
    with_uncertainty,
)
from pricelake.demand.uncertainty import level_errors, log_units_sd
from pricelake.errors import TrainingError
from pricelake.evaluation.baselines import (
    IN_STOCK,
    LAST,
    LOG_RAISE,
    MEAN_8,
    Booster,
    bounded_rows,
    fit_lightgbm,
    with_lightgbm,
    with_naive_forecasts,
)
from pricelake.evaluation.held_out import Contender, elasticity_figures, gates, judge, judge_by, score_bias
from pricelake.evaluation.interval_coverage import interval_coverage
from pricelake.period_units import relative_variance_at
from pricelake.tracking import CHAMPION, Registry
from pricelake.workflows.demand_data import PreparedData, closed_panel
from pricelake.workflows.job import Job

OWN, TREES = "pricelake", "lightgbm"
CONTENDERS = (
    Contender(OWN, OWN, f"{OWN}_raised"),
    Contender(MEAN_8, MEAN_8),
    Contender(LAST, LAST),
    Contender(TREES, TREES, f"{TREES}_raised"),
)
CATEGORIES_SHOWN = 40
RELATIVE_VARIANCE = "relative_variance"
NARROW_RATE = 0.5
"""Coverage of the intervals that are judged beside those of ``pricing.interval_rate``."""


@dataclass(frozen=True)
class Judgement:
    """What the held-out periods say.

    Attributes:
        figures: contender → figure → value.
        gates: gate → why it failed; {} lets the model become champion.
        by_category: largest categories with WAPE and bias per contender.
        lightgbm: how the baseline was chosen.
    """

    figures: dict[str, dict[str, float]]
    gates: dict[str, str]
    by_category: list[dict[str, Any]]
    lightgbm: dict[str, Any]

    def as_json(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "figures": self.figures,
            "gates": self.gates,
            "by_category": self.by_category,
            "lightgbm": self.lightgbm,
        }


def with_level_uncertainty(data: PreparedData, model: DemandModel) -> DemandModel:
    """The model with the uncertainty of its level, measured on the validation periods."""
    predicted = with_expected_units(
        with_curve(data.validation_rows(), model), "expected_units", F.col("log_price_ratio")
    )
    rows = level_errors(predicted).collect()  # one row per category
    moments = {row["value"]: (row["excess"], row["weight"], float(row["totals"])) for row in rows}
    return replace(model, log_units_sd=log_units_sd(moments))


def judge_model(job: Job, data: PreparedData, model: DemandModel, registry: Registry) -> Judgement:
    """All contenders on the same held-out rows, one period ahead, and the gates.

    The naive forecast that the model must not fall behind is one of demand: where stock is recorded, the mean by time
    in stock. What was sold in a period that ended sold out is what was in stock.

    Args:
        job: the job.
        data: of the training.
        model: trained.
        registry: where the champion is.
    """
    job.reporter.step("Train the LightGBM baseline on the same rows and features")
    booster = _lightgbm(job, data)
    job.reporter.step("Judge all contenders on the held-out periods")
    trees = with_lightgbm(data.held_out(), booster, TREES, PANEL_PRICE_RATIO)
    days = job.settings.features.period_days
    panel = closed_panel(job)
    naive = with_naive_forecasts(trees, panel, data.periods.held_out, days, exposure())
    curves = _with_own_spread(_with_own_forecast(with_curve(naive, model), OWN), model)
    held_out = with_elasticity(curves, "elasticity", F.lit(0.0)).persist()
    is_stock_known = not panel.where("NOT is_availability_missing").isEmpty()
    baseline = IN_STOCK if is_stock_known else MEAN_8
    contenders = (*CONTENDERS, Contender(IN_STOCK, IN_STOCK)) if is_stock_known else CONTENDERS
    figures = judge(held_out, contenders)
    figures[OWN] |= elasticity_figures(held_out, "elasticity") | {"score_bias": score_bias(held_out, OWN, "dispersion")}
    rates = sorted({NARROW_RATE, job.settings.pricing.interval_rate})
    figures[OWN] |= interval_coverage(held_out, OWN, RELATIVE_VARIANCE, rates)
    figures[TREES] |= {"training_rows": float(booster.rows)}
    champion = _champion(job, registry)
    champion_wape = None if champion is None else _champion_wape(job, data, champion)
    if champion_wape is not None:
        figures[CHAMPION] = {"wape": champion_wape}
    demand = job.settings.demand
    failed = gates(
        figures[OWN],
        figures[baseline]["wape"],
        champion_wape,
        demand.gate_max_wape_ratio,
        demand.gate_max_bias_rate,
        demand.gate_max_worse_rate,
    )
    if champion is not None and champion.trained_until > model.trained_until:
        failed["newer_champion"] = (
            f"trained on days before {model.trained_until}, the champion on days before {champion.trained_until}"
        )
    by_category = judge_by(held_out, contenders, "category", CATEGORIES_SHOWN).collect()
    held_out.unpersist()
    return Judgement(figures, failed, [row.asDict() for row in by_category], _described(booster))


def _with_own_forecast(curves: DataFrame, name: str) -> DataFrame:
    ratio = F.col("log_price_ratio")
    forecast = with_expected_units(curves, name, ratio)
    return with_expected_units(forecast, f"{name}_raised", ratio + F.lit(LOG_RAISE))


def _with_own_spread(curves: DataFrame, model: DemandModel) -> DataFrame:
    """Rows with the relative variance of the mean of their units at the price that was paid.

    It is what :func:`pricelake.pricing.objective.intervals` works with, of the time in stock like the forecast itself.
    """
    category = F.expr(LEVEL_SQL["category"])
    uncertain = with_uncertainty(curves.withColumn("category_value", category), model)
    parts = (F.col(name) for name in ("log_units_sd", "log_price_ratio", "elasticity_sd"))
    return uncertain.withColumn(RELATIVE_VARIANCE, relative_variance_at(*parts))


def _lightgbm(job: Job, data: PreparedData) -> Booster:
    """LightGBM on the model's rows and target, with the history as sold, without the product's id.

    It gets the context, the ALS factors, the exposure, the indices of department, category, subcategory, brand and
    market, and the price. What differs from the model's columns:

    - Units of past periods are those sold, not taken to the usual price, and ``price_surprise`` is left out: both come
      from the response, which is PriceLake's own.
    - ``product_index`` is left out. The product comes as its history and factors: for categories of many levels
      LightGBM's documentation (*Advanced Topics*, categorical features) advises an embedding of few dimensions. Without
      the id it does better.
    - The price is ``panel_log_price_ratio``. The panel's price gives away some of what was not sold, as it only moves
      when something is sold, so that LightGBM's figures are better than those of an honest forecast, if anything. The
      model's own column would give away more: where nothing was sold it is the product's usual discount, and LightGBM
      finds these weeks by it. The model has one response for all prices and cannot. Rows in which a price was seen
      say nothing of this (``wape_price_observed``).

    WAPE on the held-out weeks of Complete Journey, without ALS factors, tweedie, 127 leaves: 0.552 as here; 0.556 with
    ``product_index`` too; 0.574 without a price. With the factors 0.550 as here, 0.529 with the model's price column.
    """
    context = [name for name in CONTEXT_SQL if name not in (*USUAL_SQL, "price_surprise")]
    categories = [f"{level}_index" for level in LEVEL_SQL if level != "product"]
    features = [*AS_SOLD_SQL, *context, *data.model.encoding.factor_names, "log_exposure", *categories]
    features.append(PANEL_PRICE_RATIO)
    limit, seed = job.settings.demand.lightgbm_max_rows, job.settings.training.seed

    def bounded(rows: DataFrame, count: int) -> pd.DataFrame:
        few = bounded_rows(rows, ROW_KEY, rows.count(), count, seed)
        return few.select(*ROW_KEY, *features, "units").toPandas().sort_values(list(ROW_KEY))

    return fit_lightgbm(
        bounded(data.training_rows(), limit),
        bounded(data.validation_rows(), max(limit // 4, 1)),
        features,
        categories,
        "units",
        seed,
        os.cpu_count() or 1,
        job.reporter.advance,
    )


def _champion(job: Job, registry: Registry) -> DemandModel | None:
    """The champion; None without one, or with one of another version of the code, which says to train again: this."""
    name = job.settings.tracking.model_name
    if registry.version_by_alias(name, CHAMPION) is None:
        return None
    try:
        return load_model(registry.download(name, CHAMPION))
    except TrainingError as problem:
        job.reporter.step(f"No comparison with the champion: {problem}")
        return None


def _champion_wape(job: Job, data: PreparedData, champion: DemandModel) -> float | None:
    """The champion's WAPE on the held-out rows; None where it was trained on them."""
    if champion.trained_until > data.periods.held_out:
        return None
    days = job.settings.features.period_days
    usual = at_usual_price(data.population, champion.judged_response, days)
    held_out = usual.where(F.col("is_frequent") & (F.col("period_start") >= F.lit(data.periods.held_out)))
    curves = with_curve(encoded_for(champion, held_out), champion)
    forecast = with_expected_units(curves, CHAMPION, F.col("log_price_ratio"))
    return judge(forecast, [Contender(CHAMPION, CHAMPION)])[CHAMPION]["wape"]


def _described(booster: Booster) -> dict[str, Any]:
    names = ("objective", "leaves", "trees", "rows", "validation_wape")
    return {name: getattr(booster, name) for name in names}


def metric_rows(figures: Mapping[str, Mapping[str, float]]) -> list[tuple[str, str, float]]:
    """(contender, figure, value) of gold.demand_metrics."""
    return [(contender, name, float(value)) for contender, row in figures.items() for name, value in row.items()]
