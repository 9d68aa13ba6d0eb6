"""What the scoreboard's figures say, in sentences that come out of them and of nothing else."""

from collections.abc import Sequence

from pricelake.report.scoreboard.figures import Figure, variant
from pricelake.report.scoreboard.record import Case, Score
from pricelake.report.scoreboard.standing import OWN, UNIFORM, USUAL_MOVE, Board, LostFigure
from pricelake.report.wording import MINUS, SPACE, count

OWN_NAME = "PriceLake"
CONTENDERS = {
    "status_quo": "Prices as they are",
    "cost_plus": "Cost plus",
    "competitor_median": "Competitors' median",
    "rating_rule": "Rating rule",
    "mlp": "MLP",
    "loglog_ols": "Log-log OLS",
    "hierarchical_ols": "Hierarchical OLS",
    "lightgbm": "LightGBM",
    "double_ml": "Double ML",
    "guessed_elasticity": f"Guess of {MINUS}3",
    "guessed_elasticity_-2": f"Guess of {MINUS}2",
    "guessed_elasticity_-1.5": f"Guess of {MINUS}1.5",
    "true_own_curves": "True own curves",
    "oracle": "Oracle",
    "popularity": "Best sellers",
    OWN: OWN_NAME,
}


def contender_name(contender: str, figure: Figure | None = None) -> str:
    """A contender in words, not escaped; one that is not known is spelt as it is."""
    if contender == OWN and figure is not None and figure.section == "recommendation":
        return f"{OWN_NAME} (ALS)"
    if contender.startswith(UNIFORM):
        move = contender.removeprefix(UNIFORM).removeprefix("_") or USUAL_MOVE
        return f"All prices {move.replace('-', MINUS)}{SPACE}%"
    return CONTENDERS.get(contender, contender.replace("_", " "))


def ordinal(place: int) -> str:
    """A place, such as ``2nd``."""
    ending = "th" if place % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(place % 10, "th")
    return f"{place}{ending}"


def interval(score: Score) -> str:
    """A score's 95 % interval, or why it has none."""
    if score.low is None or score.high is None:
        return "one seed" if score.seeds == 1 else "no interval"
    return f"{score.figure.say(score.low)} to {score.figure.say(score.high)}"


def separation(board: Board, rival: Score) -> str:
    """Whether a rival and PriceLake differ beyond chance."""
    return {
        "clear": "a clear difference",
        "unclear": "no clear difference",
        "unknown": "no intervals to compare",
    }[board.separation(rival)]


def other_clear(board: Board) -> str:
    """That further rivals are clearly ahead, where the best one is not; otherwise empty."""
    clear = [one for one in board.clearly_ahead if one is not board.rivals[0]]
    if not clear or board.separation(board.rivals[0]) == "clear":
        return ""
    return f"but a clear one to {contender_name(clear[0].contender)}" + (
        f" and {len(clear) - 1} more" if clear[1:] else ""
    )


def standing(board: Board) -> str:
    """PriceLake's place on a board, its distance to the best rival, and whether that is clear.

    Raises:
        ValueError: the board is no comparison.
    """
    own, best = board.own, next(iter(board.rivals), None)
    if own is None or best is None:
        raise ValueError(f"{board.figure.title}: nothing to compare PriceLake with")
    figure, gap = board.figure, board.lead(best)
    place = "first" if board.rank == 1 else "last" if board.rank == board.places else ordinal(board.rank)
    rival = f"{contender_name(best.contender)} ({figure.say(best.mean)})"
    if gap > 0:
        distance = f"{figure.say_gap(gap)} behind the best rival, {rival}"
    elif gap < 0:
        distance = f"{figure.say_gap(gap)} ahead of the next, {rival}"
    else:
        distance = f"level with {rival}"
    told = f"{OWN_NAME} is {place} of {board.places} with {figure.say(own.mean)}, {distance}"
    return f"{told}; {separation(board, best)}."


def overall(boards: Sequence[Board]) -> str:
    """How often PriceLake is first, level or behind, over all comparisons except the cost of running."""
    judged = [one for one in boards if one.is_comparison and one.figure.section != "run"]
    if not judged:
        return f"{OWN_NAME} cannot be ranked: the record has no figure of it beside a rival's."
    behind = [one for one in judged if one.ahead]
    level = sum(one.lead(one.rivals[0]) == 0 for one in judged)
    clear = sum(bool(one.clearly_ahead) for one in behind)
    won = [one for one in judged if one.lead(one.rivals[0]) < 0]
    won_clear = sum(all(one.separation(rival) == "clear" for rival in one.rivals) for one in won)
    rivals = max(len(one.rivals) for one in judged)
    return (
        f"In {count(len(judged))} comparisons, each one figure in one case against up to {rivals} rivals, {OWN_NAME} "
        f"is behind the best rival in {count(len(behind))}, level with it in {count(level)} and ahead of all in "
        f"{count(len(won))}. Where it is behind, at least one rival is clearly ahead in {count(clear)}; where it is "
        f"ahead, it is clearly ahead of all rivals in {count(won_clear)}."
    )


def earned(profit: dict[Case, Board]) -> str:
    """Whether PriceLake's prices earn more than leaving all prices alone; empty without profit figures.

    Args:
        profit: the capture by case, over the longest horizon.
    """
    boards = list(profit.values())
    own = [one.own for one in boards if one.own is not None]
    if not own:
        return ""
    shares = sorted(one.mean for one in own if one.mean is not None)
    surely = sum(one.low is not None and one.low > 0 for one in own)
    below = sum(one.high is not None and one.high < 0 for one in own)
    when = variant(boards[0].figure, boards[0].weeks, None)
    figure, cases = boards[0].figure, "case" if len(own) == 1 else "cases"
    span = figure.say(shares[0])
    if len(shares) > 1:
        span = f"between {span} and {figure.say(shares[-1])}"
    return (
        f"{when[:1].upper()}{when[1:]}, {OWN_NAME}'s prices earn more than the prices in force in "
        f"{sum(share > 0 for share in shares)} of {len(own)} {cases}; the whole 95 % interval lies above them in "
        f"{surely} and below them in {below}. They capture {span} of what the oracle gains, which is {places(boards)}."
    )


def places(boards: Sequence[Board]) -> str:
    """PriceLake's best and worst place over some cases, such as ``1st to 8th of 9``.

    Args:
        boards: comparisons of one figure, at least one.
    """
    ranks = sorted(one.rank for one in boards)
    span = ordinal(ranks[0]) if ranks[0] == ranks[-1] else f"{ordinal(ranks[0])} to {ordinal(ranks[-1])}"
    return f"{span} of {max(one.places for one in boards)}"


def lost(one: LostFigure) -> str:
    """In how many comparisons a figure is lost, and how clearly."""
    where = f"behind in {len(one.boards)} of {one.judged}" if one.judged > 1 else "behind in the only comparison"
    if not one.clear:
        return f"{where}; no rival is clearly ahead"
    return f"{where}; in {one.clear} a rival is clearly ahead"


def worst_loss(one: LostFigure, case_name: str) -> str:
    """The worst board of a lost figure.

    Args:
        one: the figure.
        case_name: of its first board.
    """
    board = one.boards[0]
    where = ", ".join(part for part in (case_name, variant(board.figure, board.weeks, board.group)) if part)
    return f"Worst: {where}. {standing(board)}"
