"""Write docs/measurements.md: every target beside what one demo and one benchmark run measured."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
DEMO, BENCH = ROOT / "build/demo/run.json", ROOT / "build/bench/bench.json"


@dataclass(frozen=True)
class Target:
    """One line of the page: what, the target in words, how to read it, when it is met."""

    what: str
    target: str
    read: Callable[[dict[str, Any]], float]
    met: Callable[[float], bool] | None
    form: str = "{:.3f}"


def als_over_popularity(run: dict[str, Any]) -> float:
    """First-time purchases: NDCG@10 of ALS over popularity's."""
    ranking = run["recommender"]
    return float(ranking["als"]["first_time"]["ndcg_at_10"] / ranking["popularity"]["first_time"]["ndcg_at_10"])


DEMO_TARGETS = (
    Target(
        "WAPE of PriceLake / LightGBM's",
        "≤ 1",
        lambda r: r["demand"]["wape"]["pricelake"] / r["demand"]["wape"]["lightgbm"],
        lambda v: v <= 1,
    ),
    Target("WAPE, PriceLake", "", lambda r: r["demand"]["wape"]["pricelake"], None),
    Target("WAPE, LightGBM on the same features", "", lambda r: r["demand"]["wape"]["lightgbm"], None),
    Target("WAPE, mean of last 8 weeks", "", lambda r: r["demand"]["wape"]["mean_8_weeks"], None),
    Target("WAPE, last week", "", lambda r: r["demand"]["wape"]["last_week"], None),
    Target("share of curves sloping downward", "1", lambda r: r["demand"]["share_downward"], lambda v: v == 1),
    Target(
        "median elasticity", "−3 … −1", lambda r: r["demand"]["median_elasticity"], lambda v: -3 <= v <= -1, "{:.2f}"
    ),
    Target("ALS / popularity, NDCG@10 on first-time purchases", "> 1", als_over_popularity, lambda v: v > 1, "{:.2f}"),
    Target("whole run after set-up, seconds", "≤ 600", lambda r: r["total_seconds"], lambda v: v <= 600, "{:.0f}"),
)
BENCH_TARGETS = (
    Target("feed, rows/s", "≥ 1 000 000", lambda b: b["feed"]["rows_per_second"], lambda v: v >= 1e6, "{:,.0f}"),
    Target(
        "feed / Petastorm's converter", "≥ 20", lambda b: b["feed"]["ratio_to_converter"], lambda v: v >= 20, "{:.1f}"
    ),
    Target(
        "ALS stage / bare MLlib fit", "≤ 1.3", lambda b: b["als"]["ratio_to_bare_fit"], lambda v: v <= 1.3, "{:.2f}"
    ),
    Target(
        "ladders of 50 candidates per minute",
        "≥ 200 000",
        lambda b: b["pricing"]["ladders_per_minute"],
        lambda v: v >= 2e5,
        "{:,.0f}",
    ),
    Target("two ranks against one, efficiency", "as measured", lambda b: b["ranks"]["efficiency"], None, "{:.2f}"),
    Target(
        "share of a step spent in all-reduce", "as measured", lambda b: b["ranks"]["allreduce_share"], None, "{:.2f}"
    ),
)


def table(targets: tuple[Target, ...], measured: dict[str, Any]) -> list[str]:
    """Markdown rows of targets and figures."""
    lines = ["| figure | target | measured | met |", "|---|---|---|---|"]
    for target in targets:
        value = target.read(measured)
        met = "" if target.met is None else ("yes" if target.met(value) else "**no**")
        lines.append(f"| {target.what} | {target.target} | {target.form.format(value)} | {met} |")
    return lines


def main() -> int:
    """Write the page; return 1 where a record is missing."""
    absent = [path for path in (DEMO, BENCH) if not path.exists()]
    if absent:
        names = ", ".join(str(path.relative_to(ROOT)) for path in absent)
        sys.stderr.write(f"{names} missing: run 'make demo' and 'make bench' first.\n")
        return 1
    git = ["git", "-C", str(ROOT), "rev-parse", "--short=12", "HEAD"]
    commit = subprocess.run(git, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603 - fixed arguments
    run, bench = json.loads(DEMO.read_text()), json.loads(BENCH.read_text())
    lines = [
        "# Measurements",
        "",
        f"Written by `make measurements` on {date.today()}, commit {commit}, "
        "from one `make demo` and one `make bench` on 2 cores with 24 GB, no GPU.",
        "",
        "## The demo: Complete Journey (`make demo`)",
        "",
        *table(DEMO_TARGETS, run),
        "",
        "| job | seconds | rows in | rows out |",
        "|---|---|---|---|",
        *(f"| {j['name']} | {j['seconds']:.1f} | {j['rows_in']:,} | {j['rows_out']:,} |" for j in run["jobs"]),
        "",
        "## Speed (`make bench`)",
        "",
        *table(BENCH_TARGETS, bench),
        "",
    ]
    (ROOT / "docs/measurements.md").write_text("\n".join(lines), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
