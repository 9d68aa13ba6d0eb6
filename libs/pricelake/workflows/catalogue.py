"""The jobs in the order in which a nightly run takes them."""

from dataclasses import dataclass
from importlib import import_module
from typing import cast

from pricelake.workflows.job import Workflow


@dataclass(frozen=True)
class JobEntry:
    """One scheduled task.

    Attributes:
        name: job name; also the script under ``jobs/`` and the module and function of its workflow.
        does: one line for people.
        reads: tables it reads.
        writes: tables and files it writes.
        schedule: how often a shop would run it.
    """

    name: str
    does: str
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    schedule: str

    def workflow(self) -> Workflow:
        """The workflow function; its module is imported only now."""
        module = import_module(f"pricelake.workflows.{self.name}")
        return cast(Workflow, getattr(module, self.name))


JOBS: tuple[JobEntry, ...] = (
    JobEntry(
        "ingest",
        "Read the shop's sources into bronze tables; quarantine rows that break a rule",
        ("the shop file's sources",),
        ("bronze.*", "bronze.quarantine"),
        "nightly",
    ),
    JobEntry(
        "build_features",
        "Build the demand panel, ratings and customer sequences as of a date",
        ("bronze.*",),
        ("gold.demand_panel", "gold.interactions", "gold.sequences"),
        "nightly",
    ),
    JobEntry(
        "train_recommender",
        "Learn tastes with ALS; write factors, recommendations and similar products",
        (
            "gold.interactions",
            "gold.demand_panel",
            "bronze.order_lines",
            "bronze.events",
            "bronze.reviews",
            "bronze.products",
            "bronze.customers",
        ),
        (
            "gold.product_factors",
            "gold.customer_factors",
            "gold.recommendations",
            "gold.similar_products",
            "gold.recommender_metrics",
        ),
        "weekly",
    ),
    JobEntry(
        "train_demand",
        "Train the price-response model on Horovod ranks; judge it on held-out periods; register it",
        ("gold.demand_panel", "bronze.order_lines", "bronze.events", "bronze.reviews", "bronze.products"),
        ("gold.demand_metrics", "MLflow registry"),
        "weekly",
    ),
    JobEntry(
        "recommend_prices",
        "Draw demand curves, apply the rules, choose the best allowed price",
        ("gold.demand_panel", "MLflow registry"),
        ("gold.demand_curves", "gold.price_recommendations"),
        "nightly",
    ),
    JobEntry(
        "write_report",
        "Write the report for pricing managers",
        ("gold.*", "bronze.products", "bronze.quarantine", "ops.runs"),
        ("report.html", "report-prices.csv"),
        "nightly",
    ),
)


def job_entry(name: str) -> JobEntry:
    """The entry of a job.

    Raises:
        KeyError: no job has that name.
    """
    return {entry.name: entry for entry in JOBS}[name]
