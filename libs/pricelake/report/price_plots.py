"""Plots of the decisions: split, opportunities, changes, rules, elasticities."""

from collections.abc import Sequence
from typing import Any

from pricelake.report.facts import (
    ChangeBucket,
    Count,
    DecisionTotals,
    ElasticityRange,
    RuleCount,
)
from pricelake.report.findings import Findings
from pricelake.report.palette import role
from pricelake.report.plot import (
    LINE_HEIGHT,
    ROW_HEIGHT,
    Plot,
    axis,
    horizontal_bars,
    layout,
    legend,
    names_axis,
    shop_text,
    wrapped,
)
from pricelake.report.wording import HELD_BACK, amount, count, price, share, words

OPPORTUNITY_BARS = 12


def decision_split(totals: DecisionTotals) -> Plot:
    """One stacked bar: how many prices are raised, lowered, kept, held."""
    parts = (("raise", totals.raised), ("lower", totals.lowered), ("keep", totals.kept), ("hold", totals.held))
    data = [
        {
            "type": "bar",
            "orientation": "h",
            "name": f"{name}: {count(prices)} ({share(prices, totals.prices)})",
            "x": [prices],
            "y": ["prices"],
            "marker": {"color": role(name), "line": {"color": role("surface"), "width": 2}},
            "hovertemplate": f"{name}: {count(prices)}<extra></extra>",
        }
        for name, prices in parts
    ]
    shape = layout(
        104,
        axis(visible=False, range=[0, totals.prices]),
        axis(visible=False),
        barmode="stack",
        showlegend=True,
        legend=legend(-0.1, 13, traceorder="normal"),
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
    )
    label = "; ".join(f"{name} {prices}" for name, prices in parts)
    return Plot("decision-split", f"Decisions: {label}", data, shape)


def held_back_bars(held_back: Sequence[Count]) -> Plot:
    """Held prices by reason."""
    return horizontal_bars(
        "held-back",
        "Prices held back by reason",
        [wrapped(words(one.code, HELD_BACK)) for one in held_back],
        [one.prices for one in held_back],
        "prices held back",
        "hold",
        [count(one.prices) for one in held_back],
        rangemode="tozero",
    )


def opportunity_bars(findings: Findings) -> Plot:
    """The largest uplifts with their intervals."""
    best = findings.opportunities[:OPPORTUNITY_BARS]
    gains = [float(one.uplift_amount or 0) for one in best]
    lows = [
        gain if (low := one.uplift_low_amount) is None else float(low) for one, gain in zip(best, gains, strict=True)
    ]
    highs = [
        gain if (high := one.uplift_high_amount) is None else float(high) for one, gain in zip(best, gains, strict=True)
    ]
    texts = [
        f"{shop_text(findings.name_of(one.product_id), 60)}<br>{shop_text(one.market_id)}: "
        f"{price(one.price_now, findings.currency)} → {price(one.price_recommended, findings.currency)}<br>"
        f"{amount(one.uplift_amount, findings.currency, plus=True)}"
        for one in best
    ]
    trace: dict[str, Any] = {
        "type": "bar",
        "orientation": "h",
        "x": gains,
        "y": list(range(len(best))),
        "marker": {"color": [role(one.decision) for one in best]},
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": [high - gain for high, gain in zip(highs, gains, strict=True)],
            "arrayminus": [gain - low for low, gain in zip(lows, gains, strict=True)],
            "color": role("text"),
            "thickness": 1.2,
            "width": 3,
        },
        "hovertext": texts,
        "hovertemplate": "%{hovertext}<extra></extra>",
    }
    shape = layout(
        60 + (ROW_HEIGHT + LINE_HEIGHT) * len(best),
        axis(f"expected gain per {findings.period}, {findings.currency}", nticks=5, rangemode="tozero"),
        # names repeat; with its id every bar is one product
        names_axis([f"{shop_text(findings.name_of(one.product_id))}<br>{shop_text(one.product_id)}" for one in best]),
        bargap=0.35,
    )
    return Plot("opportunity-bars", "Largest expected gains with their intervals", [trace], shape)


def change_histogram(changes: Sequence[ChangeBucket]) -> Plot:
    """Changed prices by how far they move."""
    trace = {
        "type": "bar",
        "x": [50 * (one.low_rate + one.high_rate) for one in changes],
        "y": [one.prices for one in changes],
        "width": [100 * (one.high_rate - one.low_rate) * 0.9 for one in changes],
        "marker": {"color": [role("raise" if one.low_rate >= 0 else "lower") for one in changes]},
        "text": [f"{100 * one.low_rate:+.0f} % to {100 * one.high_rate:+.0f} %" for one in changes],
        "textposition": "none",
        "hovertemplate": "%{text}: %{y} prices<extra></extra>",
    }
    reach = max([10.0] + [100 * max(abs(one.low_rate), abs(one.high_rate)) for one in changes]) + 2
    shape = layout(
        300,
        axis("change of price", ticksuffix=" %", range=[-reach, reach], zeroline=True, zerolinecolor=role("muted")),
        axis("prices", rangemode="tozero"),
    )
    return Plot("change-histogram", "Distribution of price changes", [trace], shape)


def rule_bars(rules: Sequence[RuleCount]) -> Plot:
    """Rules by how often they bound."""
    names = [wrapped(f"{one.rule.replace('_', ' ')} ({one.kind})") for one in rules]
    return horizontal_bars(
        "rule-bars",
        "How often each rule bound",
        names,
        [one.bound for one in rules],
        "prices where the rule bound",
        "accent",
        [count(one.bound) for one in rules],
        rangemode="tozero",
    )


def elasticity_boxes(ranges: Sequence[ElasticityRange]) -> Plot:
    """Spread of elasticities, all products first, then by category."""
    groups = ((ranges[:1], 0, "accent"), (ranges[1:], 1, "keep"))
    data = [
        {
            "type": "box",
            "orientation": "h",
            "y": list(range(first, first + len(group))),
            "lowerfence": [one.p05 for one in group],
            "q1": [one.p25 for one in group],
            "median": [one.p50 for one in group],
            "q3": [one.p75 for one in group],
            "upperfence": [one.p95 for one in group],
            "width": 0.55,
            "line": {"color": role(colour), "width": 1.6},
            "fillcolor": role("accent-soft") if colour == "accent" else "rgba(139,150,161,0.18)",
            "hoverinfo": "x",
        }
        for group, first, colour in groups
        if group
    ]
    shape = layout(
        60 + ROW_HEIGHT * len(ranges),
        axis("own-price elasticity", nticks=8, hoverformat=".2f"),
        names_axis([f"{shop_text(one.category)} ({count(one.prices)})" for one in ranges]),
    )
    return Plot("elasticity-boxes", "Own-price elasticities by category", data, shape)
