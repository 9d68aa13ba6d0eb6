"""The scoreboard from a simulated shop to its figures: the jobs, PriceLake and rivals, nothing made by hand."""

import math
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from pricelake.evaluation.contenders.curves import HierarchicalOls
from pricelake.evaluation.contenders.lazy import StatusQuo
from pricelake.evaluation.rows import FIGURES
from pricelake.settings.scoreboard import Case, Part, ScoreboardSettings
from pricelake.settings.simulation import SimulationSettings
from pricelake.workflows.job import SilentReporter
from pricelake.workflows.scoreboard import score as scoreboard
from pricelake.workflows.scoreboard import shop as scored_shop

RULES = Path(__file__).parents[2] / "conf/rules/scoreboard.yaml"
PARTS: tuple[Part, ...] = ("own_price_bias", "after_change", "profit_capture", "promise", "recommendation")
CONTENDERS = ("status_quo", "hierarchical_ols", "pricelake", "oracle")
BROUGHT = {"run", "identification"}  # run always comes, identification with own_price_bias
SHORT: dict[str, dict[str, Any]] = {
    "training": {"ranks": 1, "epochs": 3},  # two ranks are started by tests/training/test_demand_train.py
    "recommender": {"rank": 4, "iterations": 2},
}


@pytest.fixture
def few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs that train for seconds, and rivals that learn in none."""

    def shorter(*, with_lists: bool) -> dict[str, Any]:
        known = usual(with_lists=with_lists)
        return {name: known.get(name, {}) | SHORT.get(name, {}) for name in {**known, **SHORT}}

    usual = scored_shop.quicker
    monkeypatch.setattr(scored_shop, "quicker", shorter)
    monkeypatch.setattr(scoreboard, "rivals", lambda _: [StatusQuo(), HierarchicalOls()])


@pytest.mark.usefixtures("few_steps")
def test_a_simulated_shop_goes_through_the_jobs_to_every_figure(spark: SparkSession, tmp_path: Path) -> None:
    shop = SimulationSettings(products=4, products_per_category=4, weeks=60, future_weeks=4, customers=100)
    case = Case(name="small", switches=["confounding_hidden", "sold_out"], parts=PARTS)
    settings = ScoreboardSettings(seeds=2, shop=shop, rules=RULES, weeks=(1, 4), cases=[case])
    saved: list[dict[str, Any]] = []
    record = scoreboard.score(spark, settings, tmp_path / "shops", "a test", SilentReporter(), saved.append)
    assert record["failures"] == []
    assert saved == [record]
    (facts,) = record["cases"]
    assert (facts["name"], facts["seeds"], facts["simulated"], facts["products"]) == ("small", [0, 1], True, 4)
    rows = {
        (row["contender"], row["section"], row["figure"], row.get("weeks"), row.get("group")): row
        for row in record["rows"]
    }
    told = {(section, figure) for contender, section, figure, *_ in rows if contender == "pricelake"}
    wanted = {(section, figure) for section in (*PARTS, *BROUGHT) for figure in FIGURES[section]}
    assert told == wanted - {("own_price_bias", "movement")}  # there is no unconfounded twin
    for weeks in settings.weeks:
        captures = {name: rows[name, "profit_capture", "capture", weeks, None] for name in CONTENDERS}
        assert all(math.isfinite(row["mean"]) and len(row["by_seed"]) == 2 for row in captures.values())
        assert (captures["status_quo"]["mean"], captures["oracle"]["mean"]) == pytest.approx((0.0, 1.0))
    assert rows["pricelake", "run", "failed_fits", None, None]["mean"] == 0.0
    for name in ("pricelake", "popularity"):
        ranked = rows[name, "recommendation", "ndcg_at_10", None, None]
        assert (ranked["case"], ranked["seeds"]) == ("small", 2)
        assert 0.0 < ranked["mean"] <= 1.0
