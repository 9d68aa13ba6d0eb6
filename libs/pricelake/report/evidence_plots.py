"""Plots of what stands behind the decisions: forecasts, rankings, data quality, job times."""

from collections.abc import Sequence

from pricelake.report.evidence_facts import HeldOutFigures, JobRun, PanelQuality, QuarantineCount, RankingQuality
from pricelake.report.palette import role
from pricelake.report.plot import Plot, axis, horizontal_bars, layout, legend, shop_text, wrapped
from pricelake.report.wording import CONTENDERS, PURCHASES, count, number, rate, share, words


def ordered_contenders(held_out: HeldOutFigures) -> list[str]:
    """The shop's model first, then the baselines by name."""
    return sorted(held_out.values, key=lambda name: (name != "pricelake", words(name, CONTENDERS)))


def forecast_bars(held_out: HeldOutFigures, figure: str, title: str) -> Plot | None:
    """One figure of all contenders that have it; None where none has."""
    names = [name for name in ordered_contenders(held_out) if figure in held_out.values[name]]
    if not names:
        return None
    values = [held_out.values[name][figure] for name in names]
    return horizontal_bars(
        f"forecast-{figure}",
        f"{title} by contender",
        [shop_text(words(name, CONTENDERS)) for name in names],
        [100 * value for value in values],
        title,
        ["accent" if name == "pricelake" else "keep" for name in names],
        [rate(value, plus=figure == "bias") for value in values],
        ticksuffix=" %",
    )


def ranking_bars(rankings: Sequence[RankingQuality]) -> Plot:
    """NDCG@10 of each contender, by kind of purchase."""
    contenders = sorted({one.contender for one in rankings}, key=lambda name: (name != "als", name))
    kinds = [kind for kind in PURCHASES if any(one.purchases == kind for one in rankings)]
    colours = ("accent", "keep", "hold", "lower")
    found = {(one.contender, one.purchases): one.ndcg_at_10 for one in rankings}
    data = [
        {
            "type": "bar",
            "name": words(contender, CONTENDERS),
            "x": [PURCHASES[kind].replace(" ", "<br>", 1) for kind in kinds],
            "y": [found.get((contender, kind)) for kind in kinds],
            "marker": {"color": role(colours[place % len(colours)])},
            "hovertemplate": f"{words(contender, CONTENDERS)}: %{{y:.3f}}<extra></extra>",
        }
        for place, contender in enumerate(contenders)
    ]
    shape = layout(
        320,
        axis(showgrid=False, type="category", tickfont={"size": 12, "color": role("text")}),
        axis("NDCG@10", rangemode="tozero", nticks=6),
        barmode="group",
        bargap=0.3,
        showlegend=True,
        legend=legend(1.02),
    )
    return Plot("ranking-bars", "Ranking quality by kind of purchase", data, shape)


def panel_bars(panel: PanelQuality) -> Plot:
    """Share of closed product-periods that lack something."""
    parts = {
        "No sale, price carried forward": panel.price_carried,
        "Outlier, pulled back": panel.outliers,
        "Cost assumed": panel.cost_assumed,
        "Cost unknown": panel.cost_unknown,
        "Stock not recorded": panel.availability_missing,
        "No competitor price": panel.competitor_missing,
        "No weather": panel.weather_missing,
    }
    return horizontal_bars(
        "panel-bars",
        "Share of product-periods by what they lack",
        [wrapped(part) for part in parts],
        [100 * part / panel.rows if panel.rows else 0.0 for part in parts.values()],
        "share of product-periods",
        "accent",
        [share(part, panel.rows) for part in parts.values()],
        ticksuffix=" %",
    )


def quarantine_bars(quarantine: Sequence[QuarantineCount]) -> Plot:
    """Rows set aside, by table and rule."""
    names = [wrapped(f"{one.table_name.split('.')[-1]}: {one.rule.replace('_', ' ')}") for one in quarantine]
    return horizontal_bars(
        "quarantine-bars",
        "Quarantined rows by table and rule",
        names,
        [one.rows for one in quarantine],
        "rows in quarantine",
        "hold",
        [count(one.rows) for one in quarantine],
        rangemode="tozero",
    )


def job_bars(runs: Sequence[JobRun]) -> Plot:
    """Seconds of each job's latest run."""
    return horizontal_bars(
        "job-bars",
        "Seconds per job",
        [shop_text(one.job) for one in runs],
        [one.seconds for one in runs],
        "seconds",
        "accent",
        [f"{number(one.seconds, 1)} s" for one in runs],
        rangemode="tozero",
    )
