"""The plot of one demand curve."""

from typing import Any

from pricelake.report.facts import DrawnCurve
from pricelake.report.palette import role
from pricelake.report.plot import Plot, axis, layout
from pricelake.report.wording import units


def demand_curve(curve: DrawnCurve, key: str, currency: str, period: str) -> Plot:
    """Expected units against price, with past periods, today's price and the recommended one."""
    chosen, prices = curve.recommendation, list(curve.prices)
    band: list[dict[str, Any]] = [
        {"type": "scatter", "mode": "lines", "x": prices, "y": list(edge), "line": {"width": 0}, "hoverinfo": "skip"}
        for edge in (curve.units_low, curve.units_high)
    ]
    band[1] |= {"fill": "tonexty", "fillcolor": role("accent-soft")}
    line = {
        "type": "scatter",
        "mode": "lines",
        "x": prices,
        "y": list(curve.units),
        "line": {"color": role("accent"), "width": 2.5},
        "hovertemplate": f"%{{y:.1f}} units expected at %{{x:.2f}} {currency}<extra></extra>",
    }
    marks = [
        _price_mark(float(chosen.price_now), chosen.units_now, "now", "text", "circle", currency),
        _price_mark(
            float(chosen.price_recommended), chosen.units_then, "recommended", chosen.decision, "diamond", currency
        ),
    ]
    shape = layout(
        250,
        axis(f"price per unit, {currency}", nticks=6, showgrid=False, range=[prices[0], prices[-1]]),
        axis(f"units per {period}", nticks=5, rangemode="tozero"),
    )
    label = f"Demand curve of product {chosen.product_id} in {chosen.market_id}"
    return Plot(key, label, [*band, *_past_periods(curve, currency, period), line, *marks], shape)


def _price_mark(
    at: float, expected: float | None, name: str, colour: str, symbol: str, currency: str
) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [at],
        "y": [expected],
        "marker": {
            "size": 12,
            "symbol": symbol,
            "color": role(colour),
            "line": {"color": role("surface"), "width": 2},
        },
        "hovertemplate": f"{name}: {at:.2f} {currency}, {units(expected)} units<extra></extra>",
    }


def _past_periods(curve: DrawnCurve, currency: str, period: str) -> list[dict[str, Any]]:
    """Filled points for regular periods, hollow ones for promoted periods."""
    styles: list[tuple[bool, str, dict[str, Any]]] = [
        (False, f"regular {period}", {"color": role("muted")}),
        (True, f"promoted {period}", {"color": role("surface"), "line": {"color": role("muted"), "width": 1.2}}),
    ]
    groups = [([one for one in curve.observed if one.is_promoted == kind], name, style) for kind, name, style in styles]
    return [
        {
            "type": "scatter",
            "mode": "markers",
            "x": [one.unit_price for one in group],
            "y": [one.units for one in group],
            "text": [f"{one.period_start:%d %b %Y}" for one in group],
            "marker": {"size": 6, "opacity": 0.65, **style},
            "hovertemplate": f"%{{text}}: %{{y:.0f}} units at %{{x:.2f}} {currency}<extra>{name}</extra>",
        }
        for group, name, style in groups
    ]
