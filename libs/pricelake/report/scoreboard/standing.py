"""Who stands where: one board per figure and case, and on which of them PriceLake is behind."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from pricelake.report.scoreboard.figures import KNOWN, SECTIONS, Figure
from pricelake.report.scoreboard.pairs import lead_interval
from pricelake.report.scoreboard.record import Case, Score, Scoreboard

OWN = "pricelake"
REFERENCES = ("oracle", "true_own_curves")
"""They know the truth, so nobody can be asked to beat them."""
UNIFORM, USUAL_MOVE = "uniform_move", "+10"
"""Every price by the same percentage: the usual one has no number in its name."""
SAME = 1e-9
"""Relative difference below which two means are the same number."""
Separation = Literal["clear", "unclear", "unknown"]


@dataclass(frozen=True)
class Board:
    """All contenders on one figure in one case.

    Attributes:
        figure: what is measured.
        case: on which shop.
        weeks: of profit or of history; None where neither is meant.
        group: part of the products; None: all.
        scores: of every contender, those without a mean included, best first.
    """

    figure: Figure
    case: Case
    weeks: int | None
    group: str | None
    scores: tuple[Score, ...]

    @property
    def own(self) -> Score | None:
        """PriceLake's score; None where it has no mean."""
        return next((one for one in self.scores if one.contender == OWN and one.mean is not None), None)

    @property
    def rivals(self) -> tuple[Score, ...]:
        """Contenders with a mean that do not know the truth, best first; a uniform move is one."""
        return tuple(one for one in self.scores if one.mean is not None and one.contender not in (OWN, *REFERENCES))

    @property
    def references(self) -> tuple[Score, ...]:
        """Contenders with a mean that know the truth."""
        return tuple(one for one in self.scores if one.mean is not None and one.contender in REFERENCES)

    @property
    def is_comparison(self) -> bool:
        """Whether PriceLake and at least one rival were measured, on what can be better or worse."""
        return self.figure.better != "neither" and self.own is not None and bool(self.rivals)

    @property
    def ahead(self) -> tuple[Score, ...]:
        """Rivals with a better mean than PriceLake's, best first."""
        return tuple(one for one in self.rivals if self.lead(one) > 0)

    @property
    def rank(self) -> int:
        """PriceLake's place among itself and its rivals, from 1; equal means share the better place."""
        return 1 + len(self.ahead)

    @property
    def places(self) -> int:
        """How many are ranked: PriceLake and its rivals."""
        return 1 + len(self.rivals)

    @property
    def clearly_ahead(self) -> tuple[Score, ...]:
        """Rivals ahead beyond chance."""
        return tuple(one for one in self.ahead if self.separation(one) == "clear")

    def lead(self, rival: Score) -> float:
        """By how much a rival is nearer the ideal than PriceLake, in the figure's unit; below 0: PriceLake is.

        Raises:
            ValueError: one of the two has no mean.
        """
        own = self.own
        if own is None or own.mean is None or rival.mean is None:
            raise ValueError(f"{rival.contender} and {OWN} cannot be compared without a mean of both")
        ours, theirs = self.figure.distance(own.mean), self.figure.distance(rival.mean)
        return 0.0 if abs(ours - theirs) <= SAME * max(abs(ours), abs(theirs), SAME) else ours - theirs

    def separation(self, rival: Score) -> Separation:
        """Whether a rival and PriceLake differ beyond chance.

        By the 95 % interval of the difference seed by seed; where there is none, by whether the intervals of the two
        distances from the ideal overlap, which finds less.
        """
        own = self.own
        ends = None if own is None else lead_interval(self.figure, own, rival)
        if ends is not None:
            return "unclear" if ends[0] <= 0.0 <= ends[1] else "clear"
        if own is None or own.low is None or own.high is None or rival.low is None or rival.high is None:
            return "unknown"
        ours, theirs = self.figure.distances(own.low, own.high), self.figure.distances(rival.low, rival.high)
        return "clear" if ours[0] > theirs[1] or theirs[0] > ours[1] else "unclear"

    @property
    def severity(self) -> tuple[bool, float, float]:
        """Larger is worse: a rival clearly ahead, share of rivals ahead, gap to the best over the spread of means."""
        if not self.ahead:
            return (False, 0.0, 0.0)
        leads = [self.lead(one) for one in self.rivals]
        spread = max([*leads, 0.0]) - min([*leads, 0.0])
        return (bool(self.clearly_ahead), len(self.ahead) / len(self.rivals), leads[0] / spread)


def boards_of(board: Scoreboard) -> list[Board]:
    """Every figure and case of a record: by section and figure, then case, weeks and group."""
    cases = [run.case for run in board.runs]

    def place(score: Score) -> tuple[int, int, int, str]:
        weeks = -1 if score.weeks is None else score.weeks
        return (KNOWN.index(score.figure), cases.index(score.case), weeks, score.group or "")

    found = []
    for _, group in groupby(sorted(board.scores, key=place), key=place):
        scores = list(group)
        first = scores[0]
        found.append(Board(first.figure, first.case, first.weeks, first.group, _best_first(scores)))
    return found


def _best_first(scores: Iterable[Score]) -> tuple[Score, ...]:
    def badness(score: Score) -> tuple[bool, float, str]:
        known = score.mean is not None
        return (not known, score.figure.distance(score.mean) if score.mean is not None else 0.0, score.contender)

    return tuple(sorted(scores, key=badness))


def headline_boards(boards: Sequence[Board]) -> dict[Figure, dict[Case, Board]]:
    """The board that speaks for each section, by case: all products, the longest profit, the shortest history."""
    found: dict[Figure, dict[Case, Board]] = {}
    for section in SECTIONS:
        figure = next(one for one in KNOWN if one.section == section)
        own = [one for one in boards if one.figure == figure and one.group is None and one.is_comparison]
        own.sort(key=lambda one: (one.weeks or 0) * (-1 if section == "cold_start" else 1))
        if own:
            found[figure] = {one.case: one for one in own}
    return found


@dataclass(frozen=True)
class LostFigure:
    """A figure on which a rival is ahead somewhere.

    Attributes:
        figure: what is measured.
        boards: the lost ones, worst first; at least one.
        judged: how many boards of the figure compare PriceLake with rivals, lost or not.
    """

    figure: Figure
    boards: tuple[Board, ...]
    judged: int

    @property
    def clear(self) -> int:
        """Boards on which a rival is ahead beyond chance."""
        return sum(bool(one.clearly_ahead) for one in self.boards)


def lost_figures(boards: Sequence[Board]) -> list[LostFigure]:
    """Everything that PriceLake loses, worst first; what only costs time or memory comes last."""
    found = []
    for figure in KNOWN:
        judged = [one for one in boards if one.figure == figure and one.is_comparison]
        lost = sorted((one for one in judged if one.ahead), key=lambda one: one.severity, reverse=True)
        if lost:
            found.append(LostFigure(figure, tuple(lost), len(judged)))
    return sorted(found, key=lambda one: (one.figure.section != "run", one.boards[0].severity), reverse=True)
