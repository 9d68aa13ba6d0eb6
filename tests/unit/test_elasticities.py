"""Complete Journey beside published figures: the plain regression against truth, and what the page says of whom."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scripts import elasticities
from scripts.records import Record


def test_price_alone_is_the_elasticity_of_products_with_levels_of_their_own() -> None:
    rng = np.random.default_rng(3)
    product, log_price = np.repeat(np.arange(30), 52), rng.normal(0.0, 0.2, 30 * 52)
    level = rng.normal(2.0, 1.0, 30)[product]
    prices = np.exp(0.5 * level + log_price)  # what sells more is dearer: levels must not pass for the price
    units = rng.poisson(np.exp(level - 1.7 * log_price))
    weeks = pd.DataFrame({"product_id": product.astype(str), "units": units, "unit_price": prices})
    assert elasticities.price_alone(weeks) == pytest.approx(1.7, abs=0.05)


def products(category: str, size: float, count: int = elasticities.PRODUCTS) -> pd.DataFrame:
    sizes = size + np.linspace(-0.1, 0.1, count)
    return pd.DataFrame({"category": category, "elasticity": sizes, "identification": "weak"})


def test_medians_beyond_the_studies_are_bold_and_discussed() -> None:
    few = elasticities.PRODUCTS - 1
    found = pd.concat([products("BEEF", 1.5), products("PORK", 1.0), products("EGGS", 9.0, few)])
    rows, beyond = elasticities.lines(found, {"BEEF": 2.0, "PORK": 1.2, "EGGS": 9.0})
    assert [row[:4] for row in rows] == [["beef", "12", "**1.50**", "1.45–1.55"], ["pork", "12", "1.00", "0.95–1.05"]]
    assert beyond == ["beef"]
    page = elasticities.page(rows * 10, beyond, "`make demo`, some day")
    assert "- **beef**: Cuts of beef" in page
    assert max(len(line) for line in page.splitlines() if not line.startswith("|")) <= elasticities.WIDTH


def test_every_range_surrounds_its_mean_and_no_category_is_in_two_groups() -> None:
    named = [name for published in elasticities.PUBLISHED.values() for name in published.categories]
    assert len(named) == len(set(named)) >= 20
    assert all(one.low < one.mean < one.high for one in elasticities.PUBLISHED.values())
    assert set(elasticities.REMARKS) <= set(elasticities.PUBLISHED)


DEMO = Record(Path("run.json"), "make demo", {"finished_at": "2026-01-02T03:04:05", "code_version": "1.0+abc"})
NAMED = [name for published in elasticities.PUBLISHED.values() for name in published.categories if name != "EGGS"]


def write(folder: Path, found: pd.DataFrame) -> int:
    (folder / "page.md").write_text("as before")
    alone = dict.fromkeys(found["category"], 1.0)
    return elasticities.write(found, alone, DEMO, folder / "page.md", folder / "left.json")


def test_the_page_says_which_demo_and_leaves_how_many_categories_stand_on_it(tmp_path: Path) -> None:
    found = pd.concat([products("BEEF", 1.5), *(products(name, 0.7) for name in NAMED[:20] if name != "BEEF")])
    assert write(tmp_path, found) == 0
    assert "`make demo`, 2026-01-02, code 1.0+abc. Written by" in (tmp_path / "page.md").read_text()
    left = json.loads((tmp_path / "left.json").read_text())
    assert left == DEMO.content | {"categories": 20, "beyond": ["beef"]}


def test_fewer_than_twenty_categories_are_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert write(tmp_path, pd.concat([products(name, 0.7) for name in NAMED[:19]])) == 1
    assert capsys.readouterr().err == (
        "19 categories have 12 products that sold in 26 weeks, fewer than the 20 that are to stand beside published "
        "elasticities. Run 'make demo' again, or name more categories in PUBLISHED.\n"
    )
    assert (tmp_path / "page.md").read_text() == "as before"
    assert not (tmp_path / "left.json").exists()


def test_a_deviation_without_a_text_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = pd.concat([products("EGGS", 9.0), products("BEEF", 9.0), *(products(name, 0.7) for name in NAMED[:20])])
    assert write(tmp_path, found) == 1
    assert capsys.readouterr().err == (
        "Medians of eggs lie beyond what studies found, and the page would not say why: add a text to REMARKS.\n"
    )
    assert (tmp_path / "page.md").read_text() == "as before"
