"""The closing summary of a run: what was decided, how sure it is, where everything lies."""

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from pricelake.report.wording import IDENTIFIED, instrument_test
from pricelake.settings import Settings


def print_summary(
    console: Console, record: dict[str, Any], settings: Settings, settings_path: Path, record_path: Path | None
) -> None:
    """Print the record of a whole run for people.

    Args:
        console: where to.
        record: of the run.
        settings: of the run.
        settings_path: file that they are from.
        record_path: where the record was written, if it was.
    """
    jobs = Table("job", "seconds", "rows in", "rows out", title="Jobs", title_justify="left")
    for job in record["jobs"]:
        jobs.add_row(job["name"], f"{job['seconds']:.1f}", f"{job['rows_in']:,}", f"{job['rows_out']:,}")
    console.print(jobs)
    _print_switched_off(console, record)
    _print_recommender(console, record["recommender"])
    _print_demand(console, record["demand"])
    _print_response(console, record)
    prices = record["recommendations"]
    if prices:
        console.print(
            f"[bold]{prices['changed']:,} of {prices['count']:,} prices should change[/bold]", highlight=False
        )
        for reason, count in sorted(prices["held_back"].items(), key=lambda item: -item[1]):
            console.print(f"  held back: {reason.replace('_', ' ')}: {count:,}", highlight=False)
    console.print(
        f"{record['quarantined_rows']:,} rows in quarantine "
        f"(pricelake show bronze.quarantine --settings {settings_path})",
        highlight=False,
    )
    console.print(f"Report: {settings.report.path}    Tables: {settings.lake.root}    Models: {settings.tracking.uri}")
    if record_path is not None:
        console.print(f"Record of this run: {record_path}", highlight=False)
    console.print(f"Total: {record['total_seconds']:.0f} s", highlight=False)


def _print_switched_off(console: Console, record: dict[str, Any]) -> None:
    """What the shop does not bring, and what the run left out because of it."""
    absent = record["summaries"].get("ingest", {}).get("switched_off", {})
    if absent:
        table = Table("not brought", "so", title="What this shop does not bring", title_justify="left")
        for name, consequence in absent.items():
            table.add_row(name, consequence)
        console.print(table)
    recommender = record["recommender"]
    for reason in (recommender.get("about", {}).get("skipped"), recommender.get("not_judged")):
        if reason:
            console.print(f"[yellow]Recommender: {reason}[/yellow]", highlight=False)


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
    columns = ("contender", "WAPE", "where a price was observed", "bias", "downward")
    table = Table(*columns, title="Demand on held-out last periods", title_justify="left")
    for contender, wape in demand["wape"].items():
        down = demand["share_downward_by"].get(contender)
        seen, bias = demand["wape_price_observed"][contender], demand["bias"][contender]
        told = "" if down is None else f"{down:.1%}"
        table.add_row(contender, f"{wape:.3f}", f"{seen:.3f}", f"{bias:+.3f}", told)
    console.print(table)
    spread = demand["elasticity"]
    console.print(
        f"Elasticity: median {demand['median_elasticity']:.2f}, half of the products between "
        f"{spread['elasticity_p25']:.2f} and {spread['elasticity_p75']:.2f}, nine tenths between "
        f"{spread['elasticity_p05']:.2f} and {spread['elasticity_p95']:.2f}",
        highlight=False,
    )


def _print_response(console: Console, record: dict[str, Any]) -> None:
    """What the effect of price was learnt from, what identifies it, and whether its fit stood still."""
    response, counted = record["demand"].get("response"), record["summaries"].get("recommend_prices", {})
    if response:
        tried = (
            instrument_test(one["instrument"], one["f"], one["clusters"], one["is_derived"], one["is_strong"])
            for one in response["instruments"]
        )
        console.print(f"Instruments of the price: {'; '.join(tried) or 'none tried'}", highlight=False)
    identified = counted.get("identification", {})
    told = [
        f"{text} {identified[name]['categories']:,} categories with {identified[name]['products']:,} products"
        for name, text in IDENTIFIED.items()
        if name in identified
    ]
    if told:
        console.print(f"Elasticities identified: {'; '.join(told)}", highlight=False)
    if response and not response["converged"]:
        console.print(
            f"[yellow]The response to price did not settle in {response['rounds']} rounds: elasticities may be off by "
            "more than their intervals say. Change few prices on this model.[/yellow]",
            highlight=False,
        )
