"""A shop of a dozen products, small enough for any test, whose true elasticity is known."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

AS_OF = date(2024, 3, 4)  # a Monday
WEEKS = 60
FIRST_DAY = AS_OF - timedelta(weeks=WEEKS)
MARKETS = ("north", "south")
TRUE_ELASTICITY = -2.0
CATEGORIES = (("FOOD", "BREAD"), ("FOOD", "CHEESE"), ("HOME", "SOAP"))
PRODUCTS = 12
CUSTOMERS = 80


def products() -> pd.DataFrame:
    rows = []
    for number in range(PRODUCTS):
        department, category = CATEGORIES[number % 3]
        rows.append(
            {
                "sku": f"p{number:02d}",
                "title": f"{category.title()} no. {number}",
                "department": department,
                "category": category,
                "subcategory": f"{category} {number % 2}",
                "brand": f"brand {number % 4}",
            }
        )
    return pd.DataFrame(rows)


def order_lines(seed: int = 5) -> pd.DataFrame:
    """One row per line; demand is Poisson with elasticity ``TRUE_ELASTICITY`` around each product's base price."""
    rng = np.random.default_rng(seed)
    tastes = rng.dirichlet(np.full(CUSTOMERS, 0.3), size=PRODUCTS)
    rows, line = [], 0
    for number in range(PRODUCTS):
        base = 2.0 + number * 0.5
        for market_number, market in enumerate(MARKETS):
            list_price, level = base, 5.0 + 3.0 * (number % 3) + 2.0 * market_number
            for week in range(WEEKS):
                if rng.random() < 0.15:
                    list_price = round(base * rng.uniform(0.8, 1.25), 2)
                discount = 0.2 if rng.random() < 0.15 else 0.0
                paid = round(list_price * (1 - discount), 2)
                season = 1 + 0.2 * np.sin(2 * np.pi * week / 52)
                units = rng.poisson(level * season * (paid / base) ** TRUE_ELASTICITY)
                for _ in range(units):
                    line += 1
                    moment = pd.Timestamp(FIRST_DAY) + pd.Timedelta(
                        weeks=week, minutes=int(rng.integers(0, 7 * 24 * 60))
                    )
                    customer = int(rng.choice(CUSTOMERS, p=tastes[number]))
                    rows.append(
                        (
                            f"o{line}",
                            "1",
                            f"c{customer:03d}",
                            f"p{number:02d}",
                            market,
                            moment,
                            1,
                            paid,
                            round(list_price - paid, 2),
                        )
                    )
    columns = ["order", "line", "customer", "sku", "market", "at", "qty", "paid", "discount"]
    return pd.DataFrame(rows, columns=columns)


def weekly_totals() -> pd.DataFrame:
    """The same sales as totals per product, market and week."""
    lines = order_lines()
    week = lines["at"].dt.normalize() - pd.to_timedelta(lines["at"].dt.dayofweek, unit="D")
    lines = lines.assign(week=week, regular=lines["paid"] + lines["discount"])
    totals = lines.groupby(["sku", "market", "week"], as_index=False)
    return totals.agg(units=("qty", "sum"), revenue=("paid", "sum"), list_price=("regular", "mean")).round(2)


def costs() -> pd.DataFrame:
    rows = [
        {"sku": f"p{n:02d}", "market": m, "from": FIRST_DAY, "cost": round((2.0 + n * 0.5) * 0.55, 2)}
        for n in range(PRODUCTS)
        for m in MARKETS
    ]
    return pd.DataFrame(rows)


def promotions() -> pd.DataFrame:
    rows = [
        {"sku": f"p{n:02d}", "market": "north", "kind": "display", "from": FIRST_DAY + timedelta(weeks=10 + n)}
        for n in range(PRODUCTS)
    ]
    return pd.DataFrame(rows)


def write_tiny_shop(folder: Path, totals_only: bool = False) -> Path:
    """CSV files and a shop file that maps them; returns the shop file's path.

    With ``totals_only`` the shop keeps weekly totals instead of order lines, and so knows no customers.
    """
    folder.mkdir(parents=True, exist_ok=True)
    frames = {"products": products(), "costs": costs(), "promotions": promotions()}
    frames |= {"totals": weekly_totals()} if totals_only else {"orders": order_lines()}
    for name, frame in frames.items():
        frame.to_csv(folder / f"{name}.csv", index=False)
    shop = {
        "name": "Tiny",
        "currency": "EUR",
        "time_zone": "UTC",
        "country": "DE",
        "customer_key": f"file:{folder}/customer.key",
        "sources": {
            name: {"format": "csv", "path": str(folder / f"{name}.csv"), "options": {"header": "true"}}
            for name in frames
        },
        "tables": {
            "products": {
                "source": "products",
                "columns": {
                    "product_id": "sku",
                    "name": "title",
                    "department": "department",
                    "category": "category",
                    "subcategory": "subcategory",
                    "brand": "brand",
                },
            },
            "order_lines": {
                "source": "orders",
                "columns": {
                    "order_id": "`order`",
                    "line_id": "line",
                    "customer_id": "customer",
                    "product_id": "sku",
                    "market_id": "market",
                    "ordered_at": "at",
                    "quantity": "qty",
                    "paid_amount": "paid",
                    "discount_amount": "discount",
                },
            },
            "costs": {
                "source": "costs",
                "columns": {"product_id": "sku", "market_id": "market", "valid_from": "`from`", "unit_cost": "cost"},
            },
            "promotions": {
                "source": "promotions",
                "columns": {
                    "product_id": "sku",
                    "market_id": "market",
                    "kind": "kind",
                    "starts_on": "`from`",
                    "ends_on": "date_add(`from`, 6)",
                },
            },
        },
    }
    if totals_only:
        del shop["tables"]["order_lines"], shop["customer_key"]
        columns = {"product_id": "sku", "market_id": "market", "period_start": "week", "units": "units"}
        columns |= {"revenue_amount": "revenue", "list_price": "list_price"}
        shop["tables"]["sales_panel"] = {"source": "totals", "columns": columns}
    path = folder / "shop.yaml"
    path.write_text(yaml.safe_dump(shop, sort_keys=False))
    return path
