"""The scoreboard's record as the pages need it: whole, and of seeds that may be reported."""

from pathlib import Path

from scripts import scoreboard_tables
from scripts.records import Record, RecordError, read_record

from pricelake.settings.scoreboard import DEVELOPMENT_SEEDS, REPORTED_SEEDS, SPENT_SEEDS

NO_EVIDENCE = (
    (DEVELOPMENT_SEEDS, "are for development, rivals and models may be tuned on them"),
    (SPENT_SEEDS, "are spent, their figures were looked at while rivals and models still changed"),
)
"""Seeds of which nothing is reported, and why."""


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


def check_reportable(record: Record) -> None:
    """See that a scoreboard is no evidence of what its contenders were tuned or judged on before.

    A market of one's own has no seeds.

    Args:
        record: as of :func:`read_scoreboard`, of a run whose figures are stated.

    Raises:
        RecordError: a case touches seeds for development or spent ones, or does not say on which it ran.
    """
    for case in record.parts("cases"):
        if case.at("seeds") is None:
            continue
        first, last = case.span("seeds")
        for seeds, why in NO_EVIDENCE:
            if first <= seeds[-1] and last >= seeds[0]:
                raise RecordError(
                    f"{record.path}: case '{case.text('name')}' ran on seeds {first}–{last}. Seeds {seeds[0]}–"
                    f"{seeds[-1]} {why}: no figure of them is stated. Run '{record.command}' again with a "
                    f"first_seed from {REPORTED_SEEDS[0]} on."
                )
