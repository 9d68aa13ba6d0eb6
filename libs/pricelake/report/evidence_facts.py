"""What stands behind the recommendations, as plain values: forecasts, rankings, data quality, runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True)
class HeldOutFigures:
    """Figures by contender and name, for example ``values["lightgbm"]["wape"]``, of the judgement of ``as_of_date``."""

    as_of_date: date
    values: Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class RankingQuality:
    """One row of ``gold.recommender_metrics``; figures are rates, 0–1."""

    as_of_date: date
    contender: str
    purchases: str
    precision: float
    recall: float
    f1: float
    ndcg_at_10: float
    coverage: float
    customers: int


@dataclass(frozen=True)
class QuarantineCount:
    """Rows set aside by one rule of one table, with one of the reasons and rows as an example."""

    table_name: str
    rule: str
    rows: int
    example_reason: str
    example_row: str


@dataclass(frozen=True)
class PanelQuality:
    """Closed product-periods of the demand panel, and how many of them lack something.

    ``first`` and ``last`` are the first and last of their periods; None without any.
    """

    first: date | None
    last: date | None
    rows: int
    outliers: int
    price_carried: int
    cost_unknown: int
    cost_assumed: int
    availability_missing: int
    competitor_missing: int
    weather_missing: int


@dataclass(frozen=True)
class JobRun:
    """The latest finished run of a job for the as-of date."""

    job: str
    seconds: float
    rows_in: int
    rows_out: int
    finished_at: datetime
    code_version: str
    settings_hash: str


@dataclass(frozen=True)
class InstrumentTest:
    """Whether an instrument moves the list price strongly enough to tell how units answer it.

    Attributes:
        instrument: its name.
        f: effective F, 0 or more; 0 where nothing can be said.
        clusters: what its standard error counts; 0 where the instrument does not vary.
        is_derived: whether it was worked out from the list price.
        is_used: whether F reached the least one, and it was not derived.
    """

    instrument: str
    f: float
    clusters: int
    is_derived: bool
    is_used: bool


@dataclass(frozen=True)
class ResponseFit:
    """How the response to price was learnt.

    Attributes:
        converged: whether its fit stood still.
        rounds: after which it ended.
        instruments: all that were tried.
    """

    converged: bool
    rounds: int
    instruments: tuple[InstrumentTest, ...]


@dataclass(frozen=True)
class IdentifiedBy:
    """Categories and products with a curve whose elasticity one thing identifies: instruments, discounts, or weak."""

    identification: str
    categories: int
    products: int


@dataclass(frozen=True)
class Origin:
    """What the recommendations were computed from."""

    model_version: str
    rules_version: str
    objective: str
    panel_version: int
    seed: int
