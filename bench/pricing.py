"""Ladders of 50 candidates priced per minute, from Delta to Delta, under the rules of ``conf/rules/grocery.yaml``."""

import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from bench.made_up_panel import AS_OF, panel
from bench.runs import summarise
from bench.untrained import untrained_model
from pricelake.demand.draws import draw_samples
from pricelake.demand.model import DemandModel
from pricelake.demand.prediction import draw_curves
from pricelake.pricing.inputs import NO_DEMAND_CURVE
from pricelake.pricing.ladder import candidate_prices
from pricelake.pricing.limits import combine_limits, rule_limits
from pricelake.pricing.recommend import join_pricing_inputs
from pricelake.pricing.rows import PricingRows
from pricelake.settings import Settings
from pricelake.settings.rules import load_rules
from pricelake.tables import Lake
from pricelake.workflows.curves import DrawnCurves
from pricelake.workflows.job import Job
from pricelake.workflows.recommend_prices import with_others_profit, write_recommendations

LADDERS = 300_000
CLOSED_PERIODS = 8
SAMPLED_LADDERS, SAMPLES = 100_000, 200
RUNS = 3
MODEL_VERSION = "1"
RULES = Path(__file__).resolve().parents[1] / "conf/rules/grocery.yaml"
SHOP = Path(__file__).resolve().parents[1] / "conf/shops/complete_journey.yaml"


def measure(
    spark: SparkSession, folder: Path, ladders: int = LADDERS, runs: int = RUNS, warm_ups: int = 1
) -> dict[str, Any]:
    """Draw the curves of ``ladders`` products and markets and price them, ``runs`` times, and time the two apart.

    Timed for the ladders: reading panel and curves from Delta, joining them, the range each product was sold at,
    pricing, and both commits (curves and recommendations). Timed for the curves: reading the panel from Delta, encoding
    it, one pass of the network per open row on one thread per worker, uncertainty, and a write to Delta. The job does
    both: ``ladders_per_minute_with_curves`` counts the seconds of both. Not timed: making the panel, fetching the model
    from the registry, and one first run, in which the workers load TensorFlow.

    Every ladder is worked out on all of its columns (``candidates``), under the rules and once more without them,
    however few of them the rules leave; ``candidates_per_ladder`` says how many they leave.

    Timed for the samples: ``SAMPLES`` curves for each of ``SAMPLED_LADDERS`` ladders from arrays in memory, and their
    units at one price.

    Args:
        spark: session.
        folder: empty directory for the lake.
        ladders: open rows, one ladder each.
        runs: timed runs.
        warm_ups: runs before them that do not count.

    Returns:
        ``ladders``, ``candidates``, ``candidates_per_ladder`` (mean over the ladders, price in force included),
        ``panel_rows``, and by :func:`bench.runs.summarise`: ``ladders_per_minute``, ``ladders_per_minute_with_curves``,
        ``pricing_seconds``, ``curves_seconds``, ``samples_seconds``.
    """
    settings = Settings.model_validate({"lake": {"root": str(folder / "lake")}, "shop": str(SHOP), "rules": str(RULES)})
    lake = Lake(spark, settings.lake.root, run_id="bench")
    lake.replace("gold.demand_panel", panel(spark, ladders, CLOSED_PERIODS))
    model = untrained_model(lake.read("gold.demand_panel"), settings, AS_OF)
    by_run = []
    for number in range(warm_ups + runs):
        job = Job(spark, Lake(spark, settings.lake.root, run_id=f"bench-{number}"), settings, AS_OF)
        drawing = drawing_seconds(Lake(spark, settings.lake.root), model, str(folder / "drawn"))
        pricing = pricing_seconds(job, str(folder / "drawn"), ladders)
        by_run.append(
            {
                "ladders_per_minute": ladders / pricing * 60,
                "ladders_per_minute_with_curves": ladders / (pricing + drawing) * 60,
                "pricing_seconds": pricing,
                "curves_seconds": drawing,
                "samples_seconds": sampling_seconds(str(folder / "drawn"), job),
            }
        )
    return {
        "ladders": ladders,
        "candidates": settings.pricing.ladder_steps,
        "candidates_per_ladder": round(mean_candidates(Lake(spark, settings.lake.root), settings), 2),
        "panel_rows": ladders * (CLOSED_PERIODS + 1),
        **summarise(by_run[warm_ups:]),
    }


def drawing_seconds(lake: Lake, model: DemandModel, path: str) -> float:
    """Seconds from the panel to a Delta table of curves at ``path``, one for every open row."""
    start = time.monotonic()
    drawn = draw_curves(lake.read("gold.demand_panel"), model, AS_OF, MODEL_VERSION, min_sold_periods=0, period_days=7)
    drawn.write.format("delta").mode("overwrite").save(path)
    return time.monotonic() - start


def sampling_seconds(path: str, job: Job) -> float:
    """Seconds for ``SAMPLES`` samples of the first ``SAMPLED_LADDERS`` curves, with their units at one price."""
    stored = job.spark.read.format("delta").load(path).limit(SAMPLED_LADDERS)
    rows = stored.withColumn("reference_price", F.col("reference_price").cast("double")).toPandas()
    curves = {str(name): rows[name].to_numpy() for name in rows}
    start = time.monotonic()
    draw_samples(curves, np.arange(len(rows)) // 20, SAMPLES, seed=1).expected_units(curves["reference_price"])
    return time.monotonic() - start


def pricing_seconds(job: Job, path: str, ladders: int) -> float:
    """Seconds from panel and curves to recommendations.

    Raises:
        RuntimeError: a ladder was lost, or no price changed.
    """
    start = time.monotonic()
    drawn = DrawnCurves(job.spark.read.format("delta").load(path), MODEL_VERSION, AS_OF, job.settings.training.seed)
    summary = write_recommendations(job, drawn)
    seconds = time.monotonic() - start
    found = summary["recommendations"]
    if found["count"] != ladders or not found["changed"] or NO_DEMAND_CURVE in found["held_back"]:
        raise RuntimeError(f"The bench priced nothing worth timing: {summary}")
    return seconds


def mean_candidates(lake: Lake, settings: Settings) -> float:
    """Candidates per ladder that the rules leave, price in force included; whether a row is held does not count."""
    rules, pricing = load_rules(settings.rules), settings.pricing

    def count(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            if batch.num_rows:
                rows = PricingRows(batch)
                bounds = combine_limits(rows, rule_limits(rows, rules), rules, pricing)
                ladder, is_candidate = candidate_prices(bounds.grid, bounds.low, bounds.high, pricing.ladder_steps - 1)
                others = (is_candidate & (ladder != rows.price_now[:, None])).sum(axis=1)
                left = pa.array(others + bounds.obeys(rows.price_now), pa.int64())
                yield pa.RecordBatch.from_pydict({"candidates": left})

    known = lake.read("gold.demand_panel")
    curves = with_others_profit(lake.read("gold.demand_curves"), known)
    inputs = join_pricing_inputs(known, curves, AS_OF, AS_OF)
    counted = inputs.mapInArrow(count, "candidates long").agg(F.avg("candidates")).collect()
    return float(counted[0][0])
