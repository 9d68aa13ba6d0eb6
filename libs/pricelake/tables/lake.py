"""The one place that reads and writes Delta tables."""

import json
import random
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from itertools import takewhile
from operator import or_
from pathlib import Path
from typing import TypeVar

from delta import exceptions as delta_errors
from delta.tables import DeltaTable
from py4j.protocol import Py4JJavaError
from pyspark.errors import AnalysisException, PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StructField

from pricelake.errors import ContractError
from pricelake.tables.catalogue import contract_of
from pricelake.tables.comparing import differ
from pricelake.tables.contract import TableContract

Result = TypeVar("Result")

BROKEN_CONTRACT = ("[DELTA_VIOLATE_CONSTRAINT", "[DELTA_NOT_NULL_CONSTRAINT", "[DELTA_MULTIPLE_SOURCE_ROW")

ANOTHER_WRITER = (
    delta_errors.ConcurrentAppendException,
    delta_errors.ConcurrentDeleteDeleteException,
    delta_errors.ConcurrentDeleteReadException,
    delta_errors.ConcurrentTransactionException,
    delta_errors.ConcurrentWriteException,
    delta_errors.MetadataChangedException,
    delta_errors.ProtocolChangedException,
)
BEING_CREATED = ("[DELTA_CREATE_TABLE_WITH_NON_EMPTY_LOCATION]", "[DELTA_TABLE_NOT_FOUND]")
"""What Delta says of a table that another writer is just creating: its folder is there, its first commit not yet."""

ATTEMPTS = 6
"""How often a call is made that another writer's commit got in the way of; waits double from a fifth of a second."""

RECENT_COMMITS = 50
"""How far back a table's history is read for a commit just made."""


@dataclass
class Journal:
    """What one job read and wrote.

    Attributes:
        run_id: the run, named in every commit.
        pinned: table → version that reads use from now on.
        inputs_read: table → version first read.
        outputs: table → version last written.
        rows_written: table → rows written, over all commits.
    """

    run_id: str
    pinned: dict[str, int] = field(default_factory=dict)
    inputs_read: dict[str, int] = field(default_factory=dict)
    outputs: dict[str, int] = field(default_factory=dict)
    rows_written: dict[str, int] = field(default_factory=dict)


