"""How a job starts: parse, load settings, build the session, run one workflow, return the exit code."""

import argparse
import logging
import sys
from collections.abc import Sequence
from datetime import date
from typing import Any

import yaml

from pricelake.errors import PriceLakeError, SettingsError
from pricelake.session import build_session
from pricelake.settings import Settings, load_settings
from pricelake.workflows.catalogue import job_entry
from pricelake.workflows.job import JobResult, Reporter, run_job

log = logging.getLogger("pricelake")


class LogReporter:
    """Progress as log lines, for schedulers."""

    def step(self, message: str) -> None:
        """Log the step."""
        log.info("%s", message)

    def advance(self, done: int, total: int, note: str = "") -> None:
        """Log how far it is."""
        log.info("  %d of %d %s", done, total, note)


def parse_overrides(pairs: Sequence[str]) -> dict[str, Any]:
    """``section.key=value`` pairs as nested settings; values are read as YAML.

    Raises:
        SettingsError: a pair has no ``=``, its value is not YAML, or it names a key below another pair's value.
    """
    nested: dict[str, Any] = {}
    for pair in pairs:
        path, equals, value = pair.partition("=")
        if not equals or not path:
            raise SettingsError(f"--set {pair} is not of the form section.key=value.")
        *sections, key = path.split(".")
        level = nested
        for section in sections:
            level = level.setdefault(section, {})
            if not isinstance(level, dict):
                raise SettingsError(f"--set {pair} names a key below {section}, which another --set gives a value.")
        try:
            level[key] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise SettingsError(f"--set {pair}: the value is not YAML; put it in quotes.") from error
    return nested


def as_of_date(given: str | None, settings: Settings) -> date:
    """The as-of date from the command line, else from the settings.

    Raises:
        SettingsError: neither names one, or it is not a date.
    """
    if given is None:
        if settings.as_of is None:
            raise SettingsError("No as-of date: give --as-of YYYY-MM-DD or set as_of in the settings file.")
        return settings.as_of
    try:
        return date.fromisoformat(given)
    except ValueError:
        raise SettingsError(f"--as-of {given} is not a date of the form YYYY-MM-DD.") from None


def run_named_job(name: str, settings: Settings, as_of: date, reporter: Reporter) -> JobResult:
    """Run one job in its own session."""
    spark = build_session(settings.spark, f"pricelake {name}")
    return run_job(name, job_entry(name).workflow(), spark, settings, as_of, reporter)


def job_main(name: str, argv: Sequence[str] | None = None) -> int:
    """Entry of a script under ``jobs/``.

    Args:
        name: job name.
        argv: arguments without the program name; None takes them from the process.

    Returns:
        0 when the job succeeded, 1 when it failed with a message, 2 for wrong usage.
    """
    parser = argparse.ArgumentParser(prog=f"{name}.py", description=job_entry(name).does)
    parser.add_argument("--settings", required=True, help="settings file, for example conf/demo.yaml")
    parser.add_argument("--as-of", help="YYYY-MM-DD; the run sees only what was known before that day")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="override one setting")
    try:
        given = parser.parse_args(argv)
    except SystemExit as stop:
        return int(stop.code or 0)
    # of others warnings alone: py4j tells the root logger with a stack trace that it has to connect anew
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    log.setLevel(logging.INFO)
    try:
        settings = load_settings(given.settings, parse_overrides(given.set))
        result = run_named_job(name, settings, as_of_date(given.as_of, settings), LogReporter())
    except PriceLakeError as error:
        log.error("%s failed: %s", name, error)
        return 1
    log.info("%s finished in %.1f s: %d rows in, %d rows out", name, result.seconds, result.rows_in, result.rows_out)
    for table, version in sorted(result.table_versions.items()):
        log.info("  %s version %d", table, version)
    return 0
