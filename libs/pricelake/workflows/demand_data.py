"""Rows, encoding and snapshots of one training of the price-response model."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Literal

import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pricelake.demand.inputs import encode, fit_encoding, fit_vocabulary
from pricelake.demand.model import DemandModel, factors_frame, network_spec, vocabulary_frame
from pricelake.demand.population import draw_population, learnt_from
from pricelake.demand.prediction import at_usual_price
from pricelake.demand.response.fitting import Prior
from pricelake.demand.response.learning import Learnt, learn_response
from pricelake.demand.response.price_model import Tried
from pricelake.demand.response.traits import DESCRIBED
from pricelake.errors import TrainingError
from pricelake.tables import contract_of
from pricelake.training import Snapshot, write_snapshot
from pricelake.workflows.demand_task import DemandTask
from pricelake.workflows.job import Job
from pricelake.workflows.past_tastes import product_factors_before

ROW_WEIGHT_SQL = "sampling_weight * sqrt(1 + units_mean_8)"
"""Weight of a row in the loss: between all products alike and each by its sales, since both counts of errors matter."""


@dataclass(frozen=True)
class Periods:
    """Where the parts begin; each ends where the next begins.

    Attributes:
        first: first closed period.
        validation: first validation period.
        held_out: first held-out period.
        end: day after the last closed period.
    """

    first: date
    validation: date
    held_out: date
    end: date


@dataclass(frozen=True)
class PreparedData:
    """One training's data.

    Attributes:
        population: closed rows of gold.demand_panel, of whole products (:mod:`pricelake.demand.population`).
        encoded: those of them that are learnt from, encoded; persisted.
        periods: the parts.
        model: everything but weights and the uncertainty of the level.
        learnt: the model's response and how it was found.
    """

    population: DataFrame
    encoded: DataFrame
    periods: Periods
    model: DemandModel
    learnt: Learnt

    def held_out(self) -> DataFrame:
        """Encoded held-out rows of frequent products, on which models are judged."""
        return self.encoded.where(F.col("is_frequent") & (F.col("period_start") >= F.lit(self.periods.held_out)))

    def validation_rows(self, *, with_rare: bool = False) -> DataFrame:
        """Encoded validation rows, if wanted with those of rare products."""
        start = F.col("period_start")
        found = self.encoded.where((start >= F.lit(self.periods.validation)) & (start < F.lit(self.periods.held_out)))
        return found if with_rare else found.where("is_frequent")

    def training_rows(self, *, with_rare: bool = False) -> DataFrame:
        """Encoded training rows, if wanted with those of rare products."""
        found = self.encoded.where(F.col("period_start") < F.lit(self.periods.validation))
        return found if with_rare else found.where("is_frequent")


def closed_panel(job: Job) -> DataFrame:
    """The periods of gold.demand_panel that ended before the as-of date."""
    panel = job.lake.read("gold.demand_panel")
    return panel.where(~F.col("is_open") & (F.col("period_start") < F.lit(job.as_of)))


def find_periods(panel: DataFrame, held_out: int, validation: int, days: int) -> Periods:
    """The last ``held_out`` periods, the ``validation`` ones before them, and at least as many as both before those.

    Args:
        panel: closed rows of gold.demand_panel.
        held_out: periods.
        validation: periods.
        days: in a period.

    Raises:
        TrainingError: the panel has too few closed periods.
    """
    found = panel.select("period_start").distinct().orderBy(F.desc("period_start")).limit(10_000).collect()
    starts = [row[0] for row in found]
    needed = 2 * (held_out + validation)
    if len(starts) < needed:
        raise TrainingError(
            f"gold.demand_panel has {len(starts)} closed periods; {held_out} held-out and {validation} validation "
            f"periods need at least {needed}, or the model would be judged on more than it learnt from. Bring more "
            f"history or lower demand.holdout_periods."
        )
    end = starts[0] + timedelta(days=days)
    return Periods(starts[-1], starts[held_out + validation - 1], starts[held_out - 1], end)


def prepare(job: Job) -> PreparedData:
    """The rows that are learnt from, encoded by what the training rows of frequent products say.

    A rare product has no place in the vocabulary: it is learnt from as one that the model does not know, which is what
    it is when its curve is drawn.

    Args:
        job: the job; its ``rows_in`` grows by the encoded rows.

    Raises:
        TrainingError: too few periods, or no product sold often enough.
    """
    demand = job.settings.demand
    panel = closed_panel(job)
    days = job.settings.features.period_days
    periods = find_periods(panel, demand.holdout_periods, demand.validation_periods, days)
    least, seed = demand.min_curve_periods, job.settings.training.seed
    held_out = F.lit(periods.held_out)
    population = draw_population(panel, held_out, demand.min_sold_periods, least, demand.rare_row_rate, seed)
    frequent = population.where("is_frequent")
    train_rows = frequent.where(learnt_from(least)).where(F.col("period_start") < F.lit(periods.validation))
    tastes = product_factors_before(job, periods.validation)
    vocabulary = fit_vocabulary(train_rows).toPandas()  # one row per product and hierarchy value
    if vocabulary.empty:
        raise TrainingError(
            f"No product sold in {demand.min_sold_periods} or more periods before {periods.held_out}, so there is "
            f"nothing to learn from. {_stock_said(panel.where(F.col('period_start') < held_out))}Lower "
            f"demand.min_sold_periods or bring more history."
        )
    learnt = _learn_response(job, frequent, periods.validation, tastes)
    spark = job.spark
    known, factors = vocabulary_frame(spark, vocabulary).persist(), factors_frame(spark, tastes)
    usual = at_usual_price(population, learnt.model, days).where(learnt_from(least)).persist()
    past = usual.where("is_frequent").where(F.col("period_start") < F.lit(periods.validation))
    days_known = (periods.validation - periods.first).days
    encoding = fit_encoding(past, known, factors, days_known, demand.min_sold_periods)
    encoded = encode(usual, known, factors, encoding).persist()
    job.rows_in += encoded.count()
    usual.unpersist()
    model = DemandModel(
        encoding=encoding,
        spec=network_spec(encoding, demand, rows_stood_for(encoded, periods)),
        weights=(),
        vocabulary=vocabulary.sort_values(["level", "index"], ignore_index=True),
        factors=tastes,
        response=learnt.model,
        judged_response=learnt.model,
        log_units_sd={"": 0.0},
        trained_until=periods.validation,
        seen_until=periods.end,
        seed=seed,
    )
    return PreparedData(population, encoded, periods, model, learnt)


def _stock_said(panel: DataFrame) -> str:
    """In how many periods a product had no stock, where that is known; '' where none is known to have been without."""
    known = panel.where("NOT is_availability_missing")
    found = known.agg(F.count("*").alias("known"), F.count_if(F.col("availability_rate") <= 0).alias("without")).first()
    if found is None or not found["without"]:
        return ""
    return (
        f"bronze.inventory says that nothing was in stock in {found['without']:,} of the {found['known']:,} "
        f"product-periods that it knows: where that is wrong, correct it or bring the shop without it. "
    )


def rows_stood_for(encoded: DataFrame, periods: Periods) -> int:
    """Training rows that the weighted loss stands for: the sum of weights, one frequent product's row on average."""
    weight = F.expr(ROW_WEIGHT_SQL)
    of_frequent = F.when(F.col("is_frequent"), weight)
    rows = encoded.where(F.col("period_start") < F.lit(periods.validation))
    found = rows.agg(F.sum(weight).alias("all"), F.avg(of_frequent).alias("typical")).first()
    return 1 if found is None or not found["typical"] else max(round(found["all"] / found["typical"]), 1)


