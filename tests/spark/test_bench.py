"""Every measure of the bench at tiny sizes: its keys, runs and spread, not its speed."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from bench import __main__ as program
from bench import als, cost, feed, made_up_panel, pricing, ranks, simulator
from bench.machine import machine_facts
from bench.runs import summarise
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from pricelake.settings import Settings
from pricelake.simulator.writing import keeps_histories


def check_figures(found: dict[str, Any], runs: int, *figures: str) -> None:
    """Numbers above 0 between the smallest and the largest of ``runs`` runs; fit for JSON."""
    assert found["runs"] == runs
    assert len(found["by_run"]) == runs
    for name in figures:
        low, high = found["spread"][name]
        assert 0 < low <= found[name] <= high, name
    assert json.loads(json.dumps(found)) == found


def test_runs_become_medians_and_the_smallest_and_largest() -> None:
    assert summarise([{"a": 3.0, "b": 0.12345678}, {"a": 1.0, "b": 0.2}, {"a": 7.0, "b": 0.3}]) == {
        "a": 3.0,
        "b": 0.2,
        "runs": 3,
        "spread": {"a": [1.0, 7.0], "b": [0.123457, 0.3]},
        "by_run": [{"a": 3.0, "b": 0.123457}, {"a": 1.0, "b": 0.2}, {"a": 7.0, "b": 0.3}],
    }


def test_no_row_of_a_made_up_panel_sells_less_than_nothing(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Millions of rows draw the smallest and the largest number that there is."""
    for drawn in (0.0, 1_000_002 / 1_000_003):
        monkeypatch.setattr(made_up_panel, "uniform", lambda *_, drawn=drawn: F.lit(drawn))
        units = made_up_panel.panel(spark, 2, 3).where("NOT is_open").select("units", "units_winsorised")
        assert units.where("units >= 0 AND units_winsorised >= 0").count() == 6


def test_the_feed_and_the_converter_read_the_same_files(spark: SparkSession, tmp_path: Path) -> None:
    found = feed.measure(spark, tmp_path, rows=16_384, runs=2)
    check_figures(found, 2, "rows_per_second", "converter_rows_per_second", "ratio_to_converter")
    check_figures(found, 2, "start_up_share", "converter_start_up_share")
    assert (found["rows"], found["converter_rows"]) == (16_384, 4096)


