"""Immutable snapshots as files: exact row groups, written from Spark's partitions, and their manifest."""

import itertools
import json
import shutil
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pricelake.errors import TrainingError
from pricelake.training.task import SnapshotColumn, with_weight

MANIFEST = "manifest.json"
FILE_COLUMN, POSITION_COLUMN = "__file", "__position"
WRITTEN_SCHEMA = "name string, n_rows long, n_bytes long"


@dataclass(frozen=True)
class Snapshot:
    """One immutable directory of Parquet files with equal row counts.

    Attributes:
        directory: absolute path, the same on driver and ranks.
        files: absolute paths in order.
        rows: rows of the frame.
        rows_padded: rows in the files, padding (``weight`` 0) included; a multiple of the number of files.
        schema_hash: hash of the training schema.
        delta_version: version of the Delta table the rows were derived from.
    """

    directory: str
    files: tuple[str, ...]
    rows: int
    rows_padded: int
    schema_hash: str
    delta_version: int


@dataclass(frozen=True)
class WrittenFile:
    """One Parquet file: name inside the snapshot, rows from its footer, size on disk in bytes."""

    name: str
    n_rows: int
    n_bytes: int


def arrow_schema(columns: Sequence[SnapshotColumn]) -> Any:
    """The Parquet schema of a snapshot: flat columns, none nullable, ``weight`` last."""
    import pyarrow as pa

    kinds = {"float32": pa.float32(), "int32": pa.int32(), "int64": pa.int64()}
    return pa.schema([pa.field(c.name, kinds[c.dtype], nullable=False) for c in with_weight(columns)])


def file_writer(
    directory: str, columns: Sequence[SnapshotColumn], group_rows: int
) -> Callable[[Iterable[Any]], Iterable[Any]]:
    """A function for ``mapInArrow`` that writes one Parquet file per value of ``__file``.

    Plain encoding without compression: a row group is then decoded at the speed of memory.

    Args:
        directory: where the files go; the same path on every executor.
        columns: training schema.
        group_rows: rows per row group.

    Returns:
        function from a partition sorted by file and position to one row per written file.
    """

    def write(batches: Iterable[Any]) -> Iterator[Any]:
        import pyarrow as pa

        schema = arrow_schema(columns)
        current: _OpenFile | None = None
        for batch in batches:
            for number, rows in _by_file(pa.Table.from_batches([batch])):
                if current is None or current.number != number:
                    if current is not None:
                        yield current.close()
                    current = _OpenFile(Path(directory), number, schema, group_rows)
                current.append(rows.select(schema.names).cast(schema))
        if current is not None:
            yield current.close()

    return write


def _by_file(rows: Any) -> Iterator[tuple[int, Any]]:
    """The runs of equal ``__file`` in a table sorted by it."""
    import numpy as np

    numbers = rows.column(FILE_COLUMN).to_numpy()
    starts = [0, *(np.flatnonzero(np.diff(numbers)) + 1).tolist(), len(numbers)]
    for start, end in itertools.pairwise(starts):
        if end > start:
            yield int(numbers[start]), rows.slice(start, end - start)


class _OpenFile:
    """A Parquet file being written under a temporary name, so that a retried task leaves no half file."""

    def __init__(self, directory: Path, number: int, schema: Any, group_rows: int) -> None:
        import pyarrow.parquet as pq

        self.number = number
        self.path = directory / f"part-{number:05d}.parquet"
        self.temporary = directory / f".{self.path.name}.{uuid.uuid4().hex}"
        self.group_rows = group_rows
        self.held: list[Any] = []
        self.n_held = 0
        self.n_rows = 0
        self.writer = pq.ParquetWriter(self.temporary, schema, compression="none", use_dictionary=False)

    def append(self, rows: Any) -> None:
        import pyarrow as pa

        self.held.append(rows)
        self.n_held += rows.num_rows
        while self.n_held >= self.group_rows:
            table = pa.concat_tables(self.held)
            self._write(table.slice(0, self.group_rows))
            rest = table.slice(self.group_rows)
            self.held, self.n_held = [rest], rest.num_rows

    def _write(self, table: Any) -> None:
        self.writer.write_table(table.combine_chunks(), row_group_size=self.group_rows)
        self.n_rows += table.num_rows

    def close(self) -> Any:
        import pyarrow as pa

        if self.n_held:
            self._write(pa.concat_tables(self.held))
        self.writer.close()
        self.temporary.replace(self.path)
        return pa.RecordBatch.from_pydict(
            {"name": [self.path.name], "n_rows": [self.n_rows], "n_bytes": [self.path.stat().st_size]}
        )


def footer_rows(path: str | Path) -> int:
    """Rows of a Parquet file by its footer."""
    import pyarrow.parquet as pq

    return int(pq.read_metadata(path).num_rows)


def write_manifest(directory: Path, content: dict[str, Any], files: Sequence[WrittenFile]) -> None:
    """Write the manifest; a snapshot without one is not complete."""
    listed = sorted((asdict(file) for file in files), key=lambda file: str(file["name"]))
    (directory / MANIFEST).write_text(json.dumps({**content, "files": listed}, indent=1), encoding="utf-8")


def read_manifest(directory: Path) -> dict[str, Any] | None:
    """The manifest of a complete snapshot, or None where it, or a file that it lists, is missing or of another size."""
    path = directory / MANIFEST
    if not path.is_file():
        return None
    try:
        manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return None
    for file in manifest["files"]:
        listed = directory / file["name"]
        if not listed.is_file() or listed.stat().st_size != file["n_bytes"]:
            return None
    return manifest


def open_snapshot(directory: str | Path) -> Snapshot:
    """A complete snapshot.

    Raises:
        TrainingError: the directory holds no complete snapshot.
    """
    path = Path(directory).absolute()
    manifest = read_manifest(path)
    if manifest is None:
        raise TrainingError(f"{path} holds no complete snapshot. Write it again.")
    return Snapshot(
        directory=str(path),
        files=tuple(str(path / file["name"]) for file in manifest["files"]),
        rows=int(manifest["rows"]),
        rows_padded=sum(int(file["n_rows"]) for file in manifest["files"]),
        schema_hash=str(manifest["schema_hash"]),
        delta_version=int(manifest["delta_version"]),
    )


def remove_old_snapshots(directory: str | Path, keep: Sequence[Snapshot]) -> list[str]:
    """Remove every snapshot, complete or half-written, that is not in ``keep``.

    Returns:
        names of the removed directories.
    """
    kept = {Path(snapshot.directory).name for snapshot in keep}
    removed = []
    for path in sorted(Path(directory).glob("*-v*-*-*")):
        if path.is_dir() and path.name not in kept:
            shutil.rmtree(path)
            removed.append(path.name)
    return removed
