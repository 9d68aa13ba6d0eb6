"""What the scoreboard does not know: contenders that broke, offers not learnt, figures without a value and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pricelake.report.scoreboard.record import Flat, Score, Scoreboard
from pricelake.report.scoreboard.standing import Board


@dataclass(frozen=True)
class Unlearnt:
    """What the scoreboard does not know.

    Attributes:
        failed_fits: scores of contenders with offers that they could not learn, most first.
        without_own: boards on which rivals were measured and PriceLake was not.
        without_mean: scores that have no mean, each with the reason; empty where the figure itself says it.
        failures: contenders that broke, by case.
        flat: models that say that demand does not react, or could not learn, by case.
    """

    failed_fits: tuple[Score, ...]
    without_own: tuple[Board, ...]
    without_mean: tuple[tuple[Score, str], ...]
    failures: tuple[Mapping[str, str], ...]
    flat: tuple[Flat, ...]

    @property
    def is_empty(self) -> bool:
        """Whether everything was learnt."""
        return not (self.failed_fits or self.without_own or self.without_mean or self.failures or self.flat)


def unlearnt_of(board: Scoreboard, boards: Sequence[Board]) -> Unlearnt:
    """Everything that is not known.

    Args:
        board: the record.
        boards: of it.
    """
    failed = [one for one in board.scores if one.figure.name == "failed_fits" and one.mean]
    return Unlearnt(
        failed_fits=tuple(sorted(failed, key=lambda one: -(one.mean or 0.0))),
        without_own=tuple(one for one in boards if one.own is None and one.rivals),
        without_mean=tuple((one, why_without(one, board)) for one in board.scores if one.mean is None),
        failures=board.failures,
        flat=board.flat,
    )


def why_without(score: Score, board: Scoreboard) -> str:
    """Why a score has no mean; empty where there is no more to say than that.

    Args:
        score: without a mean.
        board: the record, for what failed and what was not promised.
    """
    if score.figure.name == "movement":
        return "it says that demand does not react, here or without confounding, so that there is nothing to move"
    match score.figure.section:
        case "promise":
            return _why_no_promise(score, board)
        case "stability":
            return "neither fit answers for an offer"
        case "identification":
            return "it flags no category"
        case _:
            return ""


def _why_no_promise(score: Score, board: Scoreboard) -> str:
    names = {run.name for run in board.runs if run.case == score.case}
    for one in board.left_out:
        if one.contender == score.contender and one.case in names:
            if one.promised:
                return "too few promises on a seed for a line"
            return (
                f"nothing is promised in {one.without} categories: {one.failed} not learnt, {one.no_price_moved} "
                f"without a moved price, {one.loses_money} earning nothing"
            )
    return ""
