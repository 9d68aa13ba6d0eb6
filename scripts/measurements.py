"""Write docs/measurements.md: every target beside what demo, benchmark, tests and scoreboard measured.

The records behind the page are kept in docs/records, so that one of them can be renewed without the others.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from scripts import curve_targets, scoreboard_sections, scoreboard_tables
from scripts.records import Record, keep, latest, read_record
from scripts.scoreboard_tables import Fact, table, target_lines

ROOT = Path(__file__).resolve().parent.parent
DEMO, BENCH, TEST = ROOT / "build/demo/run.json", ROOT / "build/bench/bench.json", ROOT / "build/test/test.json"
ELASTICITIES = ROOT / "build/demo/elasticities.json"
FULL, QUICK = ROOT / "build/score/full/scoreboard.json", ROOT / "build/score/quick/scoreboard.json"
PAGE, README, KEPT = ROOT / "docs/measurements.md", ROOT / "README.md", ROOT / "docs/records"
VERSION = "code_version"
SIZE_FORMS = {"products": "{:,.0f}", "rows": "{:,.0f}", "seconds": "{:.1f}"}


@dataclass(frozen=True)
class Target:
    """One line of a table.

    Attributes:
        what: name of the figure.
        keys: where it lies in the record; of two, the first over the second.
        target: the target in words, '' where there is none.
        met: when it is met; None: nothing to meet.
        form: how the figure is printed.
        has_spread: bench only: the figure was measured in every run.
    """

    what: str
    keys: tuple[str, ...]
    target: str = ""
    met: Callable[[float], bool] | None = None
    form: str = "{:.3f}"
    has_spread: bool = True

    def read(self, record: Record) -> float:
        """The figure."""
        first, *others = (record.number(key) for key in self.keys)
        return first / others[0] if others else first

    def fact(self, record: Record) -> Fact:
        """The figure beside its target."""
        value = self.read(record)
        return Fact(self.what, self.target, value, None if self.met is None else self.met(value), self.form)


WAPE_RATIO = Target(
    "WAPE of PriceLake / LightGBM's", ("demand.wape.pricelake", "demand.wape.lightgbm"), "≤ 1", lambda v: v <= 1
)
WAPE_RATIO_OBSERVED = Target(
    "WAPE on rows with an observed price, PriceLake's / LightGBM's",
    ("demand.wape_price_observed.pricelake", "demand.wape_price_observed.lightgbm"),
)
DOWNWARD = Target(
    "share of curves sloping downward (by construction)", ("demand.share_downward",), "1", lambda v: v == 1
)
CATEGORIES = Target(
    "well-filled food categories beside published elasticities ([`elasticities.md`](elasticities.md))",
    ("categories",),
    "≥ 20",
    lambda v: v >= 20,
    "{:.0f}",
)
ELASTICITY_IN_FORCE = Target(
    "median elasticity at the price in force, prices to set",
    ("recommendations.median_elasticity",),
    "−3 … −1",
    lambda v: -3 <= v <= -1,
    "{:.2f}",
)
DEMO_TARGETS = (
    WAPE_RATIO,
    Target("WAPE, PriceLake", ("demand.wape.pricelake",)),
    Target("WAPE, LightGBM on the same features", ("demand.wape.lightgbm",)),
    Target("WAPE on rows with an observed price, PriceLake", ("demand.wape_price_observed.pricelake",)),
    Target("WAPE on rows with an observed price, LightGBM", ("demand.wape_price_observed.lightgbm",)),
    Target("WAPE, mean of last 8 weeks", ("demand.wape.mean_8_weeks",)),
    Target("WAPE, last week", ("demand.wape.last_week",)),
    DOWNWARD,
    Target(
        "median elasticity at the reference price, held-out periods",
        ("demand.median_elasticity",),
        "−3 … −1",
        lambda v: -3 <= v <= -1,
        "{:.2f}",
    ),
    ELASTICITY_IN_FORCE,
    Target(
        "ALS / popularity, NDCG@10 on first-time purchases",
        ("recommender.als.first_time.ndcg_at_10", "recommender.popularity.first_time.ndcg_at_10"),
        "> 1",
        lambda v: v > 1,
        "{:.2f}",
    ),
    Target("whole run after set-up, seconds", ("total_seconds",), "≤ 600", lambda v: v <= 600, "{:.0f}"),
)
ALS_RATIO = Target("ALS stage / bare MLlib fit", ("als.ratio_to_bare_fit",), "≤ 1.3", lambda v: v <= 1.3, "{:.2f}")
SIMULATOR_GROWTH = Target(
    "simulated shop: growth of time with rows (1 is linear)",
    ("simulator.exponent",),
    "≤ 1.1",
    lambda v: v <= 1.1,
    "{:.2f}",
)
TRAINING_GROWTH = Target(
    "train_demand: growth of time with rows (1 is linear)",
    ("cost.exponent",),
    "≤ 1.1",
    lambda v: v <= 1.1,
    "{:.2f}",
    has_spread=False,
)
STARVATION = Target(
    "training: share of the ranks' time spent waiting for the feed",
    ("cost.feed_starvation_share",),
    "≤ 0.1",
    lambda v: v <= 0.1,
    "{:.3f}",
    has_spread=False,
)
SCORING = Target(
    "scoring / a bare TensorFlow batch predict",
    ("cost.scoring_ratio_to_bare_predict",),
    "≥ 0.7",
    lambda v: v >= 0.7,
    "{:.2f}",
)
BENCH_TARGETS = (
    Target("feed, rows/s", ("feed.rows_per_second",), "≥ 1 000 000", lambda v: v >= 1e6, "{:,.0f}"),
    Target("feed / Petastorm's converter", ("feed.ratio_to_converter",), "≥ 20", lambda v: v >= 20, "{:.1f}"),
    Target("start-up within the feed's time", ("feed.start_up_share",)),
    Target(
        "start-up within the converter's time (it reads two of the eight files; 4 M rows would take minutes)",
        ("feed.converter_start_up_share",),
    ),
    ALS_RATIO,
    Target(
        "ladders of 50 candidates per minute",
        ("pricing.ladders_per_minute",),
        "≥ 200 000",
        lambda v: v >= 2e5,
        "{:,.0f}",
    ),
    Target("the same, drawing the curves included", ("pricing.ladders_per_minute_with_curves",), form="{:,.0f}"),
    Target("drawing the curves of all ladders, seconds", ("pricing.curves_seconds",), form="{:.1f}"),
    Target(
        "200 samples of the curves of 100 000 ladders, seconds",
        ("pricing.samples_seconds",),
        "≤ 5",
        lambda v: v <= 5,
        "{:.1f}",
    ),
    Target(
        "candidates per ladder that the rules leave, mean",
        ("pricing.candidates_per_ladder",),
        form="{:.1f}",
        has_spread=False,
    ),
    SIMULATOR_GROWTH,
    Target("simulated shop, rows/s at the largest size", ("simulator.rows_per_second",), form="{:,.0f}"),
    TRAINING_GROWTH,
    STARVATION,
    SCORING,
    Target("two ranks against one, efficiency", ("ranks.efficiency",), "as measured", form="{:.2f}"),
    Target("share of a step spent in all-reduce", ("ranks.allreduce_share",), "as measured", form="{:.2f}"),
)
TEST_TARGETS = (
    Target("every test, minutes", ("minutes",), "≤ 30", lambda v: v <= 30, "{:.1f}"),
    Target("number of tests", ("tests",), form="{:.0f}"),
    Target("set-up where all is there, seconds", ("set_up_again_seconds",), "≤ 10", lambda v: v <= 10, form="{:.2f}"),
)
EXPLANATIONS = {
    WAPE_RATIO.what: "LightGBM sees the panel's price, which only moves when something is sold: it learns which "
    "periods had no sale. On rows where a price was observed PriceLake is {where_observed} (figures above). A "
    "wider network was tried on earlier weeks and taken; ensembles of three, other priors, rates, depths and dropout "
    "end at its level or above it.",
    ELASTICITY_IN_FORCE.what: "These elasticities decide the prices. No elasticity is taken to be weaker than −0.3 at "
    "the usual price (`demand.min_elasticity`), and many lie near that bound: one year of one chain has few lasting "
    "changes of a product's price, and weeks without a sale show no price paid. A target met at the reference prices "
    "of the held-out periods does not make up for it.",
    ALS_RATIO.what: "The stage reads Delta, numbers ids, checkpoints and writes two tables; blocks are equal on both "
    "sides. Writing takes about two thirds of the difference, most of it commits. Writing both tables at the same time "
    "was tried and gained nothing beyond the spread.",
}
"""Figure → what bounds it and what was tried; on the page only where the target is missed.

