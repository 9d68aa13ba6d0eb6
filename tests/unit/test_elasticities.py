"""Complete Journey beside published figures: the plain regression against truth, and what the page says of whom."""

import json
from decimal import Decimal
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
    weeks = pd.DataFrame({"product_id": product.astype(str), "units": units, "price": prices})
    assert elasticities.price_alone(weeks) == pytest.approx(1.7, abs=0.05)


def test_a_price_is_known_where_it_was_paid_or_announced() -> None:
    weeks = pd.DataFrame(
        {
            "week": ["paid", "paid and announced", "announced", "carried forward", "free"],
            "is_price_observed": [True, True, False, False, False],
            "unit_price": [Decimal("1.80"), Decimal("1.50"), Decimal("1.80"), Decimal("1.80"), Decimal("1.80")],
            "list_price": [Decimal("2.00")] * 5,
            "announced_discount_rate": [0.0, 0.2, 0.25, 0.0, 1.0],
        }
    )
    known = elasticities.with_known_price(weeks).set_index("week")["price"]
    assert known.to_dict() == pytest.approx({"paid": 1.8, "paid and announced": 1.5, "announced": 1.5})


def products(category: str, size: float, count: int = elasticities.PRODUCTS) -> pd.DataFrame:
    sizes = size + np.linspace(-0.1, 0.1, count)
    return pd.DataFrame({"category": category, "elasticity": sizes, "identification": "weak"})


def test_medians_beyond_the_studies_are_bold_and_discussed() -> None:
    few = elasticities.PRODUCTS - 1
    found = pd.concat([products("BEEF", 1.5), products("PORK", 1.0), products("EGGS", 9.0, few)])
    rows = elasticities.lines(found, {"BEEF": 2.0, "PORK": 1.2, "EGGS": 9.0})
    assert [row.cells[:4] for row in rows] == [
        ["beef", "12", "**1.50**", "1.45–1.55"],
        ["pork", "12", "1.00", "0.95–1.05"],
    ]
    assert elasticities.beyond(rows) == [("beef", "above")]
    page = elasticities.page(rows * 10, "`make demo`, some day")
    assert "- **beef**, above the studies: Cuts of beef" in page
    assert "below the studies" not in page
    assert max(len(line) for line in page.splitlines() if not line.startswith("|")) <= elasticities.WIDTH


def test_medians_below_the_studies_are_not_explained_by_what_makes_them_large() -> None:
    found = pd.concat([products("BEEF", 0.2), products("CANNED JUICES", 0.3), products("PORK", 1.0)])
    rows = elasticities.lines(found, dict.fromkeys(found["category"], 1.0))
    assert [row.cells[2] for row in rows] == ["**0.30**", "**0.20**", "1.00"]
    assert elasticities.beyond(rows) == [("juice", "below"), ("beef", "below")]
    text = " ".join(elasticities.page(rows * 7, "some day").split())
    assert "- **juice, beef**, below the studies: A product should answer no less than its group" in text
    assert "Cuts of beef" not in text


def test_a_group_may_lie_beyond_on_both_sides() -> None:
    found = pd.concat([products("PORK", 0.1), products("BACON", 2.0)])
    rows = elasticities.lines(found, dict.fromkeys(found["category"], 1.0))
    assert elasticities.beyond(rows) == [("pork", "below"), ("pork", "above")]
    page = elasticities.page(rows * 10, "some day")
    assert "- **pork**, above the studies: " in page
    assert "- **pork**, below the studies: " in page


def test_what_lines_have_in_common_is_counted() -> None:
    found = pd.concat(
        [
            products("BEEF", 0.8),
            products("PORK", 0.6),
            products("EGGS", 1.2).assign(identification="discounts"),
            products("BUTTER", 0.9).assign(identification="instruments"),
        ]
    )
    rows = elasticities.lines(found, {"BEEF": 0.9, "PORK": 0.5, "EGGS": 1.0, "BUTTER": 0.8})
    groups, brands, _, weak = elasticities.discussion(rows)
    assert "Of 4 medians, 3 are larger than the mean of the group's studies." in groups
    assert "*Price alone* is larger than the median in 1 of 4 categories." in brands
    assert weak.endswith(
        "The medians of the 2 weak ones range from 0.60 to 0.80, those of the others from 0.90 to 1.20."
    )
    assert {row.identification for row in rows[2:]} == {"discounts", "instruments"}
    assert len(elasticities.discussion(rows[2:])) == 3  # nothing is said of weak ones where there are none


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
    assert left == DEMO.content | {"categories": 20, "beyond": ["beef, above"]}


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
        "Medians of eggs lie above what studies found, and the page would not say why: add a text to REMARKS.\n"
    )
    assert (tmp_path / "page.md").read_text() == "as before"
