"""Job ``train_demand``: panel → snapshots → Horovod ranks → held-out comparison → registry and gold.demand_metrics."""

import shutil
import statistics
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pricelake.demand.curve import SHAPE
from pricelake.demand.model import save_model
from pricelake.demand.serving import ServedModel
from pricelake.settings import TrainingSettings
from pricelake.tables import contract_of
from pricelake.tracking import CHALLENGER, CHAMPION, Registry, TrackedRun, Tracker
from pricelake.training import FitResult, fit, remove_old_snapshots
from pricelake.training.weights import read_weights
from pricelake.workflows.demand_data import PreparedData, learn_response_anew, prepare, write_snapshots
from pricelake.workflows.demand_judging import CONTENDERS, OWN, judge_model, metric_rows, with_level_uncertainty
from pricelake.workflows.demand_task import DemandTask
from pricelake.workflows.job import Job
from pricelake.workflows.judgement_file import read_judgement, write_judgement
from pricelake.workflows.provenance import code_version
from pricelake.workflows.response_figures import PRICE_RESPONSE, response_figures, tracked_response

EXAMPLE_ROWS = 5
SMALLEST_BATCH = 64
LOADER = "pricelake.demand.serving"


@dataclass(frozen=True)
class Registered:
    """A registered version and what was found out about it.

    Attributes:
        version: number in the registry.
        found: its judgement, as :mod:`pricelake.workflows.judgement_file` keeps it.
        is_new: False: a run before this one had registered it.
    """

    version: int
    found: dict[str, Any]
    is_new: bool


def train_demand(job: Job) -> dict[str, Any]:
    """Train the price-response model, judge it on held-out periods, register it, and crown it if it passes the gates.

    The response of one that passes is learnt once more, from all closed periods, before prices are set with it.

    Rerun on the same rows and settings it finds the version it registered and only repeats the writes that follow, so
    that a run killed anywhere leaves the same registry and table as an undisturbed one.

    Returns:
        ``{"demand": {"wape", "bias", "share_downward", "median_elasticity", ...}, "ranks": [{"rank", "rows"}],
        "model_version", "is_champion", "gates": {gate: why it failed}, "training": {...}}``.

    Raises:
        TrainingError: too little history, or training did not finish.
    """
    directory = Path(job.settings.training.directory).absolute() / "demand"
    job.reporter.step("Encode the demand panel for the network")
    data = prepare(job)
    train, validation, key = write_snapshots(job, data, directory / "snapshots")
    remove_old_snapshots(directory / "snapshots", [train, validation])
    registry = Registry(job.settings.tracking)
    try:
        done = _registered_before(job, registry, key)
        if done is None:
            job.reporter.step(f"Train on {train.rows:,} rows with {job.settings.training.ranks} ranks")
            training = with_fitting_batches(job.settings.training, train.rows)
            epochs = training.epochs
            result = fit(
                DemandTask(data.model.spec),
                train,
                validation,
                training,
                str(directory / "checkpoints"),
                lambda row: job.reporter.advance(row["epoch"], epochs, f"validation {row['validation_loss']:.4f}"),
            )
            done = _judge_and_register(job, data, train.rows, result, key, directory / f"model-{key}", registry)
    finally:
        data.encoded.unpersist()
    is_champion = _settle(job, registry, done)
    return _summary(done, is_champion)


