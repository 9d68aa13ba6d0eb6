"""Complete Journey beside published figures: the plain regression against truth, and what the page says of whom."""

import numpy as np
import pandas as pd
import pytest
from scripts import elasticities


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
    page = elasticities.page(rows, [*beyond, "eggs"], "`make demo`, some day")
    assert "- **beef**: Cuts of beef" in page
    assert "- **eggs**: Not explained yet." in page  # never silently
    assert max(len(line) for line in page.splitlines() if not line.startswith("|")) <= elasticities.WIDTH


def test_every_range_surrounds_its_mean_and_no_category_is_in_two_groups() -> None:
    named = [name for published in elasticities.PUBLISHED.values() for name in published.categories]
    assert len(named) == len(set(named)) >= 20
    assert all(one.low < one.mean < one.high for one in elasticities.PUBLISHED.values())
    assert set(elasticities.REMARKS) <= set(elasticities.PUBLISHED)
