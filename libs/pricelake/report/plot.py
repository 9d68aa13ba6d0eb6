"""What all plots share: plain plotly specifications with colours by role."""

import html
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pricelake.report.palette import role
from pricelake.report.wording import shortened

TICK_CHARACTERS = 24
ROW_HEIGHT = 27
LINE_HEIGHT = 15
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"


@dataclass(frozen=True)
class Plot:
    """One plot.

    Attributes:
        key: id in the page.
        label: what it shows, for people who cannot see it.
        data: plotly traces.
        layout: plotly layout; its ``height`` is in pixels.
    """

    key: str
    label: str
    data: list[dict[str, Any]]
    layout: dict[str, Any]

    @property
    def height(self) -> int:
        """Pixels."""
        return int(self.layout["height"])

    def as_figure(self) -> dict[str, Any]:
        """Traces and layout as plotly takes them, colours still by role."""
        return {"data": self.data, "layout": self.layout}


def shop_text(text: str, characters: int = TICK_CHARACTERS) -> str:
    """Text from the shop for a plot: shortened, and escaped because plotly reads tags in its labels."""
    return html.escape(shortened(text, characters))


def wrapped(text: str) -> str:
    """Our own words in lines short enough to stand beside bars on a phone."""
    return "<br>".join(html.escape(line) for line in textwrap.wrap(text, TICK_CHARACTERS))


def axis(title: str = "", **more: Any) -> dict[str, Any]:
    """A quiet axis that cannot be dragged: on a phone a swipe must scroll the page."""
    return {
        "title": {"text": title, "standoff": 8, "font": {"size": 12, "color": role("muted")}},
        "tickfont": {"size": 12, "color": role("muted")},
        "gridcolor": role("line"),
        "linecolor": role("line"),
        "zeroline": False,
        "automargin": True,
        "fixedrange": True,
        "tickangle": 0,
        **more,
    }


def names_axis(names: Sequence[str]) -> dict[str, Any]:
    """An axis of names from the top down; positions are numbers, so that equal names keep rows of their own."""
    return axis(
        showgrid=False,
        range=[len(names) - 0.4, -0.6],
        tickmode="array",
        tickvals=list(range(len(names))),
        ticktext=list(names),
        tickfont={"size": 12, "color": role("text")},
    )


def layout(height: int, xaxis: dict[str, Any], yaxis: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A transparent layout without legend."""
    return {
        "height": height,
        "margin": {"l": 8, "r": 14, "t": 10, "b": 10},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": FONT, "size": 13, "color": role("text")},
        "hoverlabel": {
            "bgcolor": role("surface"),
            "bordercolor": role("line"),
            "font": {"family": FONT, "size": 13, "color": role("text")},
        },
        "showlegend": False,
        "dragmode": False,
        "xaxis": xaxis,
        "yaxis": yaxis,
        **more,
    }


def legend(y: float, size: int = 12, **more: Any) -> dict[str, Any]:
    """A legend in a row that only tells and cannot be clicked.

    Args:
        y: where it stands in heights of the plot: below 0 it hangs under the plot, else it stands on it.
        size: of its text in pixels.
        **more: other properties of a plotly legend.
    """
    return {
        "orientation": "h",
        "x": 0,
        "y": y,
        "yanchor": "top" if y < 0 else "bottom",
        "font": {"size": size, "color": role("text")},
        "itemclick": False,
        "itemdoubleclick": False,
        **more,
    }


def horizontal_bars(
    key: str,
    label: str,
    names: Sequence[str],
    values: Sequence[float],
    title: str,
    colour: str | Sequence[str] = "accent",
    texts: Sequence[str] | None = None,
    **xaxis: Any,
) -> Plot:
    """Bars from the top down, one per name, with the value written behind each.

    Args:
        key: id in the page.
        label: for people who cannot see it.
        names: escaped already.
        values: length of the bars.
        title: title of the value axis, with unit.
        colour: one role, or one per bar.
        texts: what is written behind the bars; None: nothing.
        **xaxis: further axis settings.
    """
    roles = [colour] * len(names) if isinstance(colour, str) else list(colour)
    trace = {
        "type": "bar",
        "orientation": "h",
        "x": list(values),
        "y": list(range(len(names))),
        "customdata": list(names),
        "marker": {"color": [role(one) for one in roles]},
        "text": list(texts) if texts is not None else None,
        "textposition": "outside" if texts is not None else "none",
        "textfont": {"color": role("text"), "size": 12},
        "cliponaxis": False,
        "hovertemplate": f"%{{customdata}}: %{{{'text' if texts is not None else 'x'}}}<extra></extra>",
    }
    lines = sum(name.count("<br>") for name in names)
    shape = layout(
        56 + ROW_HEIGHT * len(names) + LINE_HEIGHT * lines,
        axis(title, range=_reach(values, has_texts=texts is not None), **{"nticks": 5, **xaxis}),
        names_axis(names),
        bargap=0.35,
    )
    return Plot(key, label, [trace], shape)


def _reach(values: Sequence[float], has_texts: bool) -> list[float]:
    """Range of the value axis, with room behind the longest bar for its text, also on a phone."""
    longest = max([abs(value) for value in values], default=0.0) or 1.0
    low, high = min([0.0, *values]), max([0.0, *values])
    room = (1.1 if low < 0 < high else 0.45) * longest if has_texts else 0.05 * longest
    return [low - room if low < 0 else 0.0, high + room if high > 0 or low == 0 else 0.1 * longest]
