"""One line of the scoreboard, and how lines of several seeds become one figure with its interval."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import t

Floats = npt.NDArray[np.float64]
CONFIDENCE = 0.95

FIGURES: dict[str, tuple[str, ...]] = {
    "own_price_bias": ("mean", "mean_absolute", "movement"),
    "after_change": ("error_5", "error_10", "error_20", "forecast_wape", "soldout_underestimation"),
    "profit_capture": ("capture", "regret_amount", "violations"),
    "promise": ("slope", "intercept", "coverage_50", "coverage_90"),
    "cold_start": ("elasticity_error", "units_error", "capture"),
    "recommendation": ("ndcg_at_10", "recall_at_10"),
    "run": ("failed_fits", "seconds", "peak_memory_mb"),
}
"""Sections of the scoreboard and their figures."""

NEARER_ZERO = {"mean", "movement", "intercept", "soldout_underestimation"}
HIGHER = {"capture", "ndcg_at_10", "recall_at_10"}
TARGETS = {"slope": 1.0, "coverage_50": 0.5, "coverage_90": 0.9}


@dataclass(frozen=True)
class Setting:
    """Under which conditions something was measured.

    Attributes:
        switches: names of what was switched on, in alphabetical order.
        instruments: strong, weak or none.
        weeks: weeks of profit, or of history at a cold start; None where neither is meant.
        group: part of the products, such as ``changes_2_5``; None: all.
        sold_out_rate: share of product weeks that sold out; None: the usual one.
        case: a shop of another make than the usual one, such as a market of one's own; None: the usual one.
    """

    switches: tuple[str, ...]
    instruments: str
    weeks: int | None = None
    group: str | None = None
    sold_out_rate: float | None = None
    case: str | None = None


@dataclass(frozen=True)
class Measured:
    """One figure of one contender on one seed."""

    section: str
    figure: str
    contender: str
    setting: Setting
    seed: int
    value: float

    def __post_init__(self) -> None:
        """Names are those of the scoreboard.

        Raises:
            ValueError: section or figure is unknown.
        """
        if self.figure not in FIGURES.get(self.section, ()):
            raise ValueError(f"the scoreboard has no figure '{self.figure}' in section '{self.section}'")


@dataclass(frozen=True)
class Row:
    """One figure over all seeds.

    Attributes:
        seeds: number of seeds.
        mean: over seeds.
        low: lower end of the 95 % interval of the mean (Student's t over seeds); NaN with one seed.
        high: its upper end.
        worst: the seed that is worst for the contender.
    """

    section: str
    figure: str
    contender: str
    setting: Setting
    seeds: int
    mean: float
    low: float
    high: float
    worst: float

    def as_dict(self) -> dict[str, Any]:
        """Flat and JSON-ready; what does not apply is left out, and NaN is null."""
        flat = {key: value for key, value in asdict(self).items() if key != "setting"}
        own = {key: value for key, value in asdict(self.setting).items() if value is not None}
        own["switches"] = list(self.setting.switches)
        return {
            key: None if isinstance(value, float) and np.isnan(value) else value for key, value in (flat | own).items()
        }


def summarise(measured: Iterable[Measured]) -> list[Row]:
    """Rows in the order in which their first figure came.

    Raises:
        ValueError: a figure was measured twice on one seed.
    """
    groups: dict[tuple[str, str, str, Setting], dict[int, float]] = {}
    for one in measured:
        values = groups.setdefault((one.section, one.figure, one.contender, one.setting), {})
        if one.seed in values:
            raise ValueError(f"{one.contender}: {one.section}.{one.figure} was measured twice on seed {one.seed}")
        values[one.seed] = one.value
    return [_row(*key, np.array(list(values.values()))) for key, values in groups.items()]


def _row(section: str, figure: str, contender: str, setting: Setting, values: Floats) -> Row:
    mean, count = float(values.mean()), len(values)
    half = float("nan")
    if count > 1:
        half = float(t.ppf(0.5 + CONFIDENCE / 2.0, count - 1) * values.std(ddof=1) / np.sqrt(count))
    return Row(section, figure, contender, setting, count, mean, mean - half, mean + half, worst(figure, values))


def worst(figure: str, values: Floats) -> float:
    """The value that is worst for whoever is scored."""
    if figure in HIGHER:
        return float(values.min())
    if figure in NEARER_ZERO:
        return float(values[np.abs(values).argmax()])
    if figure in TARGETS:
        return float(values[np.abs(values - TARGETS[figure]).argmax()])
    return float(values.max())
