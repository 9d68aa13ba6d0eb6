"""What a user would reach for instead: the mean of the last periods, the last period, gradient-boosted trees.

The naive forecasts are of units as sold, not of the winsorised units in the panel's own lags and means: they are judged
on what was sold, and nobody who takes last week's sales pulls them back first. Where stock runs out often, the mean of
what was sold forecasts sales well, for they are what was in stock, and says little of demand; the mean by time in stock
is the naive forecast of demand.

LightGBM gets the model's training and validation rows, its target, and its columns but two: not the product's id, and
in place of the model's price column the price as the panel fills it (``workflows.demand_judging`` says why). Its
objective and size are chosen on the validation periods, its number of trees by early stopping there. It trains on the
driver, so its rows are bounded; beyond the bound it gets a sample by hash, and the metrics say how many rows it had.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql.types import DoubleType, StructField, StructType

MEAN_8, LAST, IN_STOCK = "mean_8_weeks", "last_week", "mean_8_weeks_in_stock"
MEAN_PERIODS = 8
KEY = ("product_id", "market_id", "period_start")
OBJECTIVES, LEAVES = ("tweedie", "poisson", "regression"), (127, 31)
MAX_TREES, PATIENCE, LEARNING_RATE, TRIAL_TREES = 500, 30, 0.08, 100
LOG_RAISE = float(np.log(1.1))


@dataclass(frozen=True)
class Booster:
    """A trained LightGBM model.

    Attributes:
        text: the model as LightGBM writes it.
        columns: features in order.
        objective: chosen on validation.
        leaves: chosen on validation.
        trees: chosen by early stopping.
        rows: training rows it had.
        validation_wape: its WAPE on the validation periods.
    """

    text: str
    columns: tuple[str, ...]
    objective: str
    leaves: int
    trees: int
    rows: int
    validation_wape: float


def with_naive_forecasts(
    rows: DataFrame, panel: DataFrame, first: date, period_days: int, exposure: Column
) -> DataFrame:
    """Rows with ``mean_8_weeks``, ``last_week`` and ``mean_8_weeks_in_stock``, units as sold, one period ahead.

    The first two count as the panel's ``units_mean_8`` and ``units_lag_1`` do, but units as sold: the mean is over the
    periods on sale among the 8 before, the lag is of the period right before, and where there is none the forecast is
    0. The third is what was sold in those 8 periods over the time in stock, times the time in stock of the row.

    Args:
        rows: with the panel's key, none before ``first``.
        panel: closed rows of gold.demand_panel, from 8 periods before ``first`` on at least; ``units`` not null.
        first: first day of the earliest of ``rows``.
        period_days: days in a period.
        exposure: share of a period that the product was in stock, above 0, of a row of ``panel``.
    """
    earliest = first - timedelta(days=MEAN_PERIODS * period_days)
    before = Window.partitionBy("product_id", "market_id").orderBy(F.unix_date("period_start"))
    lately = before.rangeBetween(-MEAN_PERIODS * period_days, -1)
    mean = F.avg("units").over(lately)
    rate = F.sum("units").over(lately) / F.sum(exposure).over(lately)
    last = F.sum("units").over(before.rangeBetween(-period_days, -period_days))
    forecasts = panel.where(F.col("period_start") >= F.lit(earliest)).select(
        *KEY,
        F.coalesce(mean, F.lit(0.0)).alias(MEAN_8),
        F.coalesce(last, F.lit(0.0)).alias(LAST),
        F.coalesce(rate * exposure, F.lit(0.0)).alias(IN_STOCK),
    )
    return rows.join(forecasts, list(KEY), how="left")


def bounded_rows(rows: DataFrame, key: Sequence[str], count: int, limit: int, seed: int) -> DataFrame:
    """All rows, or about ``limit`` of them chosen by a hash of their key: the same ones every time."""
    if count <= limit:
        return rows
    share = F.pmod(F.xxhash64(F.lit(seed), *key), F.lit(1_000_000)) < int(1_000_000 * limit / count)
    return rows.where(share)


def fit_lightgbm(
    train: pd.DataFrame,
    validation: pd.DataFrame,
    columns: Sequence[str],
    categories: Sequence[str],
    target: str,
    seed: int,
    threads: int,
    on_step: Callable[[int, int], None] = lambda done, total: None,
) -> Booster:
    """LightGBM with objective, size and number of trees chosen on validation rows.

    Args:
        train: training rows, numeric columns.
        validation: rows of later periods.
        columns: features.
        categories: those among ``columns`` that are integer codes of categories.
        target: column with units.
        seed: of sampling.
        threads: processors.
        on_step: called with (fits done, fits in all).
    """
    import lightgbm as lgb

    data = lgb.Dataset(train[list(columns)], train[target], categorical_feature=list(categories), free_raw_data=False)
    later = lgb.Dataset(validation[list(columns)], validation[target], reference=data, free_raw_data=False)

    def grow(objective: str, leaves: int, trees: int) -> tuple[float, Any]:
        parameters = {
            "objective": objective,
            "metric": "l1",
            "num_leaves": leaves,
            "learning_rate": LEARNING_RATE,
            "min_data_in_leaf": 50,
            "feature_fraction": 0.8,
            "bagging_fraction": 0.8,
            "bagging_freq": 1,
            "seed": seed,
            "deterministic": True,
            "force_row_wise": True,
            "num_threads": threads,
            "verbosity": -1,
        }
        stop = lgb.early_stopping(PATIENCE, verbose=False)
        booster = lgb.train(parameters, data, trees, valid_sets=[later], callbacks=[stop])
        actual = validation[target].to_numpy(dtype=np.float64)
        error = np.abs(booster.predict(validation[list(columns)]) - actual).sum()
        return float(error / max(actual.sum(), 1e-12)), booster

    trials = len(OBJECTIVES) + len(LEAVES)
    by_objective = {}
    for done, objective in enumerate(OBJECTIVES):
        on_step(done, trials)
        by_objective[objective] = grow(objective, LEAVES[0], TRIAL_TREES)[0]
    objective = min(OBJECTIVES, key=by_objective.__getitem__)
    by_leaves = {LEAVES[0]: by_objective[objective]}
    for done, leaves in enumerate(LEAVES[1:], start=len(OBJECTIVES)):
        on_step(done, trials)
        by_leaves[leaves] = grow(objective, leaves, TRIAL_TREES)[0]
    leaves = min(LEAVES, key=by_leaves.__getitem__)
    on_step(trials - 1, trials)
    wape, booster = grow(objective, leaves, MAX_TREES)
    trees = int(booster.best_iteration or booster.num_trees())
    return Booster(
        booster.model_to_string(num_iteration=trees), tuple(columns), objective, leaves, trees, len(train), wape
    )


def with_lightgbm(rows: DataFrame, booster: Booster, name: str, price_column: str) -> DataFrame:
    """Rows with LightGBM's forecast ``name`` and ``<name>_raised``, its forecast at a price 10 % higher.

    Args:
        rows: with the booster's columns; further columns stay.
        booster: trained.
        name: of the new column.
        price_column: the feature that holds the log price ratio.
    """
    added = [
        StructField(name, DoubleType(), nullable=False),
        StructField(f"{name}_raised", DoubleType(), nullable=False),
    ]
    schema = StructType([*rows.schema.fields, *added])

    def run(batches: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        import lightgbm as lgb

        model = lgb.Booster(model_str=booster.text)
        for batch in batches:
            features = batch[list(booster.columns)].copy()
            forecast = np.maximum(model.predict(features, num_threads=1), 0.0) if len(batch) else np.zeros(0)
            features[price_column] += LOG_RAISE
            raised = np.maximum(model.predict(features, num_threads=1), 0.0) if len(batch) else np.zeros(0)
            yield batch.assign(**{name: forecast, f"{name}_raised": raised})

    return rows.mapInPandas(run, schema)