class Lake:
    """Delta tables under one root, each with its contract.

    A table is read at the version that was current when this object first touched it, so that everything a job
    derives comes from one state. Each write is one atomic commit whose metadata names the run.
    """

    def __init__(self, spark: SparkSession, root: str, run_id: str = "interactive") -> None:
        """Open the lake at ``root`` (directory or URI) for the run ``run_id``."""
        self.spark = spark
        self.root = root.rstrip("/") if ":" in root else str(Path(root).absolute())
        self.journal = Journal(run_id)

    def path(self, name: str) -> str:
        """Location of a table."""
        return f"{self.root}/{contract_of(name).name.replace('.', '/')}"

    def exists(self, name: str) -> bool:
        """Whether the table has been written at least once."""
        return bool(DeltaTable.isDeltaTable(self.spark, self.path(name)))

    def version(self, name: str) -> int:
        """Newest version of a table.

        Raises:
            ContractError: the table does not exist yet.
        """
        return _try_again(lambda: int(self._table(name).history(1).select("version").first()[0]))

    def read(self, name: str, version: int | None = None) -> DataFrame:
        """A table as of one version, by default the one this job saw first.

        Raises:
            ContractError: the table does not exist yet.
        """
        if version is None:
            if name not in self.journal.pinned:
                self.journal.pinned[name] = self.version(name)
            version = self.journal.pinned[name]
        self.journal.inputs_read.setdefault(name, version)
        return self.spark.read.format("delta").option("versionAsOf", version).load(self.path(name))

    def read_if_exists(self, name: str) -> DataFrame | None:
        """As :meth:`read`, or None where the shop does not bring the table."""
        return self.read(name) if self.exists(name) else None

    def create(self, name: str) -> None:
        """Create an empty table with columns, comments, constraints and layout in one commit, unless it is there."""
        contract = contract_of(name)
        if self.exists(name):
            return
        columns = ", ".join(_column_sql(column) for column in contract.columns)
        properties = {"delta.enableChangeDataFeed": "true"}
        properties |= {f"delta.constraints.{rule}": check for rule, check in contract.constraints.items()}
        listed = ", ".join(f"'{key}' = {_sql_text(value)}" for key, value in properties.items())
        cluster = f"CLUSTER BY ({', '.join(contract.cluster_by)})" if contract.cluster_by else ""
        self._say_who()
        statement = (
            f"CREATE TABLE IF NOT EXISTS delta.`{self.path(name)}` ({columns}) USING delta {cluster} "
            f"COMMENT {_sql_text(contract.comment)} TBLPROPERTIES ({listed})"
        )
        _try_again(lambda: self.spark.sql(statement))

    def replace(self, name: str, frame: DataFrame, where: str | None = None) -> int:
        """Write ``frame`` in place of the whole table, or of the rows that match ``where``.

        Args:
            name: table to write.
            frame: all columns of the contract, any order.
            where: SQL over the table's columns; every row of ``frame`` must match it.

        Returns:
            rows written.

        Raises:
            ContractError: columns are missing, extra or of another type, or a row breaks a constraint.
        """
        fitted = self._fit(name, frame)
        writer = fitted.write.format("delta").mode("overwrite")
        if where is not None:
            writer = writer.option("replaceWhere", where)
        return self._commit(name, lambda: writer.save(self.path(name)))

    def append(self, name: str, frame: DataFrame) -> int:
        """Add rows; the caller knows that their keys are new.

        Args:
            name: table to write.
            frame: all columns of the contract, any order.

        Returns:
            rows added.

        Raises:
            ContractError: as :meth:`replace`.
        """
        writer = self._fit(name, frame).write.format("delta").mode("append")
        return self._commit(name, lambda: _try_again(lambda: writer.save(self.path(name))))

    def merge(self, name: str, frame: DataFrame) -> int:
        """Insert rows with new keys and update rows whose other columns changed; the same rows again change nothing.

        Where another writer commits in between, the merge is tried again on what that writer left.

        Args:
            name: table with a key.
            frame: all columns of the contract, one row per key.

        Returns:
            rows inserted or updated.

        Raises:
            ContractError: as :meth:`replace`, or two rows share a key.
        """
        contract = contract_of(name)
        if not contract.key:
            raise ContractError(f"{name} has no key; rows cannot be merged into it.")
        source = self._fit(name, frame).alias("s")
        same_key = " AND ".join(f"t.{column} = s.{column}" for column in contract.key)
        merge = self._table(name).alias("t").merge(source, same_key).whenNotMatchedInsertAll()
        others = [column for column in contract.columns if column.name not in contract.key]
        if others:
            changed = [differ(F.col(f"t.{c.name}"), F.col(f"s.{c.name}"), c.dataType) for c in others]
            merge = merge.whenMatchedUpdateAll(condition=reduce(or_, changed))
        return self._commit(name, lambda: _try_again(merge.execute))

    def _table(self, name: str) -> DeltaTable:
        if not self.exists(name):
            raise ContractError(f"{name} has not been written yet under {self.root}. Run the job that writes it first.")
        return DeltaTable.forPath(self.spark, self.path(name))

    def _fit(self, name: str, frame: DataFrame) -> DataFrame:
        """``frame`` with the contract's columns in order; refused where names or types differ."""
        contract = contract_of(name)
        found = {column.name: column.dataType for column in frame.schema.fields}
        problems = [f"missing {column}" for column in contract.column_names if column not in found]
        problems += [f"unknown {column}" for column in found if column not in contract.column_names]
        for column in contract.columns:
            kind = found.get(column.name)
            if kind is not None and kind.simpleString() != column.dataType.simpleString():
                problems.append(f"{column.name} is {kind.simpleString()}, expected {column.dataType.simpleString()}")
        if problems:
            raise ContractError(f"Rows do not fit {name}: {'; '.join(problems)}.")
        self.create(name)
        self._refuse_other_columns(name, contract)
        return frame.select(*contract.column_names)

    def _refuse_other_columns(self, name: str, contract: TableContract) -> None:
        written = _try_again(lambda: self.spark.read.format("delta").load(self.path(name)).columns)
        problems = [f"it lacks {column}" for column in contract.column_names if column not in written]
        problems += [f"it has {column}" for column in written if column not in contract.column_names]
        if problems:
            raise ContractError(
                f"{name} was written under another contract: {', '.join(problems)}. Remove {self.path(name)}, or write "
                f"to another lake.root, and run the jobs again."
            )

    def _commit(self, name: str, write: Callable[[], object]) -> int:
        """Write, and note version and rows of this very commit, whatever others commit meanwhile."""
        signature = self._say_who()
        try:
            write()
        except (PySparkException, Py4JJavaError) as error:
            broken = _broken_contract(str(error))
            if broken is None:
                raise
            raise ContractError(f"Rows break the contract of {name}: {broken}") from error
        version, rows = self._own_commit(name, signature)
        self.journal.outputs[name] = version
        self.journal.rows_written[name] = self.journal.rows_written.get(name, 0) + rows
        self.journal.pinned[name] = version
        return rows

    def _own_commit(self, name: str, signature: str) -> tuple[int, int]:
        """Version and rows of the commit that carries ``signature``; none is made where there was nothing to change."""
        recent = self._table(name).history(RECENT_COMMITS)
        own = recent.where(F.col("userMetadata") == signature).select("version", "operationMetrics").first()
        if own is None:
            return self.version(name), 0
        return int(own["version"]), _rows_of(own["operationMetrics"] or {})

    def _say_who(self) -> str:
        """Let the next commit name the run and itself; return what it will carry."""
        signature = json.dumps({"run_id": self.journal.run_id, "commit_id": uuid.uuid4().hex})
        self.spark.conf.set("spark.databricks.delta.commitInfo.userMetadata", signature)
        return signature


def _broken_contract(error: str) -> str | None:
    """What Delta says of rows that break a contract, with the values of the first of them; None of another error."""
    lines = error.splitlines()
    for number, line in enumerate(lines):
        if any(code in line for code in BROKEN_CONTRACT):
            values = takewhile(lambda after: after.startswith(" - "), lines[number + 1 :])
            return f"{line[line.index('[DELTA') :]} {', '.join(value.removeprefix(' - ') for value in values)}".strip()
    return None


def _rows_of(metrics: Mapping[str, str]) -> int:
    """Rows written, of a merge those inserted or updated."""
    inserted = metrics.get("numTargetRowsInserted")
    if inserted is None:
        return int(metrics.get("numOutputRows", 0))
    return int(inserted) + int(metrics.get("numTargetRowsUpdated", 0))


def _try_again(call: Callable[[], Result]) -> Result:
    """Make a call that may be repeated, again where another writer was faster."""
    for attempt in range(ATTEMPTS - 1):
        try:
            return call()
        except (*ANOTHER_WRITER, AnalysisException) as error:
            if isinstance(error, AnalysisException) and not str(error).startswith(BEING_CREATED):
                raise
            time.sleep(0.2 * 2**attempt * (0.5 + random.random()))
    return call()


def _sql_text(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _column_sql(column: StructField) -> str:
    null = "" if column.nullable else " NOT NULL"
    return f"{column.name} {column.dataType.simpleString()}{null} COMMENT {_sql_text(column.metadata['comment'])}"
