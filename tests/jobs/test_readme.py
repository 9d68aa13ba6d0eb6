"""What README and the page on own shops say is so: the worked example runs, jobs table and commands exist."""

import re
import subprocess
from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from typer.testing import CliRunner

from pricelake.cli.app import app
from pricelake.settings import load_settings
from pricelake.tables import Lake
from pricelake.workflows.catalogue import JOBS, job_entry
from pricelake.workflows.job import run_job
from tests.jobs.conftest import REPOSITORY
from tests.tiny_shop import order_lines, products

README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
OWN_SHOP = (REPOSITORY / "docs/own_shop.md").read_text(encoding="utf-8")


def block_after(words: str, language: str) -> str:
    """The first fenced block of a language after some words of the page on own shops."""
    rest = OWN_SHOP[OWN_SHOP.index(words) :]
    found = re.search(rf"```{language}\n(.*?)```", rest, re.DOTALL)
    assert found, f"no {language} block after {words!r}"
    return found.group(1)


def test_the_worked_example_of_an_own_shop_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spark: SparkSession
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))  # where the customers' key is made
    for folder in ("data", "conf/shops", "conf/rules"):
        (tmp_path / folder).mkdir(parents=True)
    for path in ("conf/base.yaml", "conf/rules/grocery.yaml"):
        (tmp_path / path).write_text((REPOSITORY / path).read_text())
    orders, catalogue = order_lines(), products()
    said_orders = block_after("look like this", "csv").splitlines()
    said_products = block_after("o1,1,c017", "csv").splitlines()
    assert said_orders[0] == ",".join(orders.columns)
    assert len(said_orders[1].split(",")) == len(orders.columns)
    assert len(said_products[-1].split(",")) == len(catalogue.columns)
    orders.to_csv("data/orders.csv", index=False)
    catalogue.to_csv("data/products.csv", index=False)
    Path("conf/shops/mine.yaml").write_text(
        block_after("Then `conf/shops/mine.yaml` is", "yaml").replace("data/", f"{tmp_path}/data/")
    )
    Path("conf/mine.yaml").write_text(block_after("and `conf/mine.yaml`", "yaml"))

    command = block_after("and `conf/mine.yaml`", "sh").split()
    as_of = date.fromisoformat(command[command.index("--as-of") + 1])
    settings = load_settings(Path(command[command.index("--settings") + 1]))
    for job in ("ingest", "build_features"):
        run_job(job, job_entry(job).workflow(), spark, settings, as_of)
    open_rows = Lake(spark, settings.lake.root).read("gold.demand_panel").where("is_open").collect()
    assert len(open_rows) == 24
    assert (tmp_path / ".config/pricelake/customer.key").stat().st_mode & 0o777 == 0o600
    assert {row["cost_source"] for row in open_rows} == {"assumed"}
    for row in open_rows:
        rate = 0.5 if row["category"] == "BREAD" else 0.6
        assert float(row["unit_cost"]) == pytest.approx(rate * float(row["list_price"]), abs=1e-4)


def test_the_jobs_table_is_the_catalogue() -> None:
    for entry in JOBS:
        line = next(line for line in README.splitlines() if line.startswith(f"| `{entry.name}` |"))
        for name in (*entry.reads, *entry.writes):
            assert name in line.replace("`", ""), (entry.name, name)
        assert line.endswith(f"| {entry.schedule} |")


def test_every_command_exists() -> None:
    said = {
        line.split("#")[0].strip()
        for block in re.findall(r"```sh\n(.*?)```", README + OWN_SHOP, re.DOTALL)
        for line in block.splitlines()
    }
    targets = subprocess.run(["make", "help"], cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    subcommands = CliRunner().invoke(app, ["--help"]).output
    checked = 0
    for command in filter(None, said):
        if command.startswith("--"):  # the rest of a command
            continue
        program, *words = command.removeprefix(".venv/bin/").split()
        if program == "make":
            assert re.search(rf"^{words[0]}\b", targets, re.MULTILINE), command
        elif program == "pricelake":
            assert re.search(rf"\b{words[0]}\b", subcommands), command
        elif program == "spark-submit":
            script = next(word for word in words if word.endswith(".py"))
            options = words[: words.index(script)]  # name and value in turn
            assert all(name.startswith("--") for name in options[::2]), command
            assert all((REPOSITORY / word).is_file() for word in words if word.endswith((".py", ".yaml"))), command
        else:
            assert program in ("source", "python"), command
        checked += 1
    assert checked >= 8
