"""The feed of a rank: Petastorm reads whole row groups, which are mixed, shuffled and cut into batches of arrays."""

import queue
import threading
import time
import warnings
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from pricelake.errors import TrainingError
from pricelake.training.snapshot_files import footer_rows
from pricelake.training.task import ColumnType, SnapshotColumn, with_weight

Array = npt.NDArray[Any]
MIXED_ROWS = 131_072
"""Rows that are shuffled together, unless a row group is larger: a few row groups, so that files mix."""

QUEUED_BATCHES = 16
END = object()


def deal_files(files: Sequence[str], ranks: int, rank: int, epoch: int, seed: int) -> list[str]:
    """The files one rank reads in one epoch: all ranks together read each file once, another deal every epoch.

    Args:
        files: all files of a snapshot, equal in rows; a multiple of ``ranks``.
        ranks: number of ranks.
        rank: 0 … ranks - 1.
        epoch: 0, 1, …
        seed: of the deals.

    Raises:
        TrainingError: the files cannot be dealt equally.
    """
    if len(files) % ranks:
        raise TrainingError(
            f"{len(files)} files cannot be dealt to {ranks} ranks equally, and ranks with unequal rows would wait for "
            f"each other for ever. Write the snapshot with a multiple of {ranks} files."
        )
    order = np.random.default_rng([seed, epoch]).permutation(len(files))
    return [files[i] for i in order[rank::ranks]]


@dataclass(frozen=True)
class Layout:
    """How the columns of a batch are packed: one matrix per type, one row of it per column.

    Attributes:
        names: type → names of its columns in order.
    """

    names: dict[ColumnType, tuple[str, ...]]

    @classmethod
    def of(cls, columns: Sequence[SnapshotColumn]) -> "Layout":
        """The layout of ``columns`` and ``weight``."""
        named = with_weight(columns)
        kinds: list[ColumnType] = sorted({column.dtype for column in named})
        return cls({kind: tuple(c.name for c in named if c.dtype == kind) for kind in kinds})

    def split(self, packed: Sequence[Array]) -> dict[str, Array]:
        """Column name → array of shape ``(n_rows,)``, without copying."""
        pairs = zip(self.names.values(), packed, strict=True)
        return {name: matrix[i] for names, matrix in pairs for i, name in enumerate(names)}


