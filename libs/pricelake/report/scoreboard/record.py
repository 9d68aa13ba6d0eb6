"""The scoreboard's record as it is read: cases, scores, promises, failures."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pricelake.errors import PriceLakeError
from pricelake.report.scoreboard.figures import BY_NAME, Figure, finite
from pricelake.report.wording import SPACE, share
from pricelake.settings.simulation import Switches

USUAL_INSTRUMENTS = "strong"


@dataclass(frozen=True)
class Case:
    """One kind of shop.

    Attributes:
        switches: what makes it hard, in alphabetical order.
        instruments: strong, weak or none.
        sold_out_rate: share of product weeks that sold out, 0–1; None: nothing sells out, or it is the usual one.
        shop: name of a shop of another make than the usual one, such as a market of one's own; None: the usual one.
        usual_rate: what ``sold_out_rate`` is usually; None: not known. No part of what a case is.
    """

    switches: tuple[str, ...]
    instruments: str
    sold_out_rate: float | None
    shop: str | None = None
    usual_rate: float | None = field(default=None, compare=False)

    @classmethod
    def of(cls, entry: Mapping[str, Any], usual_rate: float | None = None) -> "Case":
        """The case of an entry under ``cases``, or of a row whose case has none."""
        shop = entry.get("case")
        if "usual_shop" in entry:
            shop = None if entry["usual_shop"] else entry["name"]
        rate = finite(entry.get("sold_out_rate"))
        own = (tuple(sorted(entry["switches"])), str(entry["instruments"]), rate)
        return cls(*own, None if shop is None else str(shop), usual_rate)

    @property
    def share_sold_out(self) -> float | None:
        """Share of product weeks that sold out, 0–1; None where it is not known or the shop is of another make."""
        if self.shop is not None:
            return None
        if self.sold_out_rate is not None:
            return self.sold_out_rate
        return self.usual_rate if "sold_out" in self.switches else None

    @property
    def description(self) -> str:
        """What is on and what is off, in words."""
        every = sorted(Switches.model_fields)
        on = [name.replace("_", " ") for name in self.switches]
        off = [name.replace("_", " ") for name in every if name not in self.switches]
        told = f"{', '.join(on)} on; {', '.join(off)} off"
        if not off:
            told = "every difficulty on"
        elif not on:
            told = "every difficulty off"
        told += f"; instruments {self.instruments}"
        told = told if self.shop is None else f"another shop; {told}"
        return told if self.sold_out_rate is None else f"{told}; {share(self.sold_out_rate, 1)} of weeks sold out"


@dataclass(frozen=True)
class CaseRun:
    """How a case was run.

    Attributes:
        case: what it is.
        name: as its settings call it.
        seeds: first and last.
        sizes: products, categories, markets and weeks of one seed's shop; None where the record does not say.
        seconds: all contenders, all seeds; None where the record does not say.
        possible_gain: of the best allowed prices over the longest time, as a share of the profit at the prices in
            force; None where profit was not judged.
        true_elasticity: mean over offers at the price in force; None where the record does not say.
        is_simulated: whether the shop is PriceLake's simulated one; so it is taken for where the record does not say.
    """

    case: Case
    name: str
    seeds: tuple[int, int] | None
    sizes: Mapping[str, int | None]
    seconds: float | None
    possible_gain: float | None
    true_elasticity: float | None
    is_simulated: bool


@dataclass(frozen=True)
class Score:
    """One figure of one contender; values as in :class:`pricelake.evaluation.rows.Row`, None for NaN.

    Attributes:
        by_seed: numerator and denominator on each seed, the latter 1 where the figure is no ratio; empty where the
            record does not say.
    """

    figure: Figure
    contender: str
    case: Case
    weeks: int | None
    group: str | None
    seeds: int
    mean: float | None
    low: float | None
    high: float | None
    worst: float | None
    by_seed: Mapping[int, tuple[float, float]] = field(default_factory=dict, compare=False)


@dataclass(frozen=True)
class Promise:
    """A category's promised and realised gain, as shares of its recent profit."""

    contender: str
    seed: int
    category: str
    promised: float
    realised: float
    low_90: float | None
    high_90: float | None


@dataclass(frozen=True)
class LeftOut:
    """Categories of one case for which a contender promises nothing, by reason, and those for which it does.

    Attributes:
        failed: what it could not learn; an older record counts it among ``no_price_moved``.
    """

    contender: str
    case: str
    promised: int
    no_price_moved: int
    loses_money: int
    failed: int = 0

    @property
    def without(self) -> int:
        """Categories without a promise."""
        return self.failed + self.no_price_moved + self.loses_money


@dataclass(frozen=True)
class Flat:
    """A case and a contender whose model says there that demand does not react, or could not learn."""

    case: str
    contender: str


@dataclass(frozen=True)
class Scoreboard:
    """The whole record; ``runs`` has every case in which something was scored or failed, in the record's order."""

    scores: tuple[Score, ...]
    runs: tuple[CaseRun, ...]
    promises: tuple[Promise, ...]
    left_out: tuple[LeftOut, ...]
    failures: tuple[Mapping[str, str], ...]
    flat: tuple[Flat, ...]
    commit: str
    command: str
    started_at: str
    seconds: float

    def name_of(self, case: Case) -> str:
        """The case's name in words."""
        return next(run.name for run in self.runs if run.case == case).replace("_", " ")


