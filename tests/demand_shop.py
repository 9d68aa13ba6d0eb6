"""A gold.demand_panel by contract whose true demand curves are known; features by plain pandas."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from pyspark.sql import DataFrame, SparkSession

from pricelake.tables import contract_of

AS_OF = date(2024, 3, 4)  # a Monday
ELASTICITIES = {"BREAD": -1.3, "CHEESE": -2.6}
OUTLIER = {"product_id": "p004", "period_start": AS_OF - timedelta(weeks=4)}
"""A week in which one customer bought for a party: the panel pulls its units back."""

ZEROS = ["coupon_rate", "feature_rate", "promotion_depth_rate", "days_to_holiday", "season_sin_1", "season_cos_1"]
ZEROS += ["announced_discount_rate", "views_lag_1", "views_mean_4", "views_mean_13"]
ZEROS += [
    "price_cut_rate",
    "season_sin_2",
    "season_cos_2",
    "temperature_c",
    "precipitation_mm",
    "promotion_lag_1",
    "category_discount_rate",
]


def panel_rows(
    products: int = 40, weeks: int = 60, seed: int = 3, markets: tuple[str, ...] = ("north",)
) -> pd.DataFrame:
    """Closed weeks and one open week per product and market; prices move at random, independent of demand."""
    rng = np.random.default_rng(seed)
    frames = []
    for number in range(products):
        category = list(ELASTICITIES)[number % 2]
        for market in markets:
            base, level = 2.0 + 0.1 * number, float(rng.lognormal(2.2, 0.5))
            list_price = np.round(
                base * np.exp(np.cumsum(rng.normal(0, 0.06, weeks + 1) * (rng.random(weeks + 1) < 0.4))), 2
            )
            discount = np.where(rng.random(weeks + 1) < 0.2, 0.25, 0.0)
            price = np.round(list_price * (1 - discount), 2)
            display = np.where(rng.random(weeks + 1) < 0.15, 0.5, 0.0)
            mean = level * (price / base) ** ELASTICITIES[category] * np.exp(0.8 * display)
            units = rng.negative_binomial(5.0, 5.0 / (5.0 + mean)).astype(float)
            frames.append(
                pd.DataFrame(
                    {
                        "product_id": f"p{number:03d}",
                        "market_id": market,
                        "period_start": [AS_OF - timedelta(weeks=weeks - w) for w in range(weeks + 1)],
                        "department": "FOOD",
                        "category": category,
                        "subcategory": f"{category} {number % 3}",
                        "brand": f"brand {number % 4}",
                        "list_price": list_price,
                        "true_price": price,
                        "display_rate": display,
                        "true_mean": mean,
                        "units": units,
                    }
                )
            )
    return with_features(pd.concat(frames, ignore_index=True))


def with_features(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of units, list prices and prices paid with the features that the panel has."""
    rows["is_outlier"] = (rows[list(OUTLIER)] == pd.Series(OUTLIER)).all(axis=1)
    rows["units_winsorised"] = rows["units"]
    rows.loc[rows["is_outlier"], "units"] = 5 * (1 + rows["units"])
    group = rows.groupby(["product_id", "market_id"], sort=False)
    rows["is_open"] = rows["period_start"] == AS_OF
    rows["is_price_observed"] = (rows["units"] > 0) & ~rows["is_open"]
    seen = rows["true_price"].where(rows["is_price_observed"])
    rows["unit_price"] = seen.groupby([rows["product_id"], rows["market_id"]]).ffill().fillna(rows["list_price"])
    rows.loc[rows["is_open"], "unit_price"] = rows["list_price"]
    rows["discount_rate"] = (1 - rows["unit_price"] / rows["list_price"]).clip(0, 1)

    def before(column: str, window: int, how: str) -> pd.Series:
        shifted = group[column].shift(1)
        rolled = shifted.groupby([rows["product_id"], rows["market_id"]], sort=False).rolling(window, min_periods=1)
        return getattr(rolled, how)().reset_index(level=[0, 1], drop=True).sort_index()

    rows["reference_price"] = before("unit_price", 8, "mean").fillna(rows["unit_price"]).round(4)
    for lag in (1, 2, 3, 4):
        rows[f"units_lag_{lag}"] = group["units_winsorised"].shift(lag).fillna(0.0)
    for window in (4, 8, 13):
        rows[f"units_mean_{window}"] = before("units_winsorised", window, "mean").fillna(0.0)
    rows["units_mean_all"] = before("units_winsorised", 10_000, "mean").fillna(0.0)
    rows["units_max_8"] = before("units_winsorised", 8, "max").fillna(0.0)
    rows["revenue_rate_8"] = np.log1p(rows["units_mean_8"] * rows["reference_price"])
    rows["price_lag_ratio"] = (group["unit_price"].shift(1) / rows["reference_price"]).fillna(1.0)
    rows["age_periods"] = group.cumcount()
    sold = (rows["units"] > 0).astype(int)
    rows["sold_periods"] = sold.groupby([rows["product_id"], rows["market_id"]]).cumsum() - sold
    rows["periods_since_sale"] = 1
    rows["price_changes"] = rows["age_periods"] // 3
    for name in ZEROS:
        rows[name] = 0.0
    rows["holiday_days"], rows["category_units_lag_1"], rows["competitor_index"] = 0, 1.0, 1.0
    rows["availability_rate"], rows["is_availability_missing"] = 1.0, True
    rows["is_weather_missing"], rows["is_competitor_missing"], rows["is_views_missing"] = True, True, True
    rows.loc[rows["is_open"], ["units", "units_winsorised"]] = np.nan
    rows["revenue_amount"] = rows["units"] * rows["unit_price"]
    own = np.exp(0.02 * np.random.default_rng(11).standard_normal(len(rows)))
    rows["unit_cost"], rows["cost_source"] = (rows["list_price"] * 0.6 * own).round(4), "brought"
    return rows


