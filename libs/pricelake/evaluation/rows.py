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
    "identification": ("flagged_share", "coverage_90_unidentified"),
    "stability": ("elasticity_shift_seed", "elasticity_shift_week"),
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
DIRECTIONLESS = {"flagged_share"}
"""Neither more nor less is better: what should be flagged depends on the shop."""
TARGETS = {"slope": 1.0, "coverage_50": 0.5, "coverage_90": 0.9, "coverage_90_unidentified": 0.9}


@dataclass(frozen=True)
class Setting:
    """Under which conditions something was measured.

    Attributes:
        switches: names of what was switched on, in alphabetical order.
        instruments: strong, weak or none.
        weeks: weeks of profit, or of history at a cold start; None where neither is meant.
        group: part of the products, such as ``changes_2_5``; None: all.
        sold_out_rate: share of product weeks that sold out; None: nothing sells out.
        case: which case's shop it was, by its name in the settings or that of a market of one's own; of a movement the
            confounded one's. With section, figure, contender, ``weeks`` and ``group`` it names one row.
    """

    switches: tuple[str, ...]
    instruments: str
    weeks: int | None = None
    group: str | None = None
    sold_out_rate: float | None = None
    case: str | None = None


@dataclass(frozen=True)
class Measured:
    """One figure of one contender on one seed.

    Attributes:
        value: the figure, or where it is a share the amount whose share it is.
        out_of: what ``value`` is a share of, 0 or above; None: ``value`` is the figure itself. Shares of several seeds
            become one as sum over sum, for the share of a seed where next to nothing can be had says next to nothing.
    """

    section: str
    figure: str
    contender: str
    setting: Setting
    seed: int
    value: float
    out_of: float | None = None

    @property
    def of_seed(self) -> float:
        """The figure on this seed alone; NaN where it is a share of nothing."""
        if self.out_of is None:
            return self.value
        return self.value / self.out_of if self.contributes else float("nan")

    @property
    def contributes(self) -> bool:
        """Whether the figure can be told on this seed: a share of nothing says nothing about a share."""
        return self.out_of is None or self.out_of > 0.0

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
        seeds: number of seeds on which the figure can be told; a seed where it is a share of nothing is none of them.
        mean: over seeds; of shares the sum of amounts over the sum of what they are shares of. What was lost where
            nothing could be had is in the first sum.
        low: lower end of the 95 % interval of the mean, NaN with fewer than two ``seeds``: Student's t over them; of
            shares that of the ratio estimator (Cochran 1977, *Sampling Techniques*, section 6.3).
        high: its upper end.
        worst: the seed that is worst for the contender; NaN where no seed is better than another (``DIRECTIONLESS``).
        by_seed: the figure on every seed, NaN where it is a share of nothing; contenders meet the same seeds, so that
            differences between two of them are to be taken seed by seed.
        amounts: of shares, for each seed the amount and what it is a share of; None: the figure is no share.
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
    by_seed: dict[int, float]
    amounts: dict[int, tuple[float, float]] | None = None

    def as_dict(self) -> dict[str, Any]:
        """Flat and JSON-ready; what does not apply is left out, and NaN is null."""
        flat = {key: value for key, value in asdict(self).items() if key not in ("setting", "by_seed", "amounts")}
        own = {key: value for key, value in asdict(self.setting).items() if value is not None}
        own["switches"] = list(self.setting.switches)
        told = {key: _known(value) for key, value in (flat | own).items()}
        told["by_seed"] = {str(seed): _known(value) for seed, value in self.by_seed.items()}
        if self.amounts is not None:
            told["amounts"] = {str(seed): list(both) for seed, both in self.amounts.items()}
        return told


def summarise(measured: Iterable[Measured]) -> list[Row]:
    """Rows in the order in which their first figure came.

    Raises:
        ValueError: a figure was measured twice on one seed.
    """
    groups: dict[tuple[str, str, str, Setting], dict[int, Measured]] = {}
    for one in measured:
        seeds = groups.setdefault((one.section, one.figure, one.contender, one.setting), {})
        if one.seed in seeds:
            raise ValueError(f"{one.contender}: {one.section}.{one.figure} was measured twice on seed {one.seed}")
        seeds[one.seed] = one
    return [_row(*key, list(seeds.values())) for key, seeds in groups.items()]


def _row(section: str, figure: str, contender: str, setting: Setting, seeds: list[Measured]) -> Row:
    by_seed = {one.seed: one.of_seed for one in seeds}
    counted = sum(one.contributes for one in seeds)
    mean, half = _mean(seeds, counted)
    least = worst(figure, np.array(list(by_seed.values())))
    amounts = {one.seed: (one.value, one.out_of) for one in seeds if one.out_of is not None} or None
    return Row(section, figure, contender, setting, counted, mean, mean - half, mean + half, least, by_seed, amounts)


def _mean(seeds: list[Measured], counted: int) -> tuple[float, float]:
    """Mean over seeds and half the width of its interval; a plain mean is the ratio of a sum to a count.

    Args:
        seeds: all of them.
        counted: how many contribute: shares of nothing would narrow the interval and say nothing.
    """
    values = np.array([one.value for one in seeds])
    sizes = np.array([1.0 if one.out_of is None else one.out_of for one in seeds])
    if counted == 0:
        return float("nan"), float("nan")
    mean = float(values.sum() / sizes.sum())
    if counted == 1:
        return mean, float("nan")
    deviation = np.sqrt(((values - mean * sizes) ** 2).sum() / (counted - 1)) / (sizes.sum() / counted)
    return mean, float(t.ppf(0.5 + CONFIDENCE / 2.0, counted - 1) * deviation / np.sqrt(counted))


def _known(value: Any) -> Any:
    return None if isinstance(value, float) and np.isnan(value) else value


def worst(figure: str, values: Floats) -> float:
    """The value that is worst for whoever is scored, NaN where none can be; NaN does not count beside others."""
    values = values[~np.isnan(values)]
    if not len(values) or figure in DIRECTIONLESS:
        return float("nan")
    if figure in HIGHER:
        return float(values.min())
    if figure in NEARER_ZERO:
        return float(values[np.abs(values).argmax()])
    if figure in TARGETS:
        return float(values[np.abs(values - TARGETS[figure]).argmax()])
    return float(values.max())
