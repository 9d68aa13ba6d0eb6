"""Every job runs alone, as a script, as a subcommand and under spark-submit, and exits non-zero when it fails."""

import json
import subprocess
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import Result
from pyspark.sql import SparkSession
from typer.testing import CliRunner

from pricelake.cli.app import app
from pricelake.tables import Lake
from pricelake.workflows.catalogue import JOBS
from pricelake.workflows.pipeline import run_record, write_record
from tests.jobs.conftest import REPOSITORY, Chain, Site, write_site_settings
from tests.jobs.submitted import BIN, submit
from tests.tiny_shop import AS_OF, write_tiny_shop


def test_every_job_has_a_script_that_runs_it() -> None:
    scripts = {path.stem for path in (REPOSITORY / "jobs").glob("*.py")} - {"__init__"}
    assert scripts == {entry.name for entry in JOBS}
    for entry in JOBS:
        assert callable(entry.workflow())


def test_each_script_runs_its_job(chain: Chain, spark: SparkSession) -> None:
    assert chain.exit_codes == {entry.name: 0 for entry in JOBS}
    runs = Lake(spark, chain.site.settings.lake.root).read("ops.runs").orderBy("started_at").collect()
    assert [(run["job"], run["outcome"]) for run in runs] == [(entry.name, "succeeded") for entry in JOBS]


@pytest.mark.parametrize("name", [entry.name for entry in JOBS])
def test_each_script_fails_with_one_line_where_nothing_can_be_done(
    name: str, tmp_path: Path, spark: SparkSession, caplog: pytest.LogCaptureFixture
) -> None:
    settings = tmp_path / "settings.yaml"
    settings.write_text(f"lake: {{root: {tmp_path}/lake}}\nshop: {tmp_path}/none.yaml\nrules: {tmp_path}/none.yaml\n")
    assert import_module(f"jobs.{name}").main(["--settings", str(settings), "--as-of", "2024-03-04"]) == 1
    assert f"{name} failed: " in caplog.text


def test_wrong_usage_exits_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert import_module("jobs.ingest").main([]) == 2
    assert "--settings" in capsys.readouterr().err


def test_spark_submit_reports_a_failure() -> None:
    failed = submit("ingest", "--settings", "conf/nowhere.yaml")
    assert failed.returncode == 1
    assert "ingest failed: " in failed.stdout
    assert "conf/nowhere.yaml does not exist" in failed.stdout


def pricelake(*words: str) -> Result:
    return CliRunner().invoke(app, words, env={"COLUMNS": "160"})


def test_a_shop_with_totals_alone_runs_the_same_chain_and_says_what_it_lacks(
    tmp_path: Path, spark: SparkSession
) -> None:
    """The whole command as a person types it: all jobs, progress, record, summary, report; two rows are bad."""
    site = Site(tmp_path / "site")
    write_tiny_shop(site.folder / "shop", totals_only=True)
    with (site.folder / "shop/totals.csv").open("a") as totals:
        totals.write("p01,north,2023-01-09,-4,3.2,1.1\nunheard,north,2023-01-09,4,3.2,1.1\n")
    write_site_settings(site)
    record_path = tmp_path / "build" / "run.json"
    done = pricelake("run", "--settings", str(site.settings_file), "--json", str(record_path))
    assert done.exit_code == 0, done.output[-2000:]
    said = " ".join(done.stdout.split())
    assert "sales come as totals: no customers, so no recommendations" in said
    assert "Recommender: no recommendations: gold.interactions has not been written" in said
    assert "of 24 prices should change" in said
    assert "Elasticity: median -" in said
    assert "2 rows in quarantine" in said
    assert f"Report: {site.folder}/report.html" in said
    assert f"Record of this run: {record_path}" in said
    headings = [said.index(f"{number}/6 {entry.name}") for number, entry in enumerate(JOBS, start=1)]
    assert headings == sorted(headings)
    assert "… Train the LightGBM baseline on the same rows and features" in said
    record = json.loads(record_path.read_text())
    assert [job["name"] for job in record["jobs"]] == [entry.name for entry in JOBS]
    assert record["recommendations"]["count"] == 24
    prices = Lake(spark, site.settings.lake.root).read("gold.price_recommendations").toPandas()
    told = record["recommendations"]
    assert told | headline_of(prices) == told
    changed = prices[prices["is_changed"]]
    least, most = (float(changed[f"uplift_{end}_amount"].sum()) for end in ("low", "high"))
    ends = [told[f"profit_gain{end}_amount"] for end in ("_low", "", "_high")]
    assert [least, *ends, most] == sorted([least, *ends, most])  # no row errs more in the sum than alone
    assert 0 < record["recommendations"]["profit_now_amount"] < record["recommendations"]["revenue_now_amount"]
    assert record["demand"]["share_downward"] == 1.0
    for figure in ("wape", "bias"):
        assert set(record["demand"][figure]) == {"pricelake", "mean_8_weeks", "last_week", "lightgbm"}
    assert record["demand"]["wape"]["lightgbm"] != record["demand"]["wape"]["pricelake"]
    for contender, wape in record["demand"]["wape"].items():
        assert f"{contender} │ {wape:.3f}" in said
    assert record["quarantined_rows"] == 2
    assert record["machine"]["cores"] >= 1
    assert record["code_version"]
    assert "<html" in (site.folder / "report.html").read_text()[:200]

    shown = pricelake(
        "show", "gold.price_recommendations", "--settings", str(site.settings_file), "--where", "product_id = 'p03'"
    )
    assert shown.exit_code == 0, shown.output[-2000:]
    assert "p03" in shown.stdout
    assert "p04" not in shown.stdout
    doctor = pricelake("doctor", "--settings", str(site.settings_file))
    assert doctor.exit_code == 0, doctor.output
    assert "Horovod" in doctor.stdout


