"""Write docs/measurements.md: every target beside what demo, benchmark, tests and scoreboard measured.

The records behind the page are kept in docs/records, so that one of them can be renewed without the others.
"""

import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from scripts import curve_targets, scoreboard_sections, scoreboard_tables
from scripts.records import Record, keep, latest, read_record
from scripts.run_targets import (
    BENCH_TARGETS,
    CATEGORIES,
    DEMO_TARGETS,
    DOWNWARD,
    EXPLANATIONS,
    SCORING,
    SIMULATOR_GROWTH,
    STARVATION,
    TEST_TARGETS,
    TRAINING_GROWTH,
    WAPE_RATIO,
    WAPE_RATIO_OBSERVED,
)
from scripts.scoreboard_record import check_reportable, read_scoreboard
from scripts.scoreboard_tables import Fact, table, target_lines

ROOT = Path(__file__).resolve().parent.parent
DEMO, BENCH, TEST = ROOT / "build/demo/run.json", ROOT / "build/bench/bench.json", ROOT / "build/test/test.json"
ELASTICITIES = ROOT / "build/demo/elasticities.json"
FULL, QUICK = ROOT / "build/score/full/scoreboard.json", ROOT / "build/score/quick/scoreboard.json"
PAGE, README, KEPT = ROOT / "docs/measurements.md", ROOT / "README.md", ROOT / "docs/records"
VERSION = "code_version"
SIZE_FORMS = {"products": "{:,.0f}", "rows": "{:,.0f}", "seconds": "{:.1f}"}


@dataclass(frozen=True)
class Records:
    """What the runs left.

    Attributes:
        demo: of ``make demo``.
        elasticities: of ``make elasticities``, which reads the tables of a demo.
        bench: of ``make bench``.
        test: of ``make test``.
        full: of ``make score``.
        quick: of ``make score-quick``.
    """

    demo: Record
    elasticities: Record
    bench: Record
    test: Record
    full: Record
    quick: Record

    @property
    def versions(self) -> list[str]:
        """Versions of the code behind the runs, each once."""
        runs = (self.demo, self.elasticities, self.bench, self.test)
        return sorted({*(run.text(VERSION) for run in runs), *(run.text("commit") for run in (self.full, self.quick))})


def origin_lines(runs: Records) -> list[str]:
    """Which runs the page is of; a warning where their code differs."""
    lines = ["| run | date | code | machine |", "|---|---|---|---|"]
    for record, when in ((runs.demo, "finished_at"), (runs.bench, "date"), (runs.test, "finished_at")):
        machine = f"{record.at('machine.cores')} cores, {record.at('machine.memory_gib')} GiB"
        if record is runs.bench:
            machine += f", Python {record.at('machine.python')}, {record.at('machine.kernel')}"
        lines.append(f"| `{record.command}` | {str(record.at(when))[:10]} | {record.at(VERSION)} | {machine} |")
    of_demo = f"{runs.elasticities.text('finished_at')[:10]} | {runs.elasticities.text(VERSION)}"
    lines.append(f"| `{runs.elasticities.command}` | {of_demo} | the demo whose tables it reads |")
    if len(runs.versions) > 1:
        lines += [
            "",
            f"> **Warning:** the runs are of different code, {' and '.join(runs.versions)}; no single version is known "
            "to reach all of these figures.",
        ]
    return lines


def curve_facts(runs: Records) -> list[Fact]:
    """What demand curves must show: on the scoreboard, on Complete Journey, and what they cost."""
    return [
        *curve_targets.facts(runs.full.content),
        *(target.fact(runs.demo) for target in (WAPE_RATIO, DOWNWARD)),
        CATEGORIES.fact(runs.elasticities),
        *(target.fact(runs.bench) for target in (TRAINING_GROWTH, STARVATION, SCORING)),
    ]


def scoreboard_facts(runs: Records) -> list[Fact]:
    """What the simulated shop and the scoreboard themselves must show."""
    own = scoreboard_tables.facts(runs.full.content, runs.quick.content)
    return [SIMULATOR_GROWTH.fact(runs.bench), *own]


def demo_table(demo: Record) -> list[str]:
    """Targets and figures of the demo, and its jobs."""
    lines = target_lines([target.fact(demo) for target in DEMO_TARGETS])
    lines += ["", "| job | seconds | rows in | rows out |", "|---|---|---|---|"]
    for job in demo.at("jobs"):
        lines.append(f"| {job['name']} | {job['seconds']:.1f} | {job['rows_in']:,} | {job['rows_out']:,} |")
    return lines


def bench_table(bench: Record) -> list[str]:
    """Targets and figures of the bench with the number of runs and their spread."""
    lines = ["| figure | target | measured | runs | lowest | highest | met |", "|---|---|---|---|---|---|---|"]
    for target in BENCH_TARGETS:
        fact = target.fact(bench)
        runs = low = high = ""
        if target.has_spread:
            stage, figure = target.keys[0].split(".")
            runs = str(bench.at(f"{stage}.runs"))
            low, high = (target.form.format(value) for value in bench.at(f"{stage}.spread.{figure}"))
        cells = (target.what, target.target, fact.figure, runs, low, high, fact.verdict)
        lines.append(f"| {' | '.join(cells)} |")
    return [*lines, "", *size_lines(bench)]


