"""Operations contracts: which job ran when, on what, with what result."""

from pyspark.sql.types import MapType

from pricelake.tables.contract import DATE, DOUBLE, LONG, TEXT, TIME, TableContract, optional, required

RUNS = TableContract(
    "ops.runs",
    "One run of one job",
    (
        required("run_id", TEXT, "run; also in the commit metadata of every table it wrote"),
        required("job", TEXT, "job name"),
        required("as_of_date", DATE, "as-of date it ran for"),
        required("outcome", TEXT, "running, succeeded, failed, or interrupted (killed, found by the next run)"),
        optional("message", TEXT, "why it failed; null otherwise"),
        required("settings_hash", TEXT, "hash of all settings"),
        required("code_version", TEXT, "package version and git commit where known"),
        required("started_at", TIME, "UTC"),
        optional("finished_at", TIME, "UTC; null while running or interrupted"),
        optional("seconds", DOUBLE, "wall time; null while running or interrupted"),
        required("input_versions", MapType(TEXT, LONG, False), "table name → Delta version read"),
        required("output_versions", MapType(TEXT, LONG, False), "table name → Delta version written"),
        required("rows_in", LONG, "rows read by the job's own count"),
        required("rows_out", LONG, "rows written over all tables"),
    ),
    key=("run_id",),
    checks={"outcome_known": "outcome IN ('running', 'succeeded', 'failed', 'interrupted')"},
)
