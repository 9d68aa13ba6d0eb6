import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from pricelake.errors import ContractError
from pricelake.tables import CONTRACTS, Lake
from tests.demand_shop import panel_frame, panel_rows


def weather(spark: SparkSession, rows: list[tuple[str, date, float | None, float | None]]) -> DataFrame:
    return spark.createDataFrame(rows, CONTRACTS["bronze.weather"].schema)


DAY, NEXT = date(2024, 1, 1), date(2024, 1, 2)


def rows(lake: Lake, name: str = "bronze.weather") -> list[tuple[object, ...]]:
    return sorted(tuple(row) for row in lake.read(name).collect())


def test_every_contract_becomes_a_table_with_its_schema_comments_and_constraints(lake: Lake) -> None:
    for name, contract in CONTRACTS.items():
        lake.create(name)
        written = lake.read(name)
        assert [c.name for c in written.schema.fields] == list(contract.column_names)
        for found, wanted in zip(written.schema.fields, contract.columns, strict=True):
            assert found.metadata["comment"] == wanted.metadata["comment"]
            assert found.dataType.simpleString() == wanted.dataType.simpleString()
        properties = lake.spark.sql(f"SHOW TBLPROPERTIES delta.`{lake.path(name)}`").collect()
        held = {row["key"]: row["value"] for row in properties}
        assert held["delta.enableChangeDataFeed"] == "true"
        assert {
            k.removeprefix("delta.constraints."): v for k, v in held.items() if k.startswith("delta.constraints.")
        } == contract.constraints
        layout = lake.spark.sql(f"DESCRIBE DETAIL delta.`{lake.path(name)}`").first()
        assert layout is not None
        assert tuple(layout["clusteringColumns"]) == contract.cluster_by


def test_a_null_in_a_required_column_stops_the_commit(lake: Lake, spark: SparkSession) -> None:
    broken = weather(spark, [("m", DAY, 1.0, None)]).withColumn("market_id", F.when(F.col("date") != DAY, "m"))
    with pytest.raises(ContractError, match=r"Rows break the contract of bronze\.weather: .*market_id"):
        lake.replace("bronze.weather", broken)
    assert rows(lake) == []


def test_merge_inserts_new_keys_updates_changed_rows_and_leaves_the_same_rows_alone(
    lake: Lake, spark: SparkSession
) -> None:
    first = weather(spark, [("m", DAY, 1.0, None), ("m", NEXT, 2.0, 0.5)])
    lake.create("bronze.weather")
    assert lake.merge("bronze.weather", first) == 2
    assert lake.merge("bronze.weather", first) == 0
    assert lake.merge("bronze.weather", weather(spark, [("m", DAY, None, 3.0), ("n", DAY, 5.0, 0.0)])) == 2
    assert rows(lake) == [("m", DAY, None, 3.0), ("m", NEXT, 2.0, 0.5), ("n", DAY, 5.0, 0.0)]


def test_replace_with_a_condition_touches_only_matching_rows(lake: Lake, spark: SparkSession) -> None:
    lake.replace("bronze.weather", weather(spark, [("m", DAY, 1.0, None), ("m", NEXT, 2.0, None)]))
    lake.replace("bronze.weather", weather(spark, [("m", DAY, 9.0, None)]), where="date = DATE '2024-01-01'")
    assert rows(lake) == [("m", DAY, 9.0, None), ("m", NEXT, 2.0, None)]


@pytest.mark.parametrize("write", ["merge", "replace"])
def test_a_row_that_breaks_a_constraint_stops_the_commit(lake: Lake, spark: SparkSession, write: str) -> None:
    lake.replace("bronze.weather", weather(spark, [("m", DAY, 1.0, None)]))
    broken = r"Rows break the contract of bronze.weather: .*temperature_on_earth.* temperature_c : 200.0$"
    with pytest.raises(ContractError, match=broken):
        getattr(lake, write)("bronze.weather", weather(spark, [("m", NEXT, 200.0, None)]))
    assert rows(lake) == [("m", DAY, 1.0, None)]


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_a_number_that_is_none_never_reaches_a_model(lake: Lake, spark: SparkSession, number: float) -> None:
    rows = panel_frame(spark, panel_rows(products=1, weeks=2)).withColumn("temperature_c", F.lit(number))
    with pytest.raises(ContractError, match=r"Rows break the contract of gold\.demand_panel: .*numbers_are_finite"):
        lake.replace("gold.demand_panel", rows)


def test_two_source_rows_for_one_key_are_refused(lake: Lake, spark: SparkSession) -> None:
    lake.replace("bronze.weather", weather(spark, [("m", DAY, 1.0, None)]))
    with pytest.raises(ContractError, match=r"Rows break the contract of bronze.weather"):
        lake.merge("bronze.weather", weather(spark, [("m", DAY, 2.0, None), ("m", DAY, 3.0, None)]))


def test_frames_that_do_not_fit_are_refused_with_every_difference(lake: Lake, spark: SparkSession) -> None:
    frame = spark.range(1).selectExpr(
        "'m' AS market_id", "1 AS temperature_c", "2.0D AS precipitation_mm", "1 AS extra"
    )
    with pytest.raises(ContractError) as caught:
        lake.replace("bronze.weather", frame)
    assert str(caught.value) == (
        "Rows do not fit bronze.weather: missing date; unknown extra; temperature_c is int, expected double."
    )


