"""What demand costs: training time by rows, waiting for the feed, and scoring beside TensorFlow without Spark."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from pyspark.sql import DataFrame, SparkSession

from bench.made_up_panel import AS_OF, panel
from bench.pricing import RULES, SHOP
from bench.runs import summarise
from bench.simulator import exponent
from pricelake.demand.model import DemandModel, load_model
from pricelake.demand.network import build_network
from pricelake.demand.prediction import at_usual_price, encoded_for, with_curve
from pricelake.settings import Settings
from pricelake.tables import Lake
from pricelake.tracking import Registry
from pricelake.workflows.job import run_job
from pricelake.workflows.train_demand import train_demand

PAIRS = (1_000, 3_000, 9_000)
CLOSED_PERIODS = 52
EPOCHS = 3
SCORED_ROWS = 300_000
BARE_BATCH_ROWS = 65_536
RUNS = 3


def measure(
    spark: SparkSession, folder: Path, pairs: Sequence[int] = PAIRS, runs: int = RUNS, epochs: int = EPOCHS
) -> dict[str, Any]:
    """Train on panels of growing size, once each, then score rows of the largest one ``runs`` times.

    Timed for training: the whole job ``train_demand``, from the panel to the registry, with the same number of epochs
    at each size: price model, response regression, snapshots, Horovod ranks, and the comparison with LightGBM on 10 000
    rows. Not timed: making the panels, and a first training of the smallest, in which Spark and TensorFlow start.

    Timed for scoring: one pass of the trained network over encoded rows that Spark holds in memory, on all of Spark's
    workers with a thread each, the curves thrown away; and, in this process on as many threads, a bare TensorFlow
    batch predict of the same rows: the Keras model as one ``tf.function``, called on batches of ``BARE_BATCH_ROWS``
    that lie ready as tensors, its outputs taken to NumPy. Nothing else is on that side, no Spark, Arrow or pandas. Not
    timed: encoding, making the tensors, and a first pass on either side.

    Args:
        spark: session.
        folder: empty directory.
        pairs: products and markets of each size, ascending.
        runs: repetitions of the scoring.
        epochs: of each training.

    Returns:
        ``rows`` (closed rows, by size), ``training_seconds`` (rows → seconds), ``exponent`` (see
        :func:`bench.simulator.exponent`; 1 is linear), ``feed_starvation_share`` (share of the ranks' training time
        spent waiting for rows, largest size), ``scored_rows``, and by :func:`bench.runs.summarise`:
        ``scoring_ratio_to_bare_predict``, ``scored_rows_per_second``, ``bare_rows_per_second``.
    """
    rows = [size * CLOSED_PERIODS for size in pairs]
    _train(spark, _shop(spark, folder / "first", pairs[0], epochs))
    seconds, waiting = [], 0.0
    for size in pairs:
        settings = _shop(spark, folder / str(size), size, epochs)
        took, waiting, version = _train(spark, settings)
        seconds.append(took)
    model = load_model(Registry(settings.tracking).download(settings.tracking.model_name, version))
    rows_of_panel = Lake(spark, settings.lake.root).read("gold.demand_panel")
    usual = at_usual_price(rows_of_panel, model.response, settings.features.period_days)
    encoded = encoded_for(model, usual).select(*(name for name, _ in model.spec.inputs))
    workers = spark.sparkContext.defaultParallelism
    known = encoded.limit(SCORED_ROWS).repartition(workers).persist()  # a limit leaves one partition
    frame = known.toPandas()
    by_run = [_scoring(known, frame, model) for _ in range(runs + 1)][1:]
    known.unpersist()
    return {
        "rows": rows,
        "training_seconds": {str(count): round(took, 1) for count, took in zip(rows, seconds, strict=True)},
        "exponent": round(exponent(rows, seconds), 4),
        "feed_starvation_share": waiting,
        "scored_rows": len(frame),
        **summarise(by_run),
    }


def _shop(spark: SparkSession, folder: Path, pairs: int, epochs: int) -> Settings:
    """Settings of a lake that holds nothing but a panel."""
    settings = Settings.model_validate(
        {
            "lake": {"root": str(folder / "lake")},
            "shop": str(SHOP),
            "rules": str(RULES),
            "demand": {"lightgbm_max_rows": 10_000},
            "training": {"directory": str(folder / "training"), "epochs": epochs, "patience_epochs": epochs},
            "tracking": {"uri": f"sqlite:///{folder}/mlflow.db", "artifacts": str(folder / "artifacts")},
        }
    )
    Lake(spark, settings.lake.root, run_id="bench").replace("gold.demand_panel", panel(spark, pairs, CLOSED_PERIODS))
    return settings


def _train(spark: SparkSession, settings: Settings) -> tuple[float, float, int]:
    """Seconds of the job, share of the ranks' time spent waiting for rows, and the version that it registered."""
    done = run_job("train_demand", train_demand, spark, settings, AS_OF)
    return done.seconds, float(done.summary["training"]["feed_wait_share"]), int(done.summary["model_version"])


def _scoring(encoded: DataFrame, frame: pd.DataFrame, model: DemandModel) -> dict[str, float]:
    started = time.monotonic()
    with_curve(encoded, model).write.format("noop").mode("overwrite").save()
    by_spark = time.monotonic() - started
    bare = _bare_seconds(frame, model)
    return {
        "scoring_ratio_to_bare_predict": bare / by_spark,
        "scored_rows_per_second": len(frame) / by_spark,
        "bare_rows_per_second": len(frame) / bare,
    }


def _bare_seconds(frame: pd.DataFrame, model: DemandModel) -> float:
    """Seconds of the network alone over rows that are tensors already."""
    import tensorflow as tf

    network = build_network(model.spec)
    network.set_weights(list(model.weights))
    predict = tf.function(lambda batch: network(batch, training=False), reduce_retracing=True)
    pieces = [frame.iloc[start : start + BARE_BATCH_ROWS] for start in range(0, len(frame), BARE_BATCH_ROWS)]
    batches = [{name: tf.constant(piece[name].to_numpy(kind)) for name, kind in model.spec.inputs} for piece in pieces]
    _predicted(predict, batches)  # traces the graph, and takes the memory that a pass needs
    started = time.monotonic()
    _predicted(predict, batches)
    return time.monotonic() - started


def _predicted(predict: Any, batches: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: values.numpy() for name, values in predict(batch).items()} for batch in batches]
