"""The demand curves of the open period, drawn by the champion of the model registry."""

from dataclasses import dataclass
from datetime import date

from pyspark.sql import DataFrame

from pricelake.demand import prediction
from pricelake.demand.model import load_model
from pricelake.errors import PricingError, TrainingError
from pricelake.tracking import CHALLENGER, CHAMPION, Registry
from pricelake.workflows.job import Job
from pricelake.workflows.judgement_file import read_judgement


@dataclass(frozen=True)
class DrawnCurves:
    """Demand curves of the open rows.

    Attributes:
        frame: gold.demand_curves of the job's as-of date; products the model does not cover have no row.
        model_version: registered version that drew them.
        trained_until: first day that version was not trained on; None: unknown.
        seed: of that version's training.
    """

    frame: DataFrame
    model_version: str
    trained_until: date | None
    seed: int


def draw_curves(job: Job) -> DrawnCurves:
    """The champion's curve of each open product and market with enough sales.

    Args:
        job: the job; nothing is written.

    Raises:
        TrainingError: there is no champion, or its files are gone.
        PricingError: the champion has seen days after the as-of date.
    """
    tracking = job.settings.tracking
    registry = Registry(tracking)
    champion = registry.version_by_alias(tracking.model_name, CHAMPION)
    if champion is None:
        raise TrainingError(
            f"{tracking.uri} holds no champion of {tracking.model_name}, so there are no demand curves to price on. "
            f"{_why_no_champion(registry, tracking.model_name)} No price was written."
        )
    model = load_model(registry.download(tracking.model_name, champion.version))
    if model.seen_until > job.as_of:
        raise PricingError(
            f"Version {champion.version} of {tracking.model_name} has seen days before {model.seen_until}, and "
            f"the as-of date is {job.as_of}: a price would see the future. Run train_demand for {job.as_of} or give "
            f"tracking.model_name a name of its own for backfills."
        )
    panel, version = job.lake.read("gold.demand_panel"), str(champion.version)
    least, days = job.settings.demand.min_curve_periods, job.settings.features.period_days
    frame = prediction.draw_curves(panel, model, job.as_of, version, least, days)
    return DrawnCurves(frame, version, model.trained_until, model.seed)


def _why_no_champion(registry: Registry, name: str) -> str:
    challenger = registry.version_by_alias(name, CHALLENGER)
    if challenger is None:
        return "Run train_demand; if it stopped, its message says what it lacks."
    gates = read_judgement(registry.download(name, challenger.version))["gates"]
    failed = "; ".join(f"{gate}: {why}" for gate, why in gates.items())
    return (
        f"Version {challenger.version}, which was trained last, does not pass its gates ({failed}). Bring more or "
        f"cleaner history and run train_demand again."
    )