def learn_response_anew(job: Job, data: PreparedData) -> Learnt:
    """The response learnt from all closed periods, held-out ones included.

    It has no early stopping and no seed, and the periods that judged it tell most about what customers do now.
    """
    frequent = data.population.where("is_frequent")
    return _learn_response(job, frequent, data.periods.end, data.model.factors, data.learnt)


def _learn_response(
    job: Job, frequent: DataFrame, end: date, tastes: pd.DataFrame | None, before: Learnt | None = None
) -> Learnt:
    demand = job.settings.demand
    products = job.lake.read_if_exists("bronze.products")
    job.reporter.step(f"Learn how units answer the price, from the periods before {end}")
    prior = Prior(
        elasticity=demand.prior_elasticity,
        rise=demand.prior_rise,
        rise_sd=demand.prior_rise_sd,
        feature_sd=demand.trait_sd,
        surprise_sd=demand.surprise_sd,
        smallest=demand.min_elasticity,
        largest=demand.max_elasticity,
    )
    return learn_response(
        frequent,
        end,
        learnt_from(demand.min_curve_periods),
        tastes,
        None if products is None else products.select(*DESCRIBED),
        job.settings.features.period_days,
        prior,
        Tried(demand.instruments, demand.min_instrument_f, demand.max_instrument_r2),
        lambda done, most: job.reporter.advance(done, most),
        before,
    )


