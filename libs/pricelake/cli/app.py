"""Commands: ``run``, one per job, ``simulate``, ``score``, ``doctor``, ``show``."""

import logging
import os
import shlex
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pricelake import __version__
from pricelake.cli.doctor import examine
from pricelake.cli.progress import TerminalReporter
from pricelake.cli.summary import print_summary
from pricelake.errors import PriceLakeError
from pricelake.settings import Settings, load_settings
from pricelake.settings.loading import load_file
from pricelake.tables import CONTRACTS, contract_of
from pricelake.workflows.catalogue import JOBS
from pricelake.workflows.entry import as_of_date, parse_overrides, run_named_job
from pricelake.workflows.pipeline import run_all, write_record

app = typer.Typer(
    help="From raw sales to governed prices.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
console = Console()
errors = Console(stderr=True)

SettingsOption = Annotated[Path, typer.Option("--settings", help="Settings file.")]
AsOfOption = Annotated[
    str | None, typer.Option("--as-of", help="YYYY-MM-DD; sees only what was known before that day.")
]
SetOption = Annotated[list[str] | None, typer.Option("--set", help="Override one setting: section.key=value.")]
DEFAULT_SETTINGS = Path("conf/demo.yaml")
DEFAULT_SCOREBOARD = Path("conf/scoreboards/quick.yaml")
DEFAULT_SIMULATION = Path("conf/simulations/grocer.yaml")
MAX_COLUMNS_ACROSS = 9


def _load(path: Path, pairs: list[str] | None) -> Settings:
    return load_settings(path, parse_overrides(pairs or []))


@app.command()
def run(
    settings: SettingsOption = DEFAULT_SETTINGS,
    as_of: AsOfOption = None,
    set_: SetOption = None,
    json: Annotated[Path | None, typer.Option("--json", help="Also write the run's record here.")] = None,
) -> None:
    """Run every job in order and write the report."""
    loaded = _load(settings, set_)
    day = as_of_date(as_of, loaded)
    with TerminalReporter(console) as reporter:
        record = run_all(loaded, day, reporter, reporter.heading)
    if json is not None:
        write_record(record, json)
    print_summary(console, record, loaded, settings, json)


@app.command()
def doctor(settings: SettingsOption = DEFAULT_SETTINGS, set_: SetOption = None) -> None:
    """Check Java, jars, Horovod, versions and write access; say what to do."""
    findings = examine(_load(settings, set_))
    for finding in findings:
        mark = "[green]✓[/green]" if finding.passed else "[red]✗[/red]"
        console.print(f"{mark} {finding.name}: ", end="")
        console.print(finding.detail, markup=False, highlight=False, soft_wrap=True)
    if not all(finding.passed for finding in findings):
        raise typer.Exit(1)


@app.command()
def show(
    table: Annotated[
        str, typer.Argument(help="Table name, for example gold.price_recommendations; 'tables' lists all.")
    ],
    settings: SettingsOption = DEFAULT_SETTINGS,
    set_: SetOption = None,
    rows: Annotated[int, typer.Option(min=1, max=1000, help="Rows to show.")] = 10,
    where: Annotated[str | None, typer.Option(help="SQL condition.")] = None,
    version: Annotated[int | None, typer.Option(help="Delta version; default the newest.")] = None,
) -> None:
    """Show rows of a table with its comment; wide tables one row below the other."""
    if table == "tables":
        for contract in CONTRACTS.values():
            console.print(f"[bold]{contract.name}[/bold]  {contract.comment}", highlight=False)
        return
    from pricelake.session import build_session
    from pricelake.tables import Lake

    loaded, contract = _load(settings, set_), contract_of(table)
    frame = Lake(build_session(loaded.spark, "pricelake show"), loaded.lake.root).read(table, version)
    frame = frame.where(where) if where else frame
    found = [["" if value is None else str(value) for value in row] for row in frame.limit(rows).collect()]
    console.print(f"[bold]{contract.name}[/bold]: {contract.comment}", highlight=False)
    if len(contract.columns) <= MAX_COLUMNS_ACROSS:
        across = Table(*contract.column_names)
        for values in found:
            across.add_row(*map(escape, values))
        console.print(across)
        return
    for values in found:
        down = Table("column", "value", show_header=False)
        for name, value in zip(contract.column_names, values, strict=True):
            down.add_row(name, escape(value))
        console.print(down)


@app.command()
def simulate(
    out: Annotated[Path, typer.Option("--out", help="Folder for the shop's tables and settings.")],
    settings: Annotated[Path, typer.Option("--settings", help="Simulation file.")] = DEFAULT_SIMULATION,
    set_: SetOption = None,
) -> None:
    """Write a simulated shop whose demand is known, with settings to run on it."""
    from pricelake.session import build_session
    from pricelake.settings.simulation import SimulationFile
    from pricelake.workflows.simulate import simulate as write

    file = load_file(SimulationFile, settings, parse_overrides(set_ or []))
    with TerminalReporter(console) as reporter:
        path = write(build_session(file.spark, "pricelake simulate"), file.simulation, out, reporter)
    console.print(
        f"Shop: {out / 'shop.yaml'}\nRun it: pricelake run --settings {path}", highlight=False, soft_wrap=True
    )


@app.command()
def score(
    settings: Annotated[Path, typer.Option("--settings", help="Scoreboard file.")] = DEFAULT_SCOREBOARD,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Where the figures go.  [default: build/score/<settings>/scoreboard.json]"),
    ] = None,
    set_: SetOption = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run that was cut off.")] = False,
    draw: Annotated[bool, typer.Option("--draw", help="Only draw the page of figures that --out holds.")] = False,
) -> None:
    """Judge PriceLake and its rivals on shops whose demand is known."""
    from pricelake.workflows.scoreboard.page import write_page

    figures = out or Path("build/score") / settings.stem / "scoreboard.json"
    if not draw:
        _run_scoreboard(settings, figures, set_, resume)
    console.print(f"Scoreboard: {write_page(figures)}\nFigures: {figures}", highlight=False, soft_wrap=True)


