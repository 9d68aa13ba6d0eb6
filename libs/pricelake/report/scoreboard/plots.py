"""The scoreboard's plot of one figure in one case: a dot with its interval for each contender."""

import html
from collections.abc import Sequence
from statistics import median
from typing import Any

from pricelake.report.palette import role
from pricelake.report.plot import ROW_HEIGHT, Plot, axis, layout, names_axis, shop_text
from pricelake.report.scoreboard.figures import Figure, variant
from pricelake.report.scoreboard.record import Score
from pricelake.report.scoreboard.sentences import contender_name, interval
from pricelake.report.scoreboard.standing import OWN, REFERENCES, UNIFORM, Board

PERCENT = 100.0
MANY_TIMES = 100.0
"""From this ratio of largest to smallest on, seconds are shown on a logarithmic axis."""


def shown_scores(board: Board) -> list[Score]:
    """PriceLake and its rivals with a mean, best first; of the uniform moves only the best and the worst."""
    wanted = [one for one in board.scores if one.mean is not None and one.contender not in REFERENCES]
    moves = [one for one in wanted if one.contender.startswith(UNIFORM)]
    return [one for one in wanted if one not in moves[1:-1]]


def dot_plot(board: Board, key: str) -> Plot:
    """One row per contender, best on top: its mean and 95 % interval, PriceLake in the accent colour.

    Args:
        board: with at least one mean.
        key: id in the page.
    """
    scores = shown_scores(board)
    size = scale(board.figure)
    is_log = _is_log(board)
    names = [_row_name(one) for one in scores]
    reach = _reach(board, scores, is_log)
    data = [
        _dots([(place, one) for place, one in enumerate(scores) if (one.contender == OWN) is own], size, own, is_log)
        for own in (False, True)
    ]
    shapes, notes = _upright_lines(board, size)
    shape = layout(
        70 + ROW_HEIGHT * len(scores) + 16 * len(notes),
        axis(
            board.figure.direction,
            range=reach,
            nticks=5,
            ticksuffix=" %" if board.figure.unit == "share" else "",
            **({"type": "log", "dtick": 1} if is_log else {}),
        ),
        names_axis(names),
        shapes=shapes,
        annotations=notes,
        margin={"l": 8, "r": 14, "t": 8 + 16 * len(notes), "b": 10},
    )
    told = variant(board.figure, board.weeks, board.group)
    label = f"{board.figure.title}{', ' + told if told else ''}: dots with 95 % intervals by contender"
    return Plot(key, label, [trace for trace in data if trace["x"]], shape)


def scale(figure: Figure) -> float:
    """What values are multiplied with on an axis: shares are shown in per cent."""
    return PERCENT if figure.unit == "share" else 1.0


def _is_log(board: Board) -> bool:
    means = [one.mean for one in board.scores if one.mean is not None]
    is_cost = board.figure.unit in ("seconds", "megabytes")
    return is_cost and min(means) > 0.0 and max(means) / min(means) >= MANY_TIMES


def _row_name(score: Score) -> str:
    name = shop_text(contender_name(score.contender, score.figure))
    return f"<b>{name}</b>" if score.contender == OWN else name


def hover_text(score: Score) -> str:
    """A score with its contender, interval, worst seed and number of seeds, escaped."""
    name = html.escape(contender_name(score.contender, score.figure))
    seeds = f"{score.seeds} seed{'s' if score.seeds != 1 else ''}"
    worst = f"worst seed {score.figure.say(score.worst)}, {seeds}"
    return f"{name}: {score.figure.say(score.mean)} ({interval(score)})<br>{worst}"


def _dots(placed: Sequence[tuple[int, Score]], size: float, is_own: bool, is_log: bool) -> dict[str, Any]:
    """The trace of PriceLake, or of all others; without an interval a dot stands alone."""
    colour = role("accent" if is_own else "keep")
    means = [one.mean or 0.0 for _, one in placed]
    lows = [mean if one.low is None else one.low for mean, (_, one) in zip(means, placed, strict=True)]
    # no logarithm below 0: the line then leaves the plot on the left
    lows = [max(low, mean / 1e6) if is_log else low for mean, low in zip(means, lows, strict=True)]
    highs = [mean if one.high is None else one.high for mean, (_, one) in zip(means, placed, strict=True)]
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [size * mean for mean in means],
        "y": [place for place, _ in placed],
        "marker": {"color": colour, "size": 11 if is_own else 8},
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": [size * (high - mean) for high, mean in zip(highs, means, strict=True)],
            "arrayminus": [size * (mean - low) for low, mean in zip(lows, means, strict=True)],
            "color": colour,
            "thickness": 2.4 if is_own else 1.4,
            "width": 0,
        },
        "hovertext": [hover_text(one) for _, one in placed],
        "hovertemplate": "%{hovertext}<extra></extra>",
    }


def _reach(board: Board, scores: Sequence[Score], is_log: bool) -> list[float] | None:
    """Range of the value axis; None leaves a logarithmic one to plotly.

    Every mean and PriceLake's whole interval are inside, the others' intervals as far as they do not dwarf the means.
    """
    if is_log:
        return None
    means = [one.mean for one in (*scores, *board.references) if one.mean is not None]
    ideal = [board.figure.ideal] if board.figure.better == "near" else []
    own = [end for one in scores if one.contender == OWN for end in (one.low, one.high) if end is not None]
    halves = [(one.high - one.low) / 2 for one in scores if one.low is not None and one.high is not None]
    room = 1.2 * median(halves) if halves else 0.0
    inner = [*means, *own, *ideal, *([0.0] if board.figure.better == "higher" else [])]
    ends = [end for one in scores for end in (one.low, one.high) if end is not None]
    low = min([*inner, max(min([*ends, *inner]), min(inner) - room)])
    high = max([*inner, min(max([*ends, *inner]), max(inner) + room)])
    edge = 0.04 * (high - low) or 0.5
    size = scale(board.figure)
    return [size * (low - edge), size * (high + edge)]


def _upright_lines(board: Board, size: float) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The ideal, what is earned today, and contenders that know the truth, as lines with a word above each."""
    lines: list[tuple[float, str, str]] = []
    if board.figure.better == "near":
        lines.append((board.figure.ideal, "ideal", "solid"))
    if board.figure.name == "capture":
        lines.append((0.0, "today", "solid"))
    lines += [
        (one.mean, contender_name(one.contender).lower(), "dot") for one in board.references if one.mean is not None
    ]
    shapes = [
        {
            "type": "line",
            "x0": size * at,
            "x1": size * at,
            "yref": "paper",
            "y0": 0,
            "y1": 1,
            "layer": "below",
            "line": {"color": role("muted"), "width": 1.2, "dash": dash},
        }
        for at, _, dash in lines
    ]
    lines.sort()
    middle = (lines[0][0] + lines[-1][0]) / 2 if lines else 0.0
    notes = [
        {
            "x": size * at,
            "y": 1,
            "yref": "paper",
            "yanchor": "bottom",
            "yshift": 15 * place,
            # words stay inside the plot: the right-hand ones end at their line
            "xanchor": "center" if len(lines) == 1 else "right" if at > middle else "left",
            "text": text,
            "showarrow": False,
            "font": {"size": 11, "color": role("muted")},
        }
        for place, (at, text, _) in enumerate(lines)
    ]
    return shapes, notes
