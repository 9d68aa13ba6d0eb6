"""Write a simulated shop, and settings with which every job runs on it."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import yaml
from pyspark.sql import SparkSession

from pricelake.settings.simulation import SimulationSettings
from pricelake.simulator.writing import COLUMNS, write_shop
from pricelake.workflows.job import Reporter


def simulate(spark: SparkSession, settings: SimulationSettings, folder: Path, reporter: Reporter) -> Path:
    """Write the shop's tables, its shop file and ``settings.yaml`` under ``folder``.

    Args:
        spark: session.
        settings: the shop.
        folder: local folder; what an earlier simulation left there is replaced.
        reporter: told of each table.

    Returns:
        the settings file with which ``pricelake run`` prices the week after the history.
    """
    done: list[str] = []

    def written(name: str) -> None:
        done.append(name)
        reporter.advance(len(done), len(COLUMNS), name)

    folder = folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    reporter.step(f"Write {settings.products:,} products, {settings.markets:,} markets, {settings.weeks:,} weeks")
    write_shop(spark, settings, folder, written)
    path = folder / "settings.yaml"
    as_of = settings.first_week + timedelta(days=7 * settings.weeks)
    content = run_settings(folder / "shop.yaml", as_of, folder)
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return path


def run_settings(shop: Path, as_of: date, folder: Path) -> dict[str, Any]:
    """What a shop of one's own would write down, with a place of its own for everything.

    Args:
        shop: shop file.
        as_of: first day after its history.
        folder: for tables, models and the report.
    """
    return {
        "as_of": as_of,
        "shop": str(shop),
        "rules": "conf/rules/grocery.yaml",
        "lake": {"root": str(folder / "lake")},
        "training": {"directory": str(folder / "training")},
        "tracking": {"uri": f"sqlite:///{folder}/mlflow.db", "artifacts": str(folder / "artifacts")},
        "report": {"path": str(folder / "report.html")},
    }