def _run_scoreboard(settings: Path, out: Path, pairs: list[str] | None, resume: bool) -> None:
    from pricelake.session import build_session
    from pricelake.settings.scoreboard import ScoreboardFile
    from pricelake.workflows.scoreboard.score import score as run_scoreboard

    file = load_file(ScoreboardFile, settings, parse_overrides(pairs or []))
    given = [
        "--settings",
        str(settings),
        "--out",
        str(out),
        *(part for pair in pairs or [] for part in ("--set", pair)),
    ]
    command = shlex.join(["pricelake", "score", *given, *(["--resume"] if resume else [])])
    with TerminalReporter(console) as reporter:
        spark = build_session(file.spark, "pricelake score")
        run_scoreboard(
            spark,
            file.scoreboard,
            out.parent / "shops",
            command,
            reporter,
            lambda so_far: write_record(so_far, out),
            resume=resume,
        )


def _add_job_command(name: str, does: str) -> None:
    def command(settings: SettingsOption = DEFAULT_SETTINGS, as_of: AsOfOption = None, set_: SetOption = None) -> None:
        loaded = _load(settings, set_)
        with TerminalReporter(console) as reporter:
            result = run_named_job(name, loaded, as_of_date(as_of, loaded), reporter)
        console.print(
            f"{name}: {result.rows_in:,} rows in, {result.rows_out:,} out, {result.seconds:.1f} s", highlight=False
        )
        for table, version in sorted(result.table_versions.items()):
            console.print(f"  {table} version {version}", highlight=False)

    app.command(name.replace("_", "-"), help=f"{does}.")(command)


for _entry in JOBS:
    _add_job_command(_entry.name, _entry.does)


@app.callback(invoke_without_command=True)
def _version(version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False) -> None:
    if version:
        console.print(__version__, highlight=False)
        raise typer.Exit


def main() -> None:
    """Entry of the console command; errors of ours print their text alone and exit with 1."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.getLogger("py4j").setLevel(logging.WARNING)
    try:
        app()
    except PriceLakeError as error:
        errors.print("[red]error:[/red]", end=" ")
        errors.print(str(error), markup=False, highlight=False, soft_wrap=True)
        raise SystemExit(1) from None
