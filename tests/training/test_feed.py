"""The feed: every row of every file exactly once per epoch over the ranks, shuffled, checked."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pricelake.errors import TrainingError
from pricelake.training import SnapshotColumn, feed
from pricelake.training.feed import Feed, Layout, deal_files
from pricelake.training.snapshot_files import arrow_schema
from tests.training.linear_task import COLUMNS, linear_rows

FILES, PER_FILE, GROUP = 8, 250, 60


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    directory = tmp_path_factory.mktemp("snapshot")
    rows = linear_rows(FILES * PER_FILE, seed=3)
    rows["weight"] = np.float32(1.0)
    paths = []
    for i in range(FILES):
        part = pa.Table.from_pandas(rows.iloc[i * PER_FILE : (i + 1) * PER_FILE], preserve_index=False)
        part = part.select(arrow_schema(COLUMNS).names).cast(arrow_schema(COLUMNS))
        paths.append(str(directory / f"part-{i:05d}.parquet"))
        pq.write_table(part, paths[-1], row_group_size=GROUP)
    return paths


def read(files: list[str], seed: int | None, batch_size: int = 64) -> list[dict[str, np.ndarray]]:
    layout = Layout.of(COLUMNS)
    with Feed(files, COLUMNS, batch_size, seed) as batches:
        return [{name: values.copy() for name, values in layout.split(batch).items()} for batch in batches]


def ids(batches: list[dict[str, np.ndarray]]) -> list[int]:
    return np.concatenate([batch["row_id"] for batch in batches]).tolist()


@pytest.mark.parametrize("ranks", [1, 2, 4])
@pytest.mark.parametrize("epoch", range(4))
def test_ranks_together_see_every_row_once_per_epoch(files: list[str], ranks: int, epoch: int) -> None:
    parts = [ids(read(deal_files(files, ranks, rank, epoch, 17), seed=epoch * 10 + rank)) for rank in range(ranks)]
    assert [len(part) for part in parts] == [FILES * PER_FILE // ranks] * ranks
    assert sorted(row for part in parts for row in part) == list(range(FILES * PER_FILE))


def test_no_row_is_lost_in_many_openings(files: list[str]) -> None:
    for repeat in range(60):
        assert len(set(ids(read(files[repeat % 4 : repeat % 4 + 2], seed=repeat)))) == 2 * PER_FILE


def test_columns_of_a_row_stay_together(files: list[str]) -> None:
    expected = linear_rows(FILES * PER_FILE, seed=3).set_index("row_id")
    for batch in read(files, seed=5):
        for name in ("group", "a", "b", "y"):
            np.testing.assert_array_equal(batch[name], expected.loc[batch["row_id"], name].to_numpy())
        assert {name: values.dtype.name for name, values in batch.items()} == {
            "row_id": "int64", "group": "int32", "a": "float32", "b": "float32", "y": "float32", "weight": "float32",
        }  # fmt: skip


def test_batches_are_full_but_the_last(files: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "MIXED_ROWS", 150)
    sizes = [len(batch["a"]) for batch in read(files, seed=1, batch_size=64)]
    assert sizes == [64] * 31 + [16]


def test_files_are_dealt_anew_every_epoch(files: list[str]) -> None:
    deals = [frozenset(deal_files(files, 2, 0, epoch, 17)) for epoch in range(30)]
    assert len(set(deals)) > 15
    together = sum(1 for deal in deals if {files[0], files[1]} <= deal or not {files[0], files[1]} & deal)
    assert 5 < together < 25, "two files meet in some epochs and not in others"
    assert deal_files(files, 2, 1, 3, 17) == deal_files(files, 2, 1, 3, 17)
    assert deal_files(files, 2, 1, 3, 17) != deal_files(files, 2, 1, 3, 18)


def test_unequal_deals_are_refused(files: list[str]) -> None:
    with pytest.raises(TrainingError, match="8 files cannot be dealt to 3 ranks equally"):
        deal_files(files, 3, 0, 0, 17)


def test_rows_are_mixed_across_files_and_inside_groups(files: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "MIXED_ROWS", 240)
    first, again, other = (ids(read(files, seed=seed)) for seed in (1, 1, 2))
    assert first == again, "a seed decides the order"
    assert first != other
    steps = np.diff(first)
    assert np.mean(steps == 1) < 0.02, "neighbours in the files are not neighbours in the feed"
    for start in range(0, len(first) - 64, 64):
        touched = {row // GROUP for row in first[start : start + 64]}
        assert len(touched) >= 3, "a batch mixes several row groups"


def test_without_a_seed_the_order_of_the_files_is_kept(files: list[str]) -> None:
    assert ids(read(files, seed=None)) == list(range(FILES * PER_FILE))


def test_lost_rows_are_noticed(files: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    whole = feed._row_groups

    def lossy(*arguments):  # type: ignore[no-untyped-def]
        groups = whole(*arguments)
        next(groups)
        yield from groups

    monkeypatch.setattr(feed, "_row_groups", lossy)
    with pytest.raises(TrainingError, match="handed out 440 rows of 500 by the Parquet footers of 2 files"):
        read(files[:2], seed=None)


def test_other_schema_is_refused(files: list[str]) -> None:
    wrong = (*COLUMNS[:3], SnapshotColumn("b", "int32"), COLUMNS[4], SnapshotColumn("c", "float32"))
    with (
        pytest.raises(TrainingError, match="b: float32, expected int32, c: missing, expected float32"),
        Feed(files, wrong, 10, 1) as batches,
    ):
        list(batches)


def test_broken_file_is_an_error_not_a_short_epoch(files: list[str], tmp_path: Path) -> None:
    broken = tmp_path / "part-00000.parquet"
    content = bytearray(Path(files[0]).read_bytes())
    content[200:1200] = bytes(1000)
    broken.write_bytes(content)
    with pytest.raises(Exception, match=r".+"), Feed([str(broken), files[1]], COLUMNS, 64, 1) as batches:
        list(batches)


def test_leaving_early_stops_the_reader(files: list[str]) -> None:
    with Feed(files, COLUMNS, 8, 1) as batches:
        next(iter(batches))
    assert batches._thread is not None
    assert not batches._thread.is_alive()