def test_the_als_stage_beside_a_bare_fit_with_the_demos_blocks(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = {"extends": str(als.DEMO_SETTINGS), "recommender": {"rank": 3, "iterations": 2}}
    (tmp_path / "small.yaml").write_text(yaml.safe_dump(small | {"spark": {"shuffle_partitions": 3}}))
    monkeypatch.setattr(als, "DEMO_SETTINGS", tmp_path / "small.yaml")
    monkeypatch.setattr(als, "MLLIB_BLOCKS", 2)
    lines = pd.DataFrame(
        {
            "household_id": [n % 12 for n in range(120)],
            "product_id": [n % 17 for n in range(120)],
            "quantity": 1,
            "sales_value": 2.0,
            "transaction_timestamp": pd.Timestamp("2017-11-01") + pd.to_timedelta(range(120), unit="h"),
        }
    )
    lines.to_parquet(tmp_path / "transactions.parquet", coerce_timestamps="us", allow_truncated_timestamps=True)
    found = als.measure(spark, tmp_path, tmp_path / "transactions.parquet", runs=1, warm_ups=0)
    check_figures(found, 1, "ratio_to_bare_fit", "ratio_to_default_blocks", "stage_seconds", "bare_seconds")
    assert [found[name] for name in ("ratings", "rank", "iterations", "blocks")] == [120, 3, 2, 3]


def test_ladders_are_priced_and_their_curves_drawn(spark: SparkSession, tmp_path: Path) -> None:
    found = pricing.measure(spark, tmp_path, ladders=60, runs=1, warm_ups=0)
    rates = ("ladders_per_minute", "ladders_per_minute_with_curves")
    check_figures(found, 1, *rates, "curves_seconds", "pricing_seconds", "samples_seconds")
    assert found["ladders_per_minute_with_curves"] < found["ladders_per_minute"]
    assert (found["ladders"], found["candidates"]) == (60, 50)
    assert 1 < found["candidates_per_ladder"] < 50


def test_training_takes_more_rows_longer_and_scoring_stands_beside_a_bare_network(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train = cost._train

    def only_the_largest(session: SparkSession, settings: Settings) -> tuple[float, float, int]:
        return train(session, settings) if "/120/" in settings.lake.root else (1.0, 0.5, 0)

    monkeypatch.setattr(cost, "_train", only_the_largest)
    found = cost.measure(spark, tmp_path, pairs=(60, 120), runs=1, epochs=1)
    check_figures(found, 1, "scoring_ratio_to_bare_predict", "scored_rows_per_second", "bare_rows_per_second")
    weeks = cost.CLOSED_PERIODS
    assert found["rows"] == [60 * weeks, 120 * weeks]
    assert list(found["training_seconds"]) == [str(count) for count in found["rows"]]
    assert found["scored_rows"] == 120 * (weeks + 1)
    assert 0.0 < found["feed_starvation_share"] < 1.0


def test_simulated_shops_of_three_sizes(spark: SparkSession, tmp_path: Path) -> None:
    found = simulator.measure(spark, tmp_path, products=(8, 16, 32), runs=1, warm_ups=0)
    check_figures(found, 1, "rows_per_second")
    sizes = found["sizes"]
    assert [size["products"] for size in sizes] == [8, 16, 32]
    rows, seconds = ([size[key] for size in sizes] for key in ("rows", "seconds"))
    assert rows == sorted(rows)
    assert rows[-1] > 2 * rows[0]
    assert found["rows_per_second"] == pytest.approx(rows[-1] / seconds[-1], rel=1e-2)
    assert found["exponent"] == pytest.approx(simulator.exponent(rows, seconds), rel=1e-2)
    assert found["keeps_histories"] is True


def test_the_exponent_is_the_slope_through_all_sizes() -> None:
    assert simulator.exponent([10, 100, 1000], [0.2, 2.0, 20.0]) == pytest.approx(1.0)
    # x = 0, 1, 3 and y = 0, 2, 3, so that the slope is cov / var = (13 / 3) / (14 / 3); the two largest alone: 1 / 2
    assert simulator.exponent([1, 10, 1000], [1.0, 100.0, 1000.0]) == pytest.approx(13 / 14)


def test_shops_of_all_sizes_are_written_alike(tmp_path: Path) -> None:
    assert {keeps_histories(simulator.shop(size)) for size in simulator.PRODUCTS} == {True}
    with pytest.raises(ValueError, match="workers keep the histories of the smaller ones alone"):
        simulator.measure(None, tmp_path, products=(8, 16, 4000))  # type: ignore[arg-type]


def test_one_rank_beside_two(spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranks, "EPOCHS", 2)
    found = ranks.measure(spark, tmp_path, rows_per_rank=4096, runs=1)
    check_figures(found, 1, "efficiency", "allreduce_share", "rows_per_second")
    assert found["allreduce_share"] < 1


def test_the_record_says_when_and_where_and_by_which_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(program, "measure_stage", lambda name, folder: {"stage": name})
    monkeypatch.setattr("sys.argv", ["bench"])
    assert program.main() == 0
    record = json.loads((tmp_path / "build/bench/bench.json").read_text())
    assert list(record) == ["code_version", "date", "machine", "feed", "ranks", "als", "pricing", "cost", "simulator"]
    assert record["machine"] == machine_facts()
    assert record["machine"]["cores"] >= 1
    assert set(record["machine"]) == {"cores", "memory_gib", "python", "kernel"}
    assert pd.Timestamp(record["date"]).strftime("%Y-%m-%d") == record["date"]