Those of the scoreboard's own targets and of the demand curves' stand beside these.
"""


def read_scoreboard(path: Path, command: str) -> Record:
    """As :func:`read_record`, a scoreboard that holds all that its tables state.

    Raises:
        RecordError: as :func:`read_record`, or a key is absent or of another kind.
    """
    record = read_record(path, command)
    for key in scoreboard_tables.RECORD_TEXTS:
        record.text(key)
    for key in scoreboard_tables.RECORD_NUMBERS:
        record.number(key)
    for row in record.parts("rows"):
        row.number("seeds")
        row.texts("switches")
        for key in scoreboard_tables.ROW_TEXTS:
            row.text(key)
        for key in scoreboard_tables.ROW_NUMBERS:
            if row.at(key) is not None:
                row.number(key)
    for case in record.parts("cases"):
        case.text("name")
        case.flag("usual_shop")
    for failure in record.parts("failures"):
        failure.text("case")
        failure.text("contender")
    for left_out in record.parts("promises_left_out"):
        left_out.text("case")
        left_out.text("contender")
        for key in ("promised", "failed", "no_price_moved", "loses_money"):
            left_out.number(key)
    for promise in record.parts("promises"):
        promise.text("contender")
    return record


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
    """Time by rows: training, and the simulated shop where its sizes were recorded."""
    seconds = bench.at("cost.training_seconds")
    lines = [
        "**Training by closed rows of the panel, the same number of epochs each**",
        "",
        *table(("rows", "seconds"), [(f"{int(rows):,}", f"{took:.1f}") for rows, took in seconds.items()]),
        "",
    ]
    if "sizes" not in bench.at("simulator"):
        return lines
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
        1 where a record is missing or lacks a figure, or a target is missed and nothing says why; page, README and
        records are left as they were.
    """
    places = {"demo": demo, "elasticities": elasticities, "bench": bench, "test": test}
    places |= {"score": full, "score-quick": quick}
    found = {name: latest(path, kept / f"{name}.json.gz") for name, path in places.items()}
    try:
        runs = Records(
            *(read_record(found[name], f"make {name}") for name in ("demo", "elasticities", "bench", "test")),
            *(read_scoreboard(found[name], f"make {name}") for name in ("score", "score-quick")),
        )
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