@dataclass
class Feed:
    """Batches of one rank for one epoch, read ahead in a thread; use as a context manager.

    A batch is a tuple of matrices of shape ``(n_columns_of_type, n_rows)`` in the order of ``layout``; every batch but
    the last has ``batch_size`` rows.

    Attributes:
        files: files to read, each once.
        columns: training schema, without ``weight``.
        batch_size: rows per batch.
        seed: of the order of row groups and rows; None keeps the order of the files.
        rows: rows handed out so far.
        wait_seconds: time the caller waited for batches.
    """

    files: Sequence[str]
    columns: Sequence[SnapshotColumn]
    batch_size: int
    seed: int | None
    rows: int = 0
    wait_seconds: float = 0.0
    _queue: "queue.Queue[Any]" = field(default_factory=lambda: queue.Queue(QUEUED_BATCHES), repr=False)
    _stop: threading.Event = field(default_factory=threading.Event, repr=False)
    _thread: threading.Thread | None = field(default=None, repr=False)

    def __enter__(self) -> "Feed":
        """Start reading ahead."""
        self._thread = threading.Thread(target=self._read_ahead, name="feed", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop reading, wherever the caller left off."""
        self._stop.set()
        while self._thread is not None and self._thread.is_alive():
            self._drain()
            self._thread.join(timeout=0.05)

    def __iter__(self) -> Iterator[tuple[Array, ...]]:
        """The batches; after the last one the rows are checked against the footers.

        Raises:
            TrainingError: the files do not have the training schema, or rows were lost or doubled.
        """
        while True:
            before = time.perf_counter()
            item = self._queue.get()
            self.wait_seconds += time.perf_counter() - before
            if item is END:
                break
            if isinstance(item, BaseException):
                raise item
            self.rows += item[0].shape[1]
            yield item
        expected = sum(footer_rows(file) for file in self.files)
        if self.rows != expected:
            raise TrainingError(
                f"The feed handed out {self.rows} rows of {expected} by the Parquet footers of {len(self.files)} files "
                f"in {Path(self.files[0]).parent}. A model must not be trained on part of its rows."
            )

    def _drain(self) -> None:
        while True:
            try:
                self._queue.get_nowait()
            except queue.Empty:
                return

    def _put(self, item: Any) -> bool:
        while not self._stop.is_set():
            try:
                self._queue.put(item, timeout=0.1)
            except queue.Full:
                continue
            return True
        return False

    def _read_ahead(self) -> None:
        try:
            for batch in packed_batches(self.files, self.columns, self.batch_size, self.seed):
                if not self._put(batch):
                    return
            self._put(END)
        except Exception as error:  # noqa: BLE001 - handed to the thread that iterates, which raises it
            self._put(error)


def packed_batches(
    files: Sequence[str], columns: Sequence[SnapshotColumn], batch_size: int, seed: int | None
) -> Iterator[tuple[Array, ...]]:
    """The batches of :class:`Feed`, read in the calling thread."""
    layout = Layout.of(columns)
    random = None if seed is None else np.random.default_rng(seed)
    rest: list[Array] = [np.empty((len(names), 0), np.dtype(kind)) for kind, names in layout.names.items()]
    for held in _mixtures(_row_groups(files, columns, seed)):
        rest = yield from _cut(layout, rest, held, batch_size, random)
    if rest[0].shape[1]:
        yield tuple(rest)


def _mixtures(groups: Iterator[Any]) -> Iterator[list[Any]]:
    """Row groups, as many together as make ``MIXED_ROWS``."""
    held: list[Any] = []
    n_rows = 0
    for group in groups:
        held.append(group)
        n_rows += len(group[0])
        if n_rows >= MIXED_ROWS:
            yield held
            held, n_rows = [], 0
    if held:
        yield held


def _cut(
    layout: Layout, rest: list[Array], groups: list[Any], batch_size: int, random: np.random.Generator | None
) -> Generator[tuple[Array, ...], None, list[Array]]:
    """Shuffle what is held, yield its full batches, return the remainder."""
    n_rows = rest[0].shape[1] + sum(len(group[0]) for group in groups)
    order = None if random is None else random.permutation(n_rows)
    packed = []
    for (kind, names), left in zip(layout.names.items(), rest, strict=True):
        matrix = np.empty((len(names), n_rows), np.dtype(kind))
        for i, name in enumerate(names):
            column = np.concatenate([left[i], *(getattr(group, name) for group in groups)])
            if order is None:
                matrix[i] = column
            else:
                np.take(column, order, out=matrix[i], mode="clip")
        packed.append(matrix)
    full = n_rows - n_rows % batch_size
    for start in range(0, full, batch_size):
        yield tuple(matrix[:, start : start + batch_size] for matrix in packed)
    return [matrix[:, full:].copy() for matrix in packed]


def _row_groups(files: Sequence[str], columns: Sequence[SnapshotColumn], seed: int | None) -> Iterator[Any]:
    """Whole row groups as named tuples of arrays, in an order that the seed decides.

    One worker thread: with several the order would depend on timing, and one decodes several million rows a second.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from petastorm import make_batch_reader

        reader = make_batch_reader(
            [Path(file).as_uri() for file in files],
            schema_fields=[f"^{column.name}$" for column in with_weight(columns)],
            reader_pool_type="thread",
            workers_count=1,
            results_queue_size=4,
            shuffle_row_groups=seed is not None,
            seed=seed,
            num_epochs=1,
        )
    with reader:
        _check_schema(reader, columns, files)
        yield from reader


def _check_schema(reader: Any, columns: Sequence[SnapshotColumn], files: Sequence[str]) -> None:
    wanted: dict[str, Literal["float32", "int32", "int64"]] = {c.name: c.dtype for c in with_weight(columns)}
    found = {name: np.dtype(f.numpy_dtype).name for name, f in reader.schema.fields.items() if f.shape == ()}
    if found != wanted:
        differing = sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))
        told = ", ".join(f"{n}: {found.get(n, 'missing')}, expected {wanted.get(n, 'nothing')}" for n in differing)
        raise TrainingError(f"{Path(files[0]).parent} does not have the training schema: {told}. Write it again.")
