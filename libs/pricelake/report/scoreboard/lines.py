"""The scoreboard's other plots: lines over weeks or shares sold out, and promised against realised gains."""

from collections.abc import Sequence
from typing import Any

from pricelake.report.palette import role
from pricelake.report.plot import Plot, axis, layout, legend, shop_text
from pricelake.report.scoreboard.plots import PERCENT, hover_text, scale, shown_scores
from pricelake.report.scoreboard.record import Promise, Score
from pricelake.report.scoreboard.sentences import contender_name
from pricelake.report.scoreboard.standing import OWN, Board

SYMBOLS = ("square", "diamond", "triangle-up", "triangle-down", "cross", "x", "star", "pentagon", "hexagram")
BEST_RIVAL = "raise"
"""Role of the best rival's line; all others are grey."""


def line_plot(boards: Sequence[tuple[float, Board]], key: str, title: str, suffix: str = "") -> Plot:
    """Means with intervals over weeks of history or shares sold out, one line per contender.

    Args:
        boards: position on the horizontal axis and board, from left to right; all of one figure.
        key: id in the page.
        title: of the horizontal axis, with unit.
        suffix: behind the numbers of that axis.
    """
    figure, last = boards[0][1].figure, boards[-1][1]
    best = next((one.contender for one in last.rivals), None)
    present = dict.fromkeys(one.contender for _, board in reversed(boards) for one in shown_scores(board))
    order = sorted(present, key=lambda name: (name == OWN, name == best))  # the last is drawn over the others
    data = []
    for place, contender in enumerate(order):
        colour = "accent" if contender == OWN else BEST_RIVAL if contender == best else "keep"
        found = [(at, one) for at, board in boards for one in board.scores if one.contender == contender]
        data.append(_line([(at, one) for at, one in found if one.mean is not None], scale(figure), colour, place))
    shape = layout(
        340 + 11 * len(order),
        axis(title, tickvals=[at for at, _ in boards], ticksuffix=suffix, showgrid=False),
        axis(
            nticks=6,
            ticksuffix=" %" if figure.unit == "share" else "",
            zeroline=figure.better != "lower",
            zerolinecolor=role("muted"),
        ),
        showlegend=True,
        legend=legend(-0.2, traceorder="reversed"),
    )
    return Plot(key, f"{figure.title} by {title}, one line per contender", data, shape)


def _line(found: Sequence[tuple[float, Score]], size: float, colour: str, place: int) -> dict[str, Any]:
    """The trace of one contender: position on the horizontal axis and score with a mean."""
    scores = [one for _, one in found]
    is_own = scores[0].contender == OWN
    means = [one.mean or 0.0 for one in scores]
    ups = [0.0 if one.high is None else one.high - mean for mean, one in zip(means, scores, strict=True)]
    downs = [0.0 if one.low is None else mean - one.low for mean, one in zip(means, scores, strict=True)]
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": shop_text(contender_name(scores[0].contender)),
        "x": [at for at, _ in found],
        "y": [size * mean for mean in means],
        "line": {"color": role(colour), "width": 2.6 if is_own else 1.2},
        "marker": {
            "color": role(colour),
            "size": 9 if is_own else 7,
            "symbol": "circle" if is_own else SYMBOLS[place % len(SYMBOLS)],
        },
        "error_y": {
            "type": "data",
            "symmetric": False,
            "array": [size * up for up in ups],
            "arrayminus": [size * down for down in downs],
            "color": role(colour),
            "thickness": 1.6 if is_own else 0.7,
            "width": 0,
        },
        "hovertext": [hover_text(one) for one in scores],
        "hovertemplate": "%{hovertext}<extra></extra>",
    }


def promise_plot(promises: Sequence[Promise], key: str) -> Plot:
    """Realised against promised gains by category, with the line on which they agree.

    Args:
        promises: of one contender, at least one.
        key: id in the page.
    """
    values = [PERCENT * value for one in promises for value in (one.promised, one.realised)]
    low, high = min([0.0, *values]), max([0.0, *values])
    room = 0.5 * (high - low) or 1.0
    ends = [PERCENT * end for one in promises for end in (one.low_90, one.high_90) if end is not None]
    left, right = max(min([low, *ends]), low - room), min(max([high, *ends]), high + room)
    edge = 0.04 * (right - left)
    agree: dict[str, Any] = {
        "type": "scatter",
        "mode": "lines",
        "x": [left - edge, right + edge],
        "y": [left - edge, right + edge],
        "line": {"color": role("muted"), "width": 1.2, "dash": "dot"},
        "hoverinfo": "skip",
    }
    points = [_points([one for one in promises if holds(one) is held], held) for held in (None, True, False)]
    shape = layout(
        440,
        axis("promised gain, share of profit", ticksuffix=" %", nticks=6, range=[left - edge, right + edge]),
        axis("realised gain", ticksuffix=" %", nticks=6, range=[low - 2 * edge, high + 2 * edge]),
    )
    label = "Realised against promised gain by category, with 90 % intervals"
    return Plot(key, label, [agree, *(trace for trace in points if trace["x"])], shape)


def holds(promise: Promise) -> bool | None:
    """Whether the realised gain lies in the promise's 90 % interval; None without one."""
    if promise.low_90 is None or promise.high_90 is None:
        return None
    return promise.low_90 <= promise.realised <= promise.high_90


def _points(promises: Sequence[Promise], held: bool | None) -> dict[str, Any]:
    """The trace of promises whose interval held, did not, or is missing."""
    colour = role({True: "accent", False: "raise", None: "keep"}[held])
    downs = [0.0 if one.low_90 is None else one.promised - one.low_90 for one in promises]
    ups = [0.0 if one.high_90 is None else one.high_90 - one.promised for one in promises]
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [PERCENT * one.promised for one in promises],
        "y": [PERCENT * one.realised for one in promises],
        "marker": {"color": colour, "size": 8, "symbol": "diamond" if held is False else "circle"},
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": [PERCENT * up for up in ups],
            "arrayminus": [PERCENT * down for down in downs],
            "color": colour,
            "thickness": 1.0,
            "width": 0,
        },
        "hovertext": [
            f"{shop_text(one.category, 60)}, seed {one.seed}<br>"
            f"promised {PERCENT * one.promised:+.1f} %, realised {PERCENT * one.realised:+.1f} %"
            for one in promises
        ],
        "hovertemplate": "%{hovertext}<extra></extra>",
    }