def test_each_job_is_a_subcommand_that_says_what_it_did(
    site_before: Callable[[str], Site], spark: SparkSession
) -> None:
    listed = pricelake("--help").stdout
    assert all(f" {entry.name.replace('_', '-')} " in listed for entry in JOBS)
    site = site_before("write_report")
    done = pricelake("write-report", "--settings", str(site.settings_file), "--as-of", AS_OF.isoformat())
    assert done.exit_code == 0, done.output[-2000:]
    assert "write_report: 24 rows in, 0 out" in done.stdout
    assert (site.folder / "report-prices.csv").is_file()


def test_a_record_is_json_whatever_the_figures(tmp_path: Path) -> None:
    write_record({"demand": {"wape": {"a": float("nan"), "b": 0.5}}, "x": [float("inf"), 1]}, tmp_path / "run.json")
    text = (tmp_path / "run.json").read_text()
    assert json.loads(text, parse_constant=pytest.fail) == {"demand": {"wape": {"a": None, "b": 0.5}}, "x": [None, 1]}


def test_errors_are_printed_without_a_trace(tmp_path: Path) -> None:
    write_site_settings(Site(tmp_path))
    known = str(tmp_path / "settings.yaml")
    for words, message in (
        (("show", "gold.nothing", "--settings", known), "There is no table 'gold.nothing'."),
        (("run", "--settings", "conf/nowhere.yaml"), "conf/nowhere.yaml does not exist"),
        (("ingest", "--settings", known, "--set", "lake.root=["), "--set lake.root=[: the value is not YAML"),
    ):
        failed = subprocess.run(
            [str(BIN / "pricelake"), *words], cwd=REPOSITORY, capture_output=True, text=True, check=False
        )
        assert failed.returncode == 1
        assert failed.stderr.startswith(f"error: {message}"), failed.stderr
        assert "Traceback" not in failed.stderr


def headline_of(prices: pd.DataFrame) -> dict[str, Any]:
    """The headline of the record by pandas, from gold.price_recommendations of one as-of date."""
    changed = prices[prices["is_changed"]]
    costed = changed[changed["profit_then_amount"].notna()]
    revenue_gain = changed["revenue_then_amount"] - changed["revenue_now_amount"]
    return {
        "profit_now_amount": pytest.approx(float(prices["profit_now_amount"].dropna().sum())),
        "profit_gain_amount": pytest.approx(float(costed["uplift_amount"].sum())),
        "revenue_now_amount": pytest.approx(float(prices["revenue_now_amount"].dropna().sum())),
        "revenue_gain_amount": pytest.approx(float(revenue_gain.sum())),
        "low_confidence_changed": int(changed["confidence"].isin(["low", "none"]).sum()),
    }


def test_the_record_has_every_section_people_read(chain: Chain, tmp_path: Path) -> None:
    path = tmp_path / "deep" / "run.json"
    write_record(run_record(list(chain.results.values()), 12.5), path)
    record = json.loads(path.read_text())
    assert [job["name"] for job in record["jobs"]] == [entry.name for entry in JOBS]
    assert {"name", "seconds", "rows_in", "rows_out", "table_versions"} == set(record["jobs"][0])
    assert sum(rank["rows"] for rank in record["ranks"]) > 0
    assert [rank["rank"] for rank in record["ranks"]] == [0, 1]
    for contender in ("als", "popularity", "repeat"):
        for purchases in ("all", "repeat", "first_time"):
            assert set(record["recommender"][contender][purchases]) >= {
                "precision",
                "recall",
                "f1",
                "ndcg_at_10",
                "coverage",
            }
    assert set(record["demand"]["wape"]) >= {"pricelake", "mean_8_weeks", "last_week", "lightgbm"}
    assert record["demand"]["share_downward"] == 1.0
    assert record["demand"]["median_elasticity"] < 0
    counted = record["recommendations"]
    assert counted["count"] == 24
    assert counted["changed"] + sum(counted["held_back"].values()) <= counted["count"]
    assert record["quarantined_rows"] == 0
    assert record["total_seconds"] == 12.5
