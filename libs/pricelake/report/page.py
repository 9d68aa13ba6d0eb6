"""The page: facts into a self-contained HTML file that needs no network."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from pricelake.report import wording
from pricelake.report.caveats import caveats
from pricelake.report.curve_plot import demand_curve
from pricelake.report.evidence_plots import (
    forecast_bars,
    job_bars,
    ordered_contenders,
    panel_bars,
    quarantine_bars,
    ranking_bars,
)
from pricelake.report.findings import Findings
from pricelake.report.palette import DARK, LIGHT, css_variables
from pricelake.report.plot import Plot
from pricelake.report.price_plots import (
    change_histogram,
    decision_split,
    elasticity_boxes,
    held_back_bars,
    opportunity_bars,
    rule_bars,
)
from pricelake.report.verdicts import coverage_verdict, forecast_verdict, ranking_verdict


def as_script(content: Any) -> Markup:
    """JSON that may stand inside a ``<script>`` element: nothing in it can end the element or open another.

    Args:
        content: JSON-ready; NaN and infinity are refused with a ValueError.
    """
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)  # noqa: S704 - every character that means something to HTML is replaced above


def document(template: str, plots: Mapping[str, Plot], **facts: Any) -> str:
    """A page of this room that needs no network: style, scripts, plotly and plots inside, all facts escaped.

    Args:
        template: file in ``templates`` that extends ``base.html``.
        plots: by key.
        **facts: what else the template names; the formats of :mod:`pricelake.report.wording` are ``say``.

    Returns:
        about 5 MB of HTML, the same for the same facts.
    """
    environment = Environment(
        loader=PackageLoader("pricelake.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(
        plots=plots,
        figures=as_script({key: plot.as_figure() for key, plot in plots.items()}),
        say=wording,
        light=css_variables(LIGHT),
        dark=css_variables(DARK),
        plotly=Markup(get_plotlyjs()),  # noqa: S704 - plotly's own bundle
        **facts,
    )


def plots_of(findings: Findings) -> dict[str, Plot]:
    """All plots by key; sections without data have none."""
    wanted: list[tuple[bool, Callable[[], Plot | None]]] = [
        (True, lambda: decision_split(findings.totals)),
        (bool(findings.held_back), lambda: held_back_bars(findings.held_back)),
        (bool(findings.opportunities), lambda: opportunity_bars(findings)),
        (bool(findings.changes), lambda: change_histogram(findings.changes)),
        (bool(findings.rules), lambda: rule_bars(findings.rules)),
        (bool(findings.elasticities), lambda: elasticity_boxes(findings.elasticities)),
        (bool(findings.rankings), lambda: ranking_bars(findings.rankings)),
        (findings.panel.rows > 0, lambda: panel_bars(findings.panel)),
        (bool(findings.quarantine), lambda: quarantine_bars(findings.quarantine)),
        (bool(findings.runs), lambda: job_bars(findings.runs)),
    ]
    drawn = [draw() for needed, draw in wanted if needed]
    if findings.held_out is not None:
        drawn.append(forecast_bars(findings.held_out, "wape", "WAPE"))
        drawn.append(forecast_bars(findings.held_out, "bias", "Bias"))
    for place, curve in enumerate(findings.curves):
        drawn.append(demand_curve(curve, f"curve-{place}", findings.currency, findings.period))
    return {plot.key: plot for plot in drawn if plot is not None}


def render(findings: Findings) -> str:
    """The whole page as HTML: style, script, plotly and data inside, all text from the shop escaped.

    Args:
        findings: what to show.

    Returns:
        about 5 MB of HTML, the same for the same findings.
    """
    return document(
        "report.html",
        plots_of(findings),
        f=findings,
        caveats=caveats(findings),
        contenders=ordered_contenders(findings.held_out) if findings.held_out else [],
        forecast_verdict=forecast_verdict(findings.held_out) if findings.held_out else "",
        coverage_verdict=coverage_verdict(findings.held_out, findings.period, findings.interval_rate)
        if findings.held_out
        else "",
        ranking_verdict=ranking_verdict(findings.rankings),
    )