def write_snapshots(job: Job, data: PreparedData, directory: Path) -> tuple[Snapshot, Snapshot, str]:
    """Training and validation rows for the ranks.

    Returns:
        training snapshot, validation snapshot, and the key of what decides the result.
    """
    columns, settings = DemandTask(data.model.spec).columns, job.settings.training
    version = job.lake.journal.pinned["gold.demand_panel"]
    files = settings.ranks * settings.files_per_rank
    chosen = [*(F.col(column.name) for column in columns), F.expr(ROW_WEIGHT_SQL).cast("float").alias("weight")]

    def written(rows: DataFrame, name: Literal["train", "validation"]) -> Snapshot:
        return write_snapshot(rows.select(*chosen), columns, directory, version, name, files, settings.seed)

    train = written(data.training_rows(with_rare=True), "train")
    validation = written(data.validation_rows(with_rare=True), "validation")
    return train, validation, _key(job, data, [train, validation])


def _key(job: Job, data: PreparedData, snapshots: Sequence[Snapshot]) -> str:
    """What decides the result, so that a rerun on the same rows finds the version it registered before.

    Rows count by their content, not by Delta version: a panel written again is the same.
    """
    model = data.model
    facts = {
        "since": content_of(data.population.where(F.col("period_start") >= F.lit(data.periods.validation))),
        "as_of": job.as_of.isoformat(),
        "content": [(s.rows, Path(s.directory).name.rsplit("-", 2)[1:]) for s in snapshots],
        "encoding": asdict(model.encoding),
        "network": asdict(model.spec),
        "response": [
            model.response.price.instruments,
            model.response.price.coefficients,
            model.response.rise,
            model.response.kinds.to_dict("records"),
        ],
        "demand": job.settings.demand.model_dump(),
        "training": job.settings.training.model_dump(exclude={"directory", "start_timeout_seconds"}),
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()[:16]


def content_of(rows: DataFrame) -> list[int]:
    """Number of rows and a hash of all that gold.demand_panel says of them, in any order.

    The response is learnt anew from rows that no snapshot holds: costs, stock and rivals' prices of the last periods
    decide prices as units do. Numbers count to four digits, as a panel that is made again sums in another order.
    """
    panel = contract_of("gold.demand_panel").columns
    is_double = {column.name: column.dataType.typeName() == "double" for column in panel}
    told = [F.round(F.col(name), 4) if double else F.col(name) for name, double in is_double.items()]
    hashed = F.xxhash64(*told).alias("hash")
    found = rows.select(hashed).agg(F.count("hash"), F.expr("bit_xor(hash)")).first()
    return [] if found is None else [int(found[0]), int(found[1] or 0)]