def test_a_table_written_under_another_contract_is_refused(lake: Lake, spark: SparkSession) -> None:
    older = weather(spark, [("m", DAY, 1.0, None)]).drop("precipitation_mm").withColumn("sun_hours", F.lit(3))
    older.write.format("delta").save(lake.path("bronze.weather"))
    with pytest.raises(ContractError) as caught:
        lake.merge("bronze.weather", weather(spark, [("m", DAY, 2.0, None)]))
    assert str(caught.value) == (
        "bronze.weather was written under another contract: it lacks precipitation_mm, it has sun_hours. Remove "
        f"{lake.path('bronze.weather')}, or write to another lake.root, and run the jobs again."
    )


def test_reads_stay_at_the_version_first_seen_and_own_writes_are_seen(lake: Lake, spark: SparkSession) -> None:
    lake.replace("bronze.weather", weather(spark, [("m", DAY, 1.0, None)]))
    reader = Lake(spark, lake.root, "reader")
    assert rows(reader) == [("m", DAY, 1.0, None)]
    lake.replace("bronze.weather", weather(spark, [("m", DAY, 2.0, None)]))
    assert rows(reader) == [("m", DAY, 1.0, None)]
    assert rows(lake) == [("m", DAY, 2.0, None)]
    assert reader.journal.inputs_read == {"bronze.weather": 1}
    assert lake.journal.outputs == {"bronze.weather": 2}


def test_a_root_may_be_relative(spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    lake = Lake(spark, "some/lake")
    lake.replace("bronze.weather", weather(spark, [("m", DAY, 1.0, None)]))
    assert (tmp_path / "some/lake/bronze/weather/_delta_log").is_dir()
    assert rows(lake) == [("m", DAY, 1.0, None)]


def test_commits_name_the_run_and_themselves(lake: Lake, spark: SparkSession) -> None:
    lake.replace("bronze.weather", weather(spark, [("m", DAY, 1.0, None)]))
    history = spark.sql(f"DESCRIBE HISTORY delta.`{lake.path('bronze.weather')}`").select("userMetadata").collect()
    said = [json.loads(row["userMetadata"]) for row in history]
    assert [commit["run_id"] for commit in said] == ["test", "test"]
    assert len({commit["commit_id"] for commit in said}) == 2


def test_a_commit_of_another_right_after_is_not_taken_for_the_own(
    lake: Lake, spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake.replace("bronze.weather", weather(spark, [("m", DAY, 1.0, None)]))
    own_commit = Lake._own_commit

    def after_another(self: Lake, name: str, signature: str) -> tuple[int, int]:
        monkeypatch.setattr(Lake, "_own_commit", own_commit)
        other = Lake(spark, lake.root, "other")
        other.append(name, weather(spark, [("o", DAY, 1.0, None), ("o", NEXT, 1.0, None)]))
        return own_commit(self, name, signature)

    monkeypatch.setattr(Lake, "_own_commit", after_another)
    assert lake.merge("bronze.weather", weather(spark, [("n", DAY, 1.0, None)])) == 1
    assert lake.journal.outputs == {"bronze.weather": 2}
    assert lake.version("bronze.weather") == 3
    assert [row[0] for row in rows(lake)] == ["m", "n"]


def test_a_table_that_several_create_at_once_is_there_for_each(spark: SparkSession, tmp_path: Path) -> None:
    """Six new lakes, three writers each, one a little after the other: each meets another's half-made table."""

    def write(session: SparkSession, root: Path, wait: float, barrier: threading.Barrier) -> int:
        barrier.wait(timeout=60)
        time.sleep(wait)
        return Lake(session, str(root)).append("bronze.weather", weather(session, [("m", DAY, 1.0, None)]))

    sessions = [spark.newSession() for _ in range(3)]
    for turn in range(6):
        barrier = threading.Barrier(3)
        with ThreadPoolExecutor(3) as pool:
            writers = [
                pool.submit(write, session, tmp_path / str(turn), 0.02 * turn * nr, barrier)
                for nr, session in enumerate(sessions)
            ]
        assert [writer.result() for writer in writers] == [1, 1, 1]
        assert len(rows(Lake(spark, str(tmp_path / str(turn))))) == 3


def test_the_order_of_a_maps_entries_is_no_change(lake: Lake, spark: SparkSession) -> None:
    def customer(attributes: str) -> DataFrame:
        columns = CONTRACTS["bronze.customers"].columns
        known = {"customer_id": "'c'", "attributes": attributes}
        return spark.range(1).selectExpr(
            *[f"CAST({known.get(c.name, 'NULL')} AS {c.dataType.simpleString()}) AS {c.name}" for c in columns]
        )

    lake.create("bronze.customers")
    assert lake.merge("bronze.customers", customer("map('a', '1', 'b', '2')")) == 1
    assert lake.merge("bronze.customers", customer("map('b', '2', 'a', '1')")) == 0
    assert lake.merge("bronze.customers", customer("map('b', '2', 'a', '3')")) == 1
    assert lake.merge("bronze.customers", customer("NULL")) == 1


def test_unknown_and_unwritten_tables_say_what_to_do(lake: Lake) -> None:
    with pytest.raises(ContractError, match=r"There is no table 'gold.nothing'. Known tables: bronze.calendar"):
        lake.read("gold.nothing")
    with pytest.raises(
        ContractError, match=r"gold.sequences has not been written yet under .* Run the job that writes it first"
    ):
        lake.read("gold.sequences")
