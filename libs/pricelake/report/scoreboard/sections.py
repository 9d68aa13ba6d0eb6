"""The sections of the scoreboard page: which plots and tables stand in each, case by case."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from pricelake.report.plot import Plot
from pricelake.report.scoreboard.claims import CLAIMS, Claim
from pricelake.report.scoreboard.figures import SECTIONS, Figure, variant
from pricelake.report.scoreboard.lines import line_plot, promise_plot
from pricelake.report.scoreboard.plots import dot_plot, shown_scores
from pricelake.report.scoreboard.record import Case, Promise, Scoreboard
from pricelake.report.scoreboard.sentences import standing
from pricelake.report.scoreboard.standing import OWN, Board, headline_boards

ONLY_IN_TABLE = {("profit_capture", "regret_amount"), ("profit_capture", "violations")}
"""Figures without a plot: missed profit mirrors the capture, and violations are 0 or a scandal."""
PROMISE_PLOT = "promise-scatter"


@dataclass(frozen=True)
class Drawing:
    """One plot with its heading."""

    title: str
    plot: Plot


@dataclass(frozen=True)
class CasePanel:
    """What a section shows of one case.

    Attributes:
        key: id in the page.
        name: of the case.
        description: what is on and off.
        verdict: where PriceLake stands; empty without a comparison.
        drawings: plots, in order.
        boards: tables, in order.
    """

    key: str
    name: str
    description: str
    verdict: str
    drawings: tuple[Drawing, ...]
    boards: tuple[Board, ...]


@dataclass(frozen=True)
class SectionView:
    """One section.

    Attributes:
        key: as in the record.
        words: title, claim and truth.
        panels: one per case; may be empty where only ``drawings`` exist.
        drawings: plots over all cases.
    """

    key: str
    words: Claim
    panels: tuple[CasePanel, ...]
    drawings: tuple[Drawing, ...] = field(default=())

    @property
    def plots(self) -> list[Plot]:
        """All plots of the section."""
        return [one.plot for one in (*self.drawings, *(one for panel in self.panels for one in panel.drawings))]


def section_views(record: Scoreboard, boards: Sequence[Board]) -> list[SectionView]:
    """Sections with data, in the order of the scoreboard.

    Args:
        record: for names, promises and the order of cases.
        boards: of the record.
    """
    speaking = {figure.section: found for figure, found in headline_boards(boards).items()}
    views = []
    for section in SECTIONS:
        own = [one for one in boards if one.figure.section == section]
        panels = []
        for place, run in enumerate(record.runs):
            here = tuple(one for one in own if one.case == run.case)
            if here:
                verdict = speaking.get(section, {}).get(run.case)
                panels.append(_panel(f"{section}-{place}", record, run.case, here, verdict))
        drawings = _over_cases(section, own, record.promises)
        if panels or drawings:
            views.append(SectionView(section, CLAIMS[section], tuple(panels), drawings))
    return views


def _panel(key: str, record: Scoreboard, case: Case, boards: tuple[Board, ...], verdict: Board | None) -> CasePanel:
    said = "" if verdict is None else f"{heading(verdict)}: {standing(verdict)}"
    return CasePanel(key, record.name_of(case), case.description, said, _drawings(key, boards), boards)


def heading(board: Board) -> str:
    """What a board shows, without its case."""
    told = variant(board.figure, board.weeks, board.group)
    return f"{board.figure.title}, {told}" if told else board.figure.title


def _drawings(key: str, boards: Sequence[Board]) -> tuple[Drawing, ...]:
    drawn = [
        one
        for one in boards
        if (one.figure.section, one.figure.name) not in ONLY_IN_TABLE
        # the groups show whether errors shrink with evidence: one figure is enough for that
        and (one.group is None or one.figure.name == "mean_absolute")
        and shown_scores(one)
    ]
    lines = _by_weeks(key, drawn)
    plain = [one for one in drawn if one.figure.section != "cold_start" or one.figure not in lines]
    dots = [Drawing(heading(one), dot_plot(one, f"{key}-{place}")) for place, one in enumerate(plain)]
    return (*lines.values(), *dots)


def _by_weeks(key: str, boards: Iterable[Board]) -> dict[Figure, Drawing]:
    """Cold starts as lines over the weeks of history; figures of one length only stay dots."""
    groups: dict[Figure, list[tuple[float, Board]]] = {}
    for one in boards:
        if one.figure.section == "cold_start" and one.weeks is not None:
            groups.setdefault(one.figure, []).append((float(one.weeks), one))
    return {
        figure: Drawing(figure.title, line_plot(found, f"{key}-{figure.name}", "weeks of history"))
        for figure, found in groups.items()
        if len(found) > 1
    }


def _over_cases(section: str, boards: Sequence[Board], promises: Sequence[Promise]) -> tuple[Drawing, ...]:
    """Plots that need several cases, or none."""
    if section == "promise":
        own = [one for one in promises if one.contender == OWN]
        return (Drawing("Promised and realised by category", promise_plot(own, PROMISE_PLOT)),) if own else ()
    if section != "after_change":
        return ()
    groups: dict[tuple[tuple[str, ...], str], dict[float, Board]] = {}
    for one in boards:
        if one.figure.name == "soldout_underestimation" and one.case.share_sold_out is not None and shown_scores(one):
            # nothing sells out at a share of 0, whether the switch is on or not
            rest = tuple(name for name in one.case.switches if name != "sold_out")
            groups.setdefault((rest, one.case.instruments), {}).setdefault(100 * one.case.share_sold_out, one)
    return tuple(
        Drawing(
            f"{next(iter(found.values())).figure.title} as more weeks sell out",
            line_plot(sorted(found.items()), f"sold-out-{place}", "share of weeks sold out", " %"),
        )
        for place, found in enumerate(groups.values())
        if len(found) > 1
    )
