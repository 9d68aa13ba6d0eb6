"""Input rows of the pricing room, one by one or at random, for unit and Spark tests."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

from pricelake.pricing.rows import INPUT_COLUMNS
from pricelake.settings.rules import RuleSet

AS_OF = date(2024, 3, 4)
MONEY = pa.decimal128(18, 4)
TEXT_COLUMNS = ("product_id", "market_id", "department", "category", "cost_source", "identification")
MONEY_COLUMNS = (
    "list_price",
    "reference_price",
    "unit_cost",
    "observed_low",
    "observed_high",
    "curve_reference_price",
)
COUNT_COLUMNS = ("sold_periods", "periods_since_sale", "price_changes", "panel_age_days", "model_age_days")
FLAG_COLUMNS = ("is_competitor_missing", "is_availability_missing")

USUAL: dict[str, Any] = {
    "product_id": "p1",
    "market_id": "north",
    "period_start": AS_OF,
    "department": "FOOD",
    "category": "BREAD",
    "list_price": Decimal("2.4900"),
    "reference_price": Decimal("2.4900"),
    "unit_cost": Decimal("1.5000"),
    "cost_source": "brought",
    "discount_rate": 0.0,
    "price_cut_rate": 0.0,
    "competitor_index": 1.0,
    "is_competitor_missing": True,
    "is_availability_missing": False,
    "sold_periods": 50,
    "periods_since_sale": 1,
    "price_changes": 12,
    "recent_availability_rate": None,
    "recent_outlier_rate": 0.0,
    "observed_low": Decimal("1.9900"),
    "observed_high": Decimal("2.9900"),
    "panel_age_days": 0,
    "model_age_days": 0,
    "curve_reference_price": Decimal("2.4900"),
    "log_units": float(np.log(100.0)),
    "elasticity_low": 2.0,
    "elasticity_high": 2.0,
    "bend": 0.0,
    "steepness": 5.0,
    "elasticity_sd": 0.2,
    "elasticity_kind_sd": 0.1,
    "elasticity_common_sd": 0.05,
    "log_units_sd": 0.1,
    "identification": "discounts",
    "others_profit_per_unit": 0.0,
    "others_profit_per_unit_sd": 0.0,
}


def arrow_type(column: str) -> pa.DataType:
    if column in TEXT_COLUMNS:
        return pa.string()
    if column in MONEY_COLUMNS:
        return MONEY
    if column in COUNT_COLUMNS:
        return pa.int32()
    if column in FLAG_COLUMNS:
        return pa.bool_()
    return pa.date32() if column == "period_start" else pa.float64()


def batch_of(*changes: dict[str, Any]) -> pa.RecordBatch:
    """One row per mapping: the usual row with those values."""
    rows = [USUAL | change for change in changes]
    arrays = []
    for name in INPUT_COLUMNS:
        values = [row[name] for row in rows]
        if name in MONEY_COLUMNS:
            values = [None if v is None else Decimal(str(v)).quantize(Decimal("0.0001")) for v in values]
        arrays.append(pa.array(values, arrow_type(name)))
    return pa.RecordBatch.from_arrays(arrays, names=list(INPUT_COLUMNS))


def random_batch(rows: int, seed: int) -> pa.RecordBatch:
    """Plausible rows of many prices and curves; some without cost, curve or history."""
    rng = np.random.default_rng(seed)
    price = np.round(np.exp(rng.normal(1.2, 1.0, rows)), 2) + 0.05
    reference = np.round(price * rng.uniform(0.85, 1.1, rows), 4)
    cost = np.round(price * rng.uniform(0.3, 1.05, rows), 4)
    money = {
        "list_price": price,
        "reference_price": reference,
        "unit_cost": np.where(rng.random(rows) < 0.1, np.nan, cost),
        "observed_low": price * rng.uniform(0.6, 1.05, rows),
        "observed_high": price * rng.uniform(1.0, 1.4, rows),
        "curve_reference_price": reference,
    }
    low = rng.uniform(0.3, 3.0, rows)
    columns: dict[str, Any] = {name: decimals(values) for name, values in money.items()}
    columns |= {
        "product_id": pa.array([f"p{i}" for i in range(rows)]),
        "market_id": pa.array(["north"] * rows),
        "period_start": pa.array([AS_OF] * rows),
        "department": pa.array(rng.choice(["FOOD", "HOME"], rows)),
        "category": pa.array(rng.choice(["BREAD", "CHEESE", "SOAP"], rows)),
        "cost_source": pa.array(rng.choice(["brought", "assumed"], rows)),
        "discount_rate": pa.array(np.where(rng.random(rows) < 0.1, 0.2, 0.0)),
        "price_cut_rate": pa.array(np.zeros(rows)),
        "competitor_index": pa.array(rng.uniform(0.8, 1.2, rows)),
        "is_competitor_missing": pa.array(rng.random(rows) < 0.7),
        "is_availability_missing": pa.array(rng.random(rows) < 0.5),
        "sold_periods": pa.array(rng.integers(5, 60, rows), pa.int32()),
        "periods_since_sale": pa.array(rng.integers(1, 16, rows), pa.int32()),
        "price_changes": pa.array(rng.integers(0, 30, rows), pa.int32()),
        "recent_availability_rate": pa.array(rng.uniform(0.0, 1.0, rows), mask=rng.random(rows) < 0.5),
        "recent_outlier_rate": pa.array(rng.choice([0.0, 0.1, 0.4], rows)),
        "panel_age_days": pa.array(np.zeros(rows), pa.int32()),
        "model_age_days": pa.array(np.full(rows, 3), pa.int32()),
        "log_units": pa.array(rng.normal(2.0, 1.0, rows), mask=rng.random(rows) < 0.05),
        "elasticity_low": pa.array(low),
        "elasticity_high": pa.array(low + rng.uniform(0.0, 3.0, rows)),
        "bend": pa.array(rng.uniform(-0.2, 0.2, rows)),
        "steepness": pa.array(rng.uniform(2.0, 15.0, rows)),
        "elasticity_sd": pa.array(rng.uniform(0.05, 1.0, rows)),
        "elasticity_kind_sd": pa.array(rng.uniform(0.0, 0.04, rows)),
        "elasticity_common_sd": pa.array(rng.uniform(0.0, 0.02, rows)),
        "log_units_sd": pa.array(rng.uniform(0.05, 0.5, rows)),
        "others_profit_per_unit": pa.array(rng.uniform(0.0, 1.0, rows), mask=rng.random(rows) < 0.1),
        "others_profit_per_unit_sd": pa.array(rng.uniform(0.0, 0.3, rows), mask=rng.random(rows) < 0.1),
        "identification": pa.array(rng.choice(["instruments", "discounts", "weak"], rows)),
    }
    return pa.RecordBatch.from_arrays([columns[name] for name in INPUT_COLUMNS], names=list(INPUT_COLUMNS))


def decimals(values: np.ndarray) -> pa.Array:
    """A money column, null where NaN."""
    texts = [None if np.isnan(value) else Decimal(f"{value:.4f}") for value in values]
    return pa.array(texts, MONEY)


def constant_elasticity(curves: Mapping[str, np.ndarray], prices: np.ndarray) -> np.ndarray:
    """The log-log curve, written down here again: the room under test gets it as an argument."""
    units = np.exp(curves["log_units"])[:, None]
    return units * (prices / curves["reference_price"][:, None]) ** -curves["elasticity_low"][:, None]


def rule_set(*rules: dict[str, Any]) -> RuleSet:
    return RuleSet.model_validate({"name": "test", "rules": list(rules)})


MARGIN = {"name": "margin_floor", "kind": "floor", "min_margin_rate": 0.05}
STEP = {"name": "max_change", "kind": "step", "max_raise_rate": 0.10, "max_lower_rate": 0.10}
NINES = {"name": "price_endings", "kind": "ending", "bands": [{"endings": ["X9"]}]}