def panel_frame(spark: SparkSession, rows: pd.DataFrame) -> DataFrame:
    """The rows by the contract of gold.demand_panel."""
    contract = contract_of("gold.demand_panel")
    fitted = rows[list(contract.column_names)].copy()
    for field in contract.columns:
        kind = field.dataType.typeName()
        if kind == "decimal":
            fitted[field.name] = [None if pd.isna(v) else Decimal(f"{v:.4f}") for v in fitted[field.name]]
        elif kind == "integer":
            fitted[field.name] = fitted[field.name].astype("int32")
        elif kind == "double":
            values = fitted[field.name].astype(float)
            fitted[field.name] = values.astype(object).where(values.notna(), None)
    return spark.createDataFrame(fitted, contract.schema)


def factors_frame(spark: SparkSession, rows: pd.DataFrame, rank: int = 4, seed: int = 1) -> DataFrame:
    """Factors of all products but the last, by the contract of gold.product_factors."""
    rng = np.random.default_rng(seed)
    known = sorted(rows["product_id"].unique())[:-1]
    data = [(p, [float(x) for x in rng.normal(size=rank).astype(np.float32)], "als-1") for p in known]
    return spark.createDataFrame(data, contract_of("gold.product_factors").schema)


def order_lines_frame(
    spark: SparkSession, rows: pd.DataFrame, until: date, seed: int = 1, customers: int = 60, lines: int = 600
) -> DataFrame:
    """Purchases of all products but the last in the 300 days before a day, by the contract of bronze.order_lines."""
    rng = np.random.default_rng(seed)
    known = sorted(rows["product_id"].unique())[:-1]
    data = []
    for number in range(lines):
        moment = datetime.combine(until, time(12)) - timedelta(days=int(rng.integers(1, 300)))
        customer = int(rng.integers(customers))
        liked = [p for i, p in enumerate(known) if i % 3 == customer % 3]
        product = str(rng.choice(liked))
        data.append((f"{until}-{number}", "1", f"c{customer:02d}", product, "north", moment, 1.0, Decimal(2), None))
    return spark.createDataFrame(data, contract_of("bronze.order_lines").schema)


def write_shop_file(folder: Path, time_zone: str = "UTC") -> Path:
    """A shop file whose sources are never opened."""
    table = {"source": "s", "columns": {"product_id": "p"}}
    shop = {
        "name": "Tiny",
        "currency": "EUR",
        "time_zone": time_zone,
        "tables": {"products": table, "order_lines": table},
    }
    path = folder / "shop.yaml"
    path.write_text(yaml.safe_dump(shop | {"sources": {"s": {"format": "csv", "path": "unused.csv"}}}))
    return path
