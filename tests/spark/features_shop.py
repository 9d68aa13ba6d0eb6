"""Bronze rows for the feature tests: the tiny shop with gaps, an outlier and every optional table."""

from datetime import date, datetime, timedelta
from functools import lru_cache

import numpy as np
import pandas as pd
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from pricelake.features.panel import build_demand_panel, collect_known_periods
from pricelake.features.periods import Periods
from pricelake.settings import FeatureSettings
from pricelake.settings.shop import Shop
from pricelake.tables import contract_of
from tests import tiny_shop

AS_OF = tiny_shop.AS_OF
ZONE = "America/New_York"
SETTINGS = FeatureSettings(history_periods=50)
PERIODS = Periods("week", AS_OF, ZONE, 50)
MARKETS = tiny_shop.MARKETS
LAST_DAY = AS_OF + timedelta(days=27)


def shop(**changes: object) -> Shop:
    table = {"source": "s", "columns": {"product_id": "x"}}
    content = {
        "name": "Tiny",
        "currency": "EUR",
        "time_zone": ZONE,
        "country": "US",
        "sources": {"s": {"format": "csv", "path": "none"}},
        "tables": {"products": table, "order_lines": table},
        "assumed_costs": {
            "default_rate": 0.6,
            "department_rates": {"HOME": 0.4, "FOOD": 0.55},
            "category_rates": {"BREAD": 0.5},
        },
    }
    return Shop.model_validate(content | changes)


def monday(weeks: int) -> date:
    return tiny_shop.FIRST_DAY + timedelta(weeks=weeks)


def order_lines() -> pd.DataFrame:
    """Thinned to the last 5 products; p08 pauses 3 weeks, p09 30 weeks, p10 has one absurd week, p11 stops early."""
    lines = tiny_shop.order_lines()
    lines = lines[lines["sku"] >= "p07"].rename(
        columns={
            "order": "order_id",
            "line": "line_id",
            "customer": "customer_id",
            "sku": "product_id",
            "market": "market_id",
            "at": "ordered_at",
            "qty": "quantity",
            "paid": "paid_amount",
            "discount": "discount_amount",
        }
    )
    week = (lines["ordered_at"] - pd.Timestamp(tiny_shop.FIRST_DAY)).dt.days // 7
    product, rng = lines["product_id"], np.random.default_rng(3)
    gone = (
        ((product == "p08") & week.between(20, 22))
        | ((product == "p09") & week.between(20, 49))
        | ((product == "p11") & (week > 25))
        | (rng.random(len(lines)) < 0.6)
    )
    quantity = np.where((product == "p10") & (week == 40), 60.0, 1.0)
    factor = quantity / lines["quantity"]
    lines = lines.assign(
        quantity=quantity,
        paid_amount=(lines["paid_amount"] * factor).round(4),
        discount_amount=(lines["discount_amount"] * factor).round(4),
    )
    lines = lines[~gone].reset_index(drop=True)
    lines.loc[rng.random(len(lines)) < 0.1, "discount_amount"] = np.nan
    lines.loc[rng.random(len(lines)) < 0.1, "customer_id"] = None
    later = lines.iloc[:50].assign(
        order_id=lambda f: "late" + f["order_id"],
        ordered_at=pd.Timestamp(AS_OF) + pd.to_timedelta(np.arange(50) * 12, unit="h") + pd.Timedelta(hours=5),
    )
    return pd.concat([lines, later], ignore_index=True)


def products() -> pd.DataFrame:
    rows = tiny_shop.products().rename(columns={"sku": "product_id", "title": "name"})
    rows["launched_on"] = None
    # before its first sale, which is dropped below; p06 was never sold but has a list price
    rows.loc[rows["product_id"] == "p06", "launched_on"] = monday(50) + timedelta(days=2)
    rows.loc[rows["product_id"] == "p07", "launched_on"] = date(2010, 1, 1)
    return rows


