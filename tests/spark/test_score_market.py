"""A market and a contender of one's own: the example of the documentation through the whole scoreboard."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import SparkSession

from pricelake.evaluation.contenders.interface import History
from pricelake.evaluation.feasible import hard_rules
from pricelake.evaluation.rows import Setting
from pricelake.evaluation.scoring.stage import Stage
from pricelake.settings.loading import load_file
from pricelake.settings.rules import load_rules
from pricelake.settings.scoreboard import ScoreboardFile
from pricelake.workflows.job import SilentReporter
from pricelake.workflows.own_code import create
from pricelake.workflows.scoreboard.score import score

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "docs/examples"


def test_the_page_shows_the_example_as_it_is() -> None:
    page = (ROOT / "docs/scoreboard.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    files = [path.read_text() for path in sorted(EXAMPLES.glob("*.py"))]
    assert len(blocks) == 3
    for block in blocks:
        assert any(block.strip() in text for text in files), block


def test_a_market_of_ones_own_is_scored_like_a_case(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = load_file(ScoreboardFile, EXAMPLES / "constant_elasticity.yaml")
    changes = {
        "rules": ROOT / file.scoreboard.rules,
        "markets": [str(ROOT / reference) for reference in file.scoreboard.markets],
        "contenders": [str(ROOT / reference) for reference in file.scoreboard.contenders],
    }
    settings = file.scoreboard.model_copy(update=changes)
    market = create(settings.markets[0], ("expected_units",))
    module = __import__("sys").modules[type(market).__module__]
    module.write_history()
    saved = []
    record = score(spark, settings, tmp_path / "shops", "a test", SilentReporter(), saved.append)
    assert saved
    assert record["failures"] == []
    assert [case["name"] for case in record["cases"]] == ["constant_elasticity"]
    assert record["settings"]["markets"] == settings.markets
    assert record["rules"]["rules"]
    assert all(sum(value is not None for value in row["by_seed"].values()) == row["seeds"] for row in record["rows"])
    figures = {(row["section"], row["figure"], row["contender"], row.get("group")): row for row in record["rows"]}
    assert {row["case"] for row in record["rows"]} == {"constant_elasticity"}

    def mean(section: str, figure: str, contender: str) -> float:
        return float(figures[section, figure, contender, None]["mean"])

    # each product's own curve is all there is to know here
    assert mean("profit_capture", "capture", "true_own_curves") == pytest.approx(1.0)
    assert mean("profit_capture", "capture", "oracle") == pytest.approx(1.0)
    assert mean("profit_capture", "capture", "loglog_ols") > 0.9
    assert mean("profit_capture", "capture", "markup_rule") < 0.5
    assert abs(mean("own_price_bias", "mean", "loglog_ols")) < 0.2
    # a guess of -3 is off by the mean of what is true
    assert mean("own_price_bias", "mean", "guessed_elasticity") == pytest.approx(-3.0 + 2.8, abs=1e-6)
    assert mean("own_price_bias", "mean", "steady_demand") == pytest.approx(-2.0 + 2.8, abs=1e-6)
    assert mean("after_change", "forecast_wape", "loglog_ols") < 0.05
    assert not [row for row in record["rows"] if row["section"] == "recommendation"]
    assert {row["mean"] for row in record["rows"] if row["figure"] == "violations"} == {0.0}


def test_the_oracle_of_the_example_sets_the_best_allowed_price_of_the_closed_form() -> None:
    market = create(f"{EXAMPLES}/constant_elasticity.py:ConstantElasticity", ("expected_units",))
    known = __import__("sys").modules[type(market).__module__].PRODUCTS
    offers = market.offers().sort_values("product_id").reset_index(drop=True)
    history = History(pd.DataFrame(), pd.DataFrame(), offers, pd.Series(dtype=float), pd.DataFrame())
    rules = hard_rules(load_rules(ROOT / "conf/rules/scoreboard.yaml"))
    feasible = rules.feasible(history.price_now, history.unit_cost)
    optimum = Stage(market, history, feasible, Setting((), "none"), (1,)).optimum
    assert optimum.bound == pytest.approx(optimum.profit)
    inside = 0
    for place, product in enumerate(offers["product_id"]):
        cost, elasticity = known.loc[product, ["unit_cost", "elasticity"]]
        ladder = np.sort(feasible.prices[place][~np.isnan(feasible.prices[place])])
        assert len(ladder) > 3
        free = cost * elasticity / (elasticity + 1.0)
        # profit rises up to the free optimum and falls beyond it, so that the best allowed price is next to it
        above = int(np.searchsorted(ladder, free))
        nearest = ladder[max(above - 1, 0) : above + 1]
        inside += len(nearest) == 2
        best = max(nearest, key=lambda price: (price - cost) * price**elasticity)
        assert optimum.prices[0][place] == pytest.approx(best), product
        assert best != ladder[0] or free < ladder[1]
    assert inside >= 4
