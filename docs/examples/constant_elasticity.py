"""A market of one's own for the scoreboard: constant elasticities e < -1, where the best price is cost x e / (1 + e).

python docs/examples/constant_elasticity.py
pricelake score --settings docs/examples/constant_elasticity.yaml --out build/constant_elasticity/scoreboard.json
"""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

FOLDER = Path("build/constant_elasticity")
WEEKS = 80
PRODUCTS = pd.DataFrame(
    {
        "level": np.linspace(300.0, 900.0, 12),
        "elasticity": np.linspace(-4.0, -1.6, 12),
        "unit_cost": np.tile([1.0, 2.0, 0.6], 4),
        "price_now": np.tile([1.99, 3.49, 1.09], 4),
    },
    index=pd.Index([f"p{number:02d}" for number in range(12)], name="product_id"),
)


class ConstantElasticity:
    name = "constant elasticity"
    shop = FOLDER / "shop.yaml"
    as_of = date(2023, 1, 2) + timedelta(weeks=WEEKS)

    def offers(self) -> pd.DataFrame:
        named = PRODUCTS.reset_index().assign(market_id="m0", category="all")
        return named[["product_id", "market_id", "category", "price_now", "unit_cost"]]

    def expected_units(self, prices, market, period, context) -> pd.Series:
        known = PRODUCTS.loc[prices.index]
        return known["level"] * prices ** known["elasticity"]

    def unit_costs(self, market, period) -> pd.Series:
        return PRODUCTS["unit_cost"]


def write_history(folder: Path = FOLDER) -> None:
    """Eighty weeks of sales under prices that moved by themselves, and the shop file that maps them."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(1)
    rows = []
    for product, known in PRODUCTS.iterrows():
        price = known["price_now"]
        for week in range(WEEKS):
            if week % 4 == 0:
                price = round(known["price_now"] * float(rng.choice([0.85, 0.95, 1.0, 1.1])), 2)
            if week == WEEKS - 1:
                price = known["price_now"]
            units = int(rng.poisson(known["level"] * price ** known["elasticity"]))
            start = date(2023, 1, 2) + timedelta(weeks=week)
            rows.append((product, "m0", start, units, round(units * price, 2), price))
    columns = ["product_id", "market_id", "period_start", "units", "revenue_amount", "list_price"]
    costs = PRODUCTS[["unit_cost"]].reset_index().assign(market_id="m0", valid_from=date(2023, 1, 2))
    tables = {
        "sales_panel": pd.DataFrame(rows, columns=columns),
        "products": pd.DataFrame({"product_id": PRODUCTS.index, "name": PRODUCTS.index}).assign(
            department="all", category="all", subcategory="all", brand="own"
        ),
        "costs": costs[["product_id", "market_id", "valid_from", "unit_cost"]],
    }
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.csv", index=False)
    shop = {
        "name": "Constant elasticity",
        "currency": "EUR",
        "time_zone": "UTC",
        "country": "DE",
        "sources": {
            name: {"format": "csv", "path": str(folder.absolute() / f"{name}.csv"), "options": {"header": "true"}}
            for name in tables
        },
        "tables": {
            name: {"source": name, "columns": {column: column for column in table.columns}}
            for name, table in tables.items()
        },
    }
    (folder / "shop.yaml").write_text(yaml.safe_dump(shop, sort_keys=False), encoding="utf-8")


if __name__ == "__main__":
    write_history()