def with_fitting_batches(settings: TrainingSettings, rows: int) -> TrainingSettings:
    """Settings whose batches leave an epoch its least number of steps.

    A small shop would otherwise be trained in a handful of steps, and stay near where it began.

    Args:
        settings: of the training.
        rows: training rows of all ranks.
    """
    fitting = max(rows // (settings.ranks * settings.steps_per_epoch), SMALLEST_BATCH)
    return settings.model_copy(update={"batch_size": min(settings.batch_size, fitting)})


def _registered_before(job: Job, registry: Registry, key: str) -> Registered | None:
    name = job.settings.tracking.model_name
    found = registry.version_by_key(name, key)
    if found is None:
        return None
    directory = registry.download(name, found.version)
    return Registered(found.version, read_judgement(directory), False)


def _judge_and_register(
    job: Job, data: PreparedData, rows: int, result: FitResult, key: str, directory: Path, registry: Registry
) -> Registered:
    model = with_level_uncertainty(data, data.model.with_weights(read_weights(result.weights_path)))
    judgement = judge_model(job, data, model, registry)
    response_facts = data.learnt.facts
    if not judgement.gates:
        anew = learn_response_anew(job, data)
        model, response_facts = replace(model, response=anew.model), anew.facts
    found = judgement.as_json() | {
        "response": response_facts,
        "ranks": [{"rank": rank, "rows": rows} for rank, rows in sorted(result.rows_per_rank.items())],
        "training": {
            "rows": rows,
            "epochs": len(result.history),
            "best_epoch": result.best_epoch,
            "seconds": round(result.seconds, 2),
            "feed_wait_share": round(statistics.fmean(row["feed_wait_share"] for row in result.history), 4),
        },
    }
    job.reporter.step("Log and register the model")
    shutil.rmtree(directory, ignore_errors=True)
    save_model(model, directory)
    write_judgement(directory, found)
    tags = {"as_of": job.as_of, "code_version": code_version(), **job.lake.journal.inputs_read}
    with Tracker(job.settings.tracking).start_run(f"train_demand {job.as_of}", key, tags) as run:
        _log(job, run, result, judgement.figures, response_facts)
        columns = [*(name for name, _ in model.spec.inputs), *SHAPE]
        example = data.held_out().limit(EXAMPLE_ROWS).select(*columns).toPandas()
        uri = registry.log_model(run, directory, LOADER, example, ServedModel(model).predict(example))
        version = registry.register(uri, job.settings.tracking.model_name, run, key, {"as_of": job.as_of})
    shutil.rmtree(directory)
    return Registered(version, found, True)


def _log(
    job: Job, run: TrackedRun, result: FitResult, figures: dict[str, dict[str, float]], response: dict[str, Any]
) -> None:
    of_response, response_metrics = tracked_response(response)
    settings = {"demand": job.settings.demand.model_dump(), "training": job.settings.training.model_dump()}
    run.log_params(settings | {PRICE_RESPONSE: of_response})
    for row in result.history:
        run.log_epoch(row)
    told = metric_rows(figures | {PRICE_RESPONSE: response_metrics})
    run.log_metrics({f"{contender}.{name}": value for contender, name, value in told})


def _settle(job: Job, registry: Registry, done: Registered) -> bool:
    """Metrics, then aliases; each write can be repeated."""
    name = job.settings.tracking.model_name
    figures = done.found["figures"] | {PRICE_RESPONSE: response_figures(done.found["response"])}
    rows = [
        (job.as_of, contender, figure, value, str(done.version)) for contender, figure, value in metric_rows(figures)
    ]
    frame = job.spark.createDataFrame(rows, contract_of("gold.demand_metrics").schema)
    job.lake.replace("gold.demand_metrics", frame.coalesce(1), where=f"as_of_date = DATE '{job.as_of}'")
    registry.set_alias(name, CHALLENGER, done.version)
    passed = not done.found["gates"]
    champion = registry.version_by_alias(name, CHAMPION)
    if passed and (champion is None or champion.version < done.version):
        registry.set_alias(name, CHAMPION, done.version)
        return True
    if not passed:
        why = "; ".join(f"{gate}: {reason}" for gate, reason in done.found["gates"].items())
        job.reporter.step(f"Version {done.version} does not become champion: {why}")
    return champion is not None and champion.version == done.version


def _summary(done: Registered, is_champion: bool) -> dict[str, Any]:
    figures = done.found["figures"]
    own = figures[OWN]
    return {
        "demand": {
            "wape": {one.name: figures[one.name]["wape"] for one in CONTENDERS},
            "wape_price_observed": {one.name: figures[one.name]["wape_price_observed"] for one in CONTENDERS},
            "bias": {one.name: figures[one.name]["bias"] for one in CONTENDERS},
            "champion_wape": figures.get(CHAMPION, {}).get("wape"),
            "share_downward": own["share_downward"],
            "share_rows_downward": own["share_rows_downward"],
            "share_downward_by": {
                name: row["share_downward"] for name, row in figures.items() if "share_downward" in row
            },
            "median_elasticity": own["median_elasticity"],
            "elasticity": {name: value for name, value in own.items() if name.startswith("elasticity_")},
            "interval_coverage": {
                name.removeprefix("coverage_"): value for name, value in own.items() if name.startswith("coverage_")
            },
            "held_out_rows": int(own["rows"]),
            "by_category": done.found["by_category"],
            "lightgbm": done.found["lightgbm"],
            "response": done.found["response"],
        },
        "ranks": done.found["ranks"],
        "training": done.found["training"],
        "model_version": str(done.version),
        "is_champion": is_champion,
        "is_new": done.is_new,
        "gates": done.found["gates"],
    }