def full_tables() -> dict[str, pd.DataFrame]:
    rng = np.random.default_rng(11)
    names = [f"p{n:02d}" for n in range(6, 12)]
    list_prices, costs, promotions, competitor, inventory = [], [], [], [], []
    for product in names:
        for market in MARKETS:
            if product in ("p06", "p08"):
                for week in (-300, 5, 31, 55, 60):
                    day = monday(week) + timedelta(days=int(rng.integers(0, 3)) if week < 60 else 0)
                    list_prices.append((product, market, day, round(float(rng.uniform(4, 8)), 2)))
            if product in ("p09", "p10"):
                costs += [(product, market, monday(w) + timedelta(days=w % 3), 2.0 + 0.01 * w) for w in (0, 30, 60)]
            for kind in ("display", "feature", "coupon", "discount"):
                start = monday(int(rng.integers(2, 8)))
                while start < LAST_DAY:
                    start += timedelta(days=int(rng.integers(10, 60)))
                    depth = None if rng.random() < 0.3 else round(float(rng.uniform(0.05, 0.4)), 3)
                    coverage = None if rng.random() < 0.3 else round(float(rng.uniform(0.2, 1)), 3)
                    end = start + timedelta(days=int(rng.integers(0, 16)))
                    promotions.append((product, market, kind, start, end, depth, coverage))
            for rival in ("r1", "r2", "r3"):
                for _ in range(25):
                    at = datetime.combine(tiny_shop.FIRST_DAY, datetime.min.time()) + timedelta(
                        minutes=int(rng.integers(0, 62 * 7 * 24 * 60))
                    )
                    stock = (True, False, None)[int(rng.integers(0, 3))]
                    confidence = (None, 0.5, 0.7, 0.95)[int(rng.integers(0, 4))]
                    competitor.append(
                        (product, rival, market, at, round(float(rng.uniform(4, 8)), 2), stock, confidence)
                    )
            if product != "p07":
                for offset in range(0, 62 * 7, 2):
                    day = tiny_shop.FIRST_DAY + timedelta(days=offset)
                    rate = None if rng.random() < 0.5 else round(float(rng.random()), 3)
                    on_hand = None if rng.random() < 0.3 else float(rng.integers(0, 3))
                    inventory.append((product, market, day, on_hand, rate))
    views_from = datetime.combine(monday(12) + timedelta(days=2), datetime.min.time())
    events = [
        (
            f"e{number}",
            names[int(rng.integers(0, len(names)))] if kind != "search" else None,
            kind,
            views_from + timedelta(minutes=int(rng.integers(0, 50 * 7 * 24 * 60))),
        )
        for number, kind in enumerate(rng.choice(["view", "cart", "search"], 2500, p=[0.8, 0.1, 0.1]).tolist())
    ]
    # a load that failed: nobody looked at anything for two weeks
    failed = [datetime.combine(monday(week), datetime.min.time()) for week in (30, 32)]
    events = [
        event for event in events if not failed[0] - timedelta(days=1) <= event[3] < failed[1] + timedelta(days=1)
    ]
    days = [tiny_shop.FIRST_DAY + timedelta(days=n) for n in range(62 * 7)]
    calendar = [
        (market, day, "feast" if n % 71 == 0 else None, "sale" if n % 37 == 0 else None)
        for market in MARKETS
        for n, day in enumerate(days)
        if n % 5 != 1 or n % 71 == 0
    ]
    weather = [
        (market, day, round(float(rng.normal(10, 8)), 1), round(float(rng.random() * 5), 1))
        for market in MARKETS
        for n, day in enumerate(days)
        if n % 3 == 0 and not 100 < n < 120
    ]
    return {
        "order_lines": order_lines(),
        "products": products(),
        "list_prices": pd.DataFrame(list_prices, columns=["product_id", "market_id", "valid_from", "list_price"]),
        "costs": pd.DataFrame(costs, columns=["product_id", "market_id", "valid_from", "unit_cost"]),
        "promotions": pd.DataFrame(
            promotions,
            columns=["product_id", "market_id", "kind", "starts_on", "ends_on", "depth_rate", "coverage_rate"],
        ),
        "competitor_prices": pd.DataFrame(
            competitor,
            columns=[
                "product_id",
                "competitor_id",
                "market_id",
                "observed_at",
                "price",
                "in_stock",
                "match_confidence",
            ],
        ),
        "inventory": pd.DataFrame(
            inventory, columns=["product_id", "market_id", "date", "on_hand_units", "availability_rate"]
        ),
        "events": pd.DataFrame(events, columns=["event_id", "product_id", "event_type", "occurred_at"]).assign(
            customer_id="c1"
        ),
        "calendar": pd.DataFrame(calendar, columns=["market_id", "date", "holiday", "event"]),
        "weather": pd.DataFrame(weather, columns=["market_id", "date", "temperature_c", "precipitation_mm"]),
    }


def plain_tables() -> dict[str, pd.DataFrame]:
    return {"order_lines": order_lines(), "products": products()}


def to_spark(spark: SparkSession, name: str, rows: pd.DataFrame) -> DataFrame:
    """Rows with the types of the bronze contract; columns that are not there are null."""
    contract = contract_of(f"bronze.{name}")
    records = rows.astype(object).where(rows.notna(), None).to_dict("records")
    columns = [c for c in contract.columns if c.name in rows.columns]
    kinds = {"decimal(18,4)": "string"}
    listed = ", ".join(f"{c.name} {kinds.get(c.dataType.simpleString(), c.dataType.simpleString())}" for c in columns)
    data = [
        tuple(
            None if record[c.name] is None else _plain(record[c.name], c.dataType.simpleString()) for c in columns
        )
        for record in records
    ]  # fmt: skip
    frame = spark.createDataFrame(data, listed)
    known = {c.name for c in columns}
    return frame.select(
        *((F.col(c.name) if c.name in known else F.lit(None)).cast(c.dataType).alias(c.name) for c in contract.columns)
    )


def _plain(value: object, kind: str) -> object:
    if kind == "decimal(18,4)":
        return str(value)
    if kind == "timestamp":
        return pd.Timestamp(value).tz_localize("UTC").to_pydatetime()
    if kind == "double":
        return float(value)  # type: ignore[arg-type]
    return str(value) if kind == "string" else value


def build_panel(
    spark: SparkSession,
    tables: dict[str, pd.DataFrame],
    periods: Periods = PERIODS,
    settings: FeatureSettings = SETTINGS,
    of: Shop | None = None,
) -> pd.DataFrame:
    """The panel as pandas, in the order of its key, with money as floats."""
    frames = {name: to_spark(spark, name, rows) for name, rows in tables.items()}
    known = collect_known_periods(frames, periods, settings)
    contract = contract_of("gold.demand_panel")
    panel = build_demand_panel(known, frames, periods, settings, of or shop()).select(*contract.column_names)
    assert [f.dataType for f in panel.schema] == [c.dataType for c in contract.columns]
    panel = panel.select(
        *(
            F.col(c.name).cast("double") if c.dataType.typeName() == "decimal" else F.col(c.name)
            for c in contract.columns
        )
    )
    return panel.toPandas().sort_values(list(contract.key)).reset_index(drop=True)


@lru_cache(maxsize=1)
def full_panel(spark: SparkSession) -> pd.DataFrame:
    """The panel of all tables, built once per session; not to be changed."""
    return build_panel(spark, full_tables())