def read_record(record: Mapping[str, Any]) -> Scoreboard:
    """A scoreboard from its JSON.

    Args:
        record: what ``pricelake score`` writes; ``cases``, ``promises``, ``promises_left_out``, ``failures`` and
            ``flat`` may be missing.

    Raises:
        PriceLakeError: no rows, a row with a figure that this page does not know, or a key that is missing.
    """
    if not record.get("rows"):
        raise PriceLakeError("The scoreboard has no rows, so there is nothing to show. Run `pricelake score` first.")
    usual = finite(record.get("usual_sold_out_rate"))
    try:
        cases = {str(one["name"]): Case.of(one, usual) for one in record.get("cases", [])}
        scores = tuple(_score(row, cases.get(row.get("case")) or Case.of(row, usual)) for row in record["rows"])
        return Scoreboard(
            scores=scores,
            runs=_runs(record.get("cases", []), scores, usual),
            promises=tuple(map(_promise, record.get("promises", []))),
            left_out=tuple(LeftOut(**one) for one in record.get("promises_left_out", [])),
            flat=tuple(Flat(**one) for one in record.get("flat", [])),
            failures=tuple({key: str(value) for key, value in one.items()} for one in record.get("failures", [])),
            commit=str(record["commit"]),
            command=str(record["command"]),
            started_at=str(record["started_at"]),
            seconds=float(record["seconds"]),
        )
    except KeyError as error:
        raise PriceLakeError(
            f"The scoreboard's record lacks the key {error} and cannot be shown. Run `pricelake score` again."
        ) from error


def _score(row: Mapping[str, Any], case: Case) -> Score:
    figure = BY_NAME.get((row["section"], row["figure"]))
    if figure is None:
        raise PriceLakeError(
            f"The scoreboard has a figure '{row['figure']}' in section '{row['section']}' that the page does not know "
            "and would leave out. Add it to pricelake.report.scoreboard.figures."
        )
    mean, low, high, worst = (finite(row[key]) for key in ("mean", "low", "high", "worst"))
    own = (str(row["contender"]), case, row.get("weeks"), row.get("group"), int(row["seeds"]))
    return Score(figure, *own, mean, low, high, worst, _by_seed(row))


def _by_seed(row: Mapping[str, Any]) -> dict[int, tuple[float, float]]:
    """Numerator and denominator of each seed from a row of the record; empty where a seed has no value.

    Args:
        row: ``amounts`` for ratios, ``by_seed`` for everything else; neither: an older record.
    """
    if row.get("amounts"):
        return {int(seed): (float(part), float(whole)) for seed, (part, whole) in row["amounts"].items()}
    values = row.get("by_seed") or {}
    return {} if None in values.values() else {int(seed): (float(value), 1.0) for seed, value in values.items()}


def _promise(entry: Mapping[str, Any]) -> Promise:
    return Promise(
        contender=str(entry["contender"]),
        seed=int(entry["seed"]),
        category=str(entry["category"]),
        promised=float(entry["promised"]),
        realised=float(entry["realised"]),
        low_90=finite(entry.get("low_90")),
        high_90=finite(entry.get("high_90")),
    )


def _runs(entries: Any, scores: tuple[Score, ...], usual_rate: float | None) -> tuple[CaseRun, ...]:
    """What the record says of its cases; one that only rows name is called by what is switched on."""
    found: dict[Case, CaseRun] = {}
    for one in entries:
        seeds = (int(one["seeds"][0]), int(one["seeds"][-1])) if one.get("seeds") else None
        sizes = {key: one.get(key) for key in ("products", "categories", "markets", "weeks")}
        case = Case.of(one, usual_rate)
        gains = one.get("possible_gain") or {}
        gain = finite(gains[max(gains, key=int)]) if gains else None
        truth, is_simulated = finite(one.get("true_elasticity")), bool(one.get("simulated", True))
        name, seconds = str(one["name"]), finite(one.get("seconds"))
        found[case] = CaseRun(case, name, seeds, sizes, seconds, gain, truth, is_simulated)
    unknown = {"products": None, "categories": None, "markets": None, "weeks": None}
    for case in dict.fromkeys(score.case for score in scores):
        found.setdefault(case, CaseRun(case, _name(case), None, unknown, None, None, None, True))
    return tuple(found.values())


def _name(case: Case) -> str:
    if case.shop is not None:
        return case.shop
    every = set(Switches.model_fields)
    off = sorted(every - set(case.switches))
    name = "everything on" if not off else f"all but {', '.join(off)}"
    if len(off) > len(every) / 2:
        name = f"only {', '.join(case.switches)}" if case.switches else "everything off"
    if case.instruments != USUAL_INSTRUMENTS:
        name += f", instruments {case.instruments}"
    return name if case.sold_out_rate is None else f"{name}, {case.sold_out_rate * 100:g}{SPACE}% sold out"
