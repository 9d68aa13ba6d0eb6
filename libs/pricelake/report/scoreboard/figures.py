"""The scoreboard's figures as people read them: title, unit, and which way is better."""

import math
from dataclasses import dataclass
from typing import Literal

from pricelake.report.wording import NOTHING, SPACE, count, number, rate

Better = Literal["lower", "higher", "near", "neither"]
Unit = Literal["number", "share", "money", "count", "seconds", "megabytes"]


@dataclass(frozen=True)
class Figure:
    """One figure of a section.

    Attributes:
        section: as in the record.
        name: as in the record.
        title: in words.
        unit: how values are written.
        better: lower, higher, near the ideal, or neither, of which nothing is ranked.
        ideal: where no contender can do better; only where near is better.
    """

    section: str
    name: str
    title: str
    unit: Unit
    better: Better = "lower"
    ideal: float = 0.0

    @property
    def direction(self) -> str:
        """Which way is better, in words."""
        if self.better == "neither":
            return "neither more nor less is better"
        nearer = f"nearer {self.say(self.ideal, brief=True)}"
        return f"{nearer if self.better == 'near' else self.better} is better"

    def distance(self, value: float) -> float:
        """How bad a value is: smaller is better, in the figure's unit; 0 where no value is."""
        if self.better == "neither":
            return 0.0
        if self.better == "near":
            return abs(value - self.ideal)
        return -value if self.better == "higher" else value

    def distances(self, low: float, high: float) -> tuple[float, float]:
        """Best and worst distance of an interval; one that holds the ideal begins at 0."""
        ends = sorted((self.distance(low), self.distance(high)))
        return (0.0 if self.better == "near" and low <= self.ideal <= high else ends[0], ends[1])

    def say(self, value: float | None, brief: bool = False) -> str:
        """A value with its unit; a dash for None.

        Args:
            value: as in the record.
            brief: without digits after the point that are all zero.
        """
        if value is None:
            return NOTHING
        if brief and self.unit in ("number", "share"):
            shown = value * 100 if self.unit == "share" else value
            return f"{shown:g}" + (f"{SPACE}%" if self.unit == "share" else "")
        return self._written(value)

    def say_gap(self, gap: float) -> str:
        """A difference of two values; shares differ by points."""
        if self.unit == "share":
            return f"{number(abs(gap) * 100, 1)}{SPACE}points"
        return self._written(abs(gap))

    def _written(self, value: float) -> str:
        match self.unit:
            case "share":
                return rate(value)
            case "money":
                return count(value)
            case "count":
                return number(value, 1)
            case "seconds":
                return f"{count(value) if abs(value) >= 100 else number(value, 1)}{SPACE}s"
            case "megabytes":
                return f"{count(value)}{SPACE}MB"
            case _:
                return number(value)


KNOWN = (
    Figure("own_price_bias", "mean_absolute", "Mean absolute error of the elasticity", "number"),
    Figure("own_price_bias", "mean", "Bias of the elasticity, said − true", "number", "near"),
    Figure("own_price_bias", "movement", "Movement of the bias by confounding", "number", "near"),
    Figure("identification", "coverage_90_unidentified", "Elasticities inside their interval", "share", "near", 0.9),
    Figure("identification", "flagged_share", "Categories flagged as weakly identified", "share", "neither"),
    Figure("stability", "elasticity_shift_week", "Change of the elasticity by another week of history", "number"),
    Figure("stability", "elasticity_shift_seed", "Change of the elasticity by another seed", "number"),
    Figure("after_change", "error_10", f"Error of units after ±10{SPACE}%", "share"),
    Figure("after_change", "error_5", f"Error of units after ±5{SPACE}%", "share"),
    Figure("after_change", "error_20", f"Error of units after ±20{SPACE}%", "share"),
    Figure("after_change", "forecast_wape", "Error of units at today's prices", "share"),
    Figure("after_change", "soldout_underestimation", "Share of true demand missed", "share", "near"),
    Figure("profit_capture", "capture", "Share of the possible gain captured", "share", "higher"),
    Figure("profit_capture", "regret_amount", "Profit missed, shop currency", "money"),
    Figure("profit_capture", "violations", "Prices outside the rules", "count"),
    Figure("promise", "slope", "Slope of realised on promised gain", "number", "near", 1.0),
    Figure("promise", "intercept", "Intercept of realised on promised gain", "share", "near"),
    Figure("promise", "coverage_50", f"Share of gains inside the 50{SPACE}% interval", "share", "near", 0.5),
    Figure("promise", "coverage_90", f"Share of gains inside the 90{SPACE}% interval", "share", "near", 0.9),
    Figure("cold_start", "capture", "Share of the possible gain captured", "share", "higher"),
    Figure("cold_start", "elasticity_error", "Mean absolute error of the elasticity", "number"),
    Figure("cold_start", "units_error", "Error of units", "share"),
    Figure("recommendation", "ndcg_at_10", "NDCG@10 against true tastes", "number", "higher"),
    Figure("recommendation", "recall_at_10", "Recall@10 against true tastes", "share", "higher"),
    Figure("run", "failed_fits", "Offers that could not be learnt", "count"),
    Figure("run", "seconds", "Seconds to fit", "seconds"),
    Figure("run", "peak_memory_mb", "Memory added at the peak of the fit", "megabytes"),
)
"""Every figure of the scoreboard, the first of a section being the one that speaks for it."""

BY_NAME = {(figure.section, figure.name): figure for figure in KNOWN}
SECTIONS = tuple(dict.fromkeys(figure.section for figure in KNOWN))

GROUPS = {
    "changes_0_1": "0–1 price changes seen",
    "changes_2_5": "2–5 price changes seen",
    "changes_6_up": "6 or more price changes seen",
    "price_in_force": "at the price in force",
}


def variant(figure: Figure, weeks: int | None, group: str | None) -> str:
    """What a figure was measured on beside its case, such as ``over 13 weeks``; empty: nothing to tell."""
    told = []
    if weeks is not None:
        unit = "week" if weeks == 1 else "weeks"
        told.append(f"{weeks} {unit} of history" if figure.section == "cold_start" else f"over {weeks} {unit}")
    if group is not None:
        told.append(GROUPS.get(group, group.replace("_", " ")))
    return ", ".join(told)


def finite(value: float | None) -> float | None:
    """A number, or None for what is missing, infinite or not a number."""
    return float(value) if value is not None and math.isfinite(value) else None