def size_lines(bench: Record) -> list[str]:
    """Time by rows: training, and the simulated shop."""
    seconds = bench.at("cost.training_seconds")
    lines = [
        "**Training by closed rows of the panel, the same number of epochs each**",
        "",
        *table(("rows", "seconds"), [(f"{int(rows):,}", f"{took:.1f}") for rows, took in seconds.items()]),
        "",
    ]
    body = [
        tuple(form.format(size.number(key)) for key, form in SIZE_FORMS.items())
        for size in bench.parts("simulator.sizes")
    ]
    return [*lines, "**The simulated shop by size, all tables written**", "", *table(tuple(SIZE_FORMS), body), ""]


def explanations(demo: Record) -> dict[str, str]:
    """Figure → what bounds it and what was tried."""
    where_observed = "ahead" if WAPE_RATIO_OBSERVED.read(demo) < 1 else "not ahead either"
    own = {what: text.format(where_observed=where_observed) for what, text in EXPLANATIONS.items()}
    return own | dict(scoreboard_tables.EXPLANATIONS) | dict(curve_targets.EXPLANATIONS)


def missed_lines(runs: Records) -> list[str]:
    """The section on missed targets; nothing where all are met.

    Raises:
        RecordError: one is missed and nothing says why.
    """
    of_runs = ((DEMO_TARGETS, runs.demo), (BENCH_TARGETS, runs.bench), (TEST_TARGETS, runs.test))
    told = [target.fact(record) for targets, record in of_runs for target in targets]
    told += [*scoreboard_facts(runs), *curve_facts(runs)]
    each = list({one.what: one for one in told}.values())
    lines = scoreboard_tables.missed_lines(each, explanations(runs.demo))
    return ["## Targets missed", "", *lines] if lines else []


def scoreboard_section(full: Record, quick: Record) -> list[str]:
    """The scoreboard's figures."""
    return [
        "## The scoreboard (`make score`)",
        "",
        f"{scoreboard_tables.origin(full.content)}. Quick: {scoreboard_tables.origin(quick.content)}. What each figure",
        "means: [`docs/scoreboard.md`](scoreboard.md); all cases and plots: `build/score/scoreboard.html`.",
        "",
        *scoreboard_sections.result_lines(full.content),
    ]


def page(runs: Records) -> str:
    """The page in Markdown.

    Raises:
        RecordError: a record lacks a figure, or a target is missed and nothing says why.
    """
    lines = [
        "# Measurements",
        "",
        f"Written by `make measurements` on {datetime.now(UTC).date()} from one run of each:",
        "",
        *origin_lines(runs),
        "",
        "## Targets",
        "",
        "What is missed is explained at the end of the page. *Everything on*: every switch of the simulated shop,",
        "strong instruments, the usual share of weeks sold out. *Rivals*: all contenders but PriceLake and those that",
        "know the truth.",
        "",
        "**Demand curves**",
        "",
        *target_lines(curve_facts(runs)),
        "",
        "**The simulated shop and the scoreboard**",
        "",
        *target_lines(scoreboard_facts(runs)),
        "",
        "## The demo: Complete Journey (`make demo`)",
        "",
        *demo_table(runs.demo),
        "",
        "## Speed (`make bench`)",
        "",
        "Medians of the runs, with the lowest and the highest. What is timed: the docstring of each `bench.*.measure`.",
        "",
        *bench_table(runs.bench),
        "## Set-up and tests (`make test`)",
        "",
        *target_lines([target.fact(runs.test) for target in TEST_TARGETS]),
        "",
        *scoreboard_section(runs.full, runs.quick),
        *missed_lines(runs),
    ]
    return "\n".join(lines)


def main(
    demo: Path = DEMO,
    bench: Path = BENCH,
    test: Path = TEST,
    out: Path = PAGE,
    full: Path = FULL,
    quick: Path = QUICK,
    readme: Path = README,
    kept: Path = KEPT,
    elasticities: Path = ELASTICITIES,
) -> int:
    """Write the page and README's summary of the scoreboard, and keep the records.

    Returns:
        1 where a record is missing or lacks a figure, that of ``make score`` is of seeds that are not reported, or a
        target is missed and nothing says why; page, README and records are left as they were.
    """
    places = {"demo": demo, "elasticities": elasticities, "bench": bench, "test": test}
    places |= {"score": full, "score-quick": quick}
    found = {name: latest(path, kept / f"{name}.json.gz") for name, path in places.items()}
    try:
        runs = Records(
            *(read_record(found[name], f"make {name}") for name in ("demo", "elasticities", "bench", "test")),
            *(read_scoreboard(found[name], f"make {name}") for name in ("score", "score-quick")),
        )
        check_reportable(runs.full)
        text = page(runs)
        told = scoreboard_tables.with_summary(readme.read_text(encoding="utf-8"), runs.full.content)
    except ValueError as error:  # a RecordError is one
        sys.stderr.write(f"{error}\n")
        return 1
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(text, encoding="utf-8")
    readme.write_text(told, encoding="utf-8")
    for name, path in found.items():
        keep(path, kept / f"{name}.json.gz")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
