"""The closing summary of a run: what was decided, how sure it is, where everything lies."""

from typing import Any

from rich.console import Console
from rich.table import Table

from pricelake.settings import Settings


def print_summary(console: Console, record: dict[str, Any], settings: Settings) -> None:
    """Print the record of a whole run for people."""
    jobs = Table("job", "seconds", "rows in", "rows out", title="Jobs", title_justify="left")
    for job in record["jobs"]:
        jobs.add_row(job["name"], f"{job['seconds']:.1f}", f"{job['rows_in']:,}", f"{job['rows_out']:,}")
    console.print(jobs)
    _print_recommender(console, record["recommender"])
    _print_demand(console, record["demand"])
    prices = record["recommendations"]
    if prices:
        console.print(
            f"[bold]{prices['changed']:,} of {prices['count']:,} prices should change[/bold]", highlight=False
        )
        for reason, count in sorted(prices["held_back"].items(), key=lambda item: -item[1]):
            console.print(f"  held back: {reason.replace('_', ' ')}: {count:,}", highlight=False)
    console.print(
        f"{record['quarantined_rows']:,} rows in quarantine (pricelake show bronze.quarantine)", highlight=False
    )
    console.print(f"Report: {settings.report.path}    Tables: {settings.lake.root}    Models: {settings.tracking.uri}")
    console.print(f"Total: {record['total_seconds']:.0f} s", highlight=False)


def _print_recommender(console: Console, recommender: dict[str, Any]) -> None:
    if not recommender:
        return
    columns = ("contender", "purchases", "precision", "recall", "F1", "NDCG@10", "coverage")
    table = Table(*columns, title="Recommendations on held-out last days", title_justify="left")
    for contender in ("als", "popularity", "repeat"):
        for purchases in ("all", "repeat", "first_time"):
            figures = recommender.get(contender, {}).get(purchases)
            if figures:
                names = ("precision", "recall", "f1", "ndcg_at_10", "coverage")
                table.add_row(contender, purchases, *(f"{figures[name]:.3f}" for name in names))
    if table.row_count:
        console.print(table)


def _print_demand(console: Console, demand: dict[str, Any]) -> None:
    if not demand:
        return
    table = Table("contender", "WAPE", "bias", title="Demand on held-out last periods", title_justify="left")
    for contender, wape in demand["wape"].items():
        bias = demand["bias"].get(contender) if isinstance(demand.get("bias"), dict) else None
        table.add_row(contender, f"{wape:.3f}", "" if bias is None else f"{bias:+.3f}")
    console.print(table)
    console.print(
        f"{demand['share_downward']:.1%} of curves slope downward; median elasticity {demand['median_elasticity']:.2f}",
        highlight=False,
    )
