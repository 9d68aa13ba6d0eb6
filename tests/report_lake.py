"""Tables of a finished run, made up by contract: enough for the report, without running the jobs before it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
from pyspark.sql import DataFrame, SparkSession

from pricelake.demand.curve import elasticity, expected_units
from pricelake.settings import LakeSettings, ReportSettings, Settings
from pricelake.tables import Lake, contract_of
from tests.tiny_shop import write_tiny_shop

AS_OF = date(2024, 3, 4)
HOSTILE_NAME = "<script>alert('x')</script><b>Bread & \"Butter\"</b> {{ 7 * 7 }}"
CATEGORIES = (
    ("Grocery", "Bread"), ("Grocery", "Cheese"), ("Grocery", "Coffee"), ("Grocery", "Pasta sauce"),
    ("Produce", "Apples"), ("Produce", "Tomatoes"), ("Drug", "Shampoo"), ("Drug", "Laundry detergents"),
    ("Frozen", "Ice cream and sorbet"),
    ("Frozen", "Pizza"), ("Dairy", "Milk"), ("Dairy", "Yoghurt"),
)  # fmt: skip
HOLDS = ("not_enough_evidence", "no_demand_curve", "rules_conflict")


def money(value: float) -> Decimal:
    return Decimal(str(round(float(value), 2)))


def amount_columns(name: str, value: float | None, spread_rate: float) -> dict[str, Decimal | None]:
    """An expected amount and an interval of ``spread_rate`` to either side; all null where there is none."""
    ends = {"": 0.0, "_low": -spread_rate, "_high": spread_rate}
    return {
        f"{name}{end}_amount": None if value is None else money(value + rate * abs(value)) for end, rate in ends.items()
    }


def product_rows(count: int) -> list[dict[str, Any]]:
    rows = []
    for number in range(count):
        department, category = CATEGORIES[number % len(CATEGORIES)]
        rows.append(
            {
                "product_id": f"{1000000 + number * 7919}",
                "name": HOSTILE_NAME if number == 0 else f"{category} no. {number} {250 * (1 + number % 4)} g",
                "department": department,
                "category": category,
                "subcategory": category,
                "brand": f"Brand {number % 5}",
            }
        )
    return rows


def curve_rows(products: list[dict[str, Any]], rng: np.random.Generator) -> list[dict[str, Any]]:
    return [
        {
            "as_of_date": AS_OF,
            "product_id": product["product_id"],
            "market_id": "chain",
            "period_start": AS_OF,
            "reference_price": money(rng.lognormal(1.1, 0.5)),
            "log_units": float(rng.normal(3.0, 0.8)),
            "elasticity_low": float(low := rng.uniform(0.8, 1.8)),
            "elasticity_high": float(low + rng.uniform(0.3, 2.2)),
            "bend": float(rng.uniform(-0.1, 0.2)),
            "steepness": float(rng.uniform(3, 12)),
            "dispersion": 0.3,
            "elasticity_sd": float(rng.uniform(0.15, 0.6)),
            "elasticity_kind_sd": 0.1,
            "elasticity_common_sd": 0.05,
            "log_units_sd": float(rng.uniform(0.05, 0.25)),
            "diversion_ratio": 0.3,
            "diversion_ratio_sd": 0.1,
            "identification": ("discounts", "weak")[number % len(CATEGORIES) % 2],
            "model_version": "3",
        }
        for number, product in enumerate(products)
    ]


def price_row(curve: dict[str, Any], number: int) -> dict[str, Any]:
    """The recommendation that a profit-maximiser within ±10 % and a cost of 72 % would make."""
    arrays = {name: np.array([float(curve[name])]) for name in curve if isinstance(curve[name], float | Decimal)}
    now = float(curve["reference_price"])
    cost = round(0.72 * now, 2) if number % 9 else None
    ladder = np.round(np.linspace(0.9, 1.1, 41) * now, 2)
    units = expected_units(arrays, ladder[np.newaxis, :])[0]
    then = ladder[int(np.argmax((ladder - (cost or 0)) * units))]
    held = HOLDS[number % len(HOLDS)] if number % 4 == 3 else None
    has_curve = held != "no_demand_curve"
    is_weak = has_curve and curve["identification"] == "weak"
    if held or number % 6 == 4:
        then = now
    u_now, u_then = expected_units(arrays, np.array([[now, then]]))[0]
    gain = (then - (cost or 0)) * u_then - (now - (cost or 0)) * u_now
    decision = "hold" if held else "raise" if then > now else "lower" if then < now else "keep"
    at = elasticity(0.0, *(curve[n] for n in ("elasticity_low", "elasticity_high", "bend", "steepness")))
    at_edge = bool(abs(then / now - 1) > 0.095)
    reason = {
        "raise": f"Raise {now:.2f} → {then:.2f}: demand reacts weakly (elasticity {at:.1f})"
        + "; stopped by max_change." * at_edge,
        "lower": f"Lower {now:.2f} → {then:.2f}: demand reacts strongly (elasticity {at:.1f}).",
        "keep": f"Keep {now:.2f}: no allowed price brings more.",
        "hold": f"Hold {now:.2f}: {(held or '').replace('_', ' ')}.",
    }[decision]
    rule = [
        ("max_change", "step", f"{1.1 * now:.2f}", at_edge),
        ("min_margin", "floor", f"{(cost or 0) * 1.05:.2f}", number % 11 == 2),
    ]
    rule += [("price_endings", "ending", "", False)]
    rule += [(held, "hold", "", True)] if held else []
    # no input check stopped a conflict: its floor binds, and gives the price its binding rule
    is_conflict = held == "rules_conflict"
    if held:
        rule[:2] = [(*entry[:3], is_conflict and entry[1] == "floor") for entry in rule[:2]]
    return {
        "as_of_date": AS_OF,
        **{name: curve[name] for name in ("product_id", "market_id", "period_start")},
        "price_now": money(now),
        "price_recommended": money(then),
        "is_changed": money(now) != money(then),
        "decision": decision,
        "reason": reason,
        "held_back_reason": held,
        "range_low": None if held else money(ladder[0]),
        "range_high": None if held else money(ladder[-1]),
        "unit_cost": None if cost is None else money(cost),
        "cost_source": None if cost is None else "assumed" if number % 2 else "brought",
        "units_now": float(u_now) if has_curve else None,
        "units_now_low": float(u_now * 0.95) if has_curve else None,
        "units_now_high": float(u_now * 1.05) if has_curve else None,
        "units_then": float(u_then) if has_curve else None,
        "units_then_low": float(u_then * 0.9) if has_curve else None,
        "units_then_high": float(u_then * 1.1) if has_curve else None,
        **amount_columns("revenue_now", now * u_now if has_curve else None, 0.05),
        **amount_columns("revenue_then", then * u_then if has_curve else None, 0.1),
        **amount_columns("profit_now", (now - cost) * u_now if has_curve and cost else None, 0.05),
        **amount_columns("profit_then", (then - cost) * u_then if has_curve and cost else None, 0.1),
        "uplift_amount": money(gain) if has_curve else None,
        "uplift_low_amount": money(gain * 0.4) if has_curve else None,
        "uplift_high_amount": money(gain * 1.7) if has_curve else None,
        "uplift_product_sd_amount": money(gain * 0.3) if has_curve else None,
        "uplift_kind_sd_amount": money(np.sign(then - now) * gain * 0.2) if has_curve else None,
        "uplift_common_sd_amount": money(np.sign(then - now) * gain * 0.1) if has_curve else None,
        "uplift_diversion_sd_amount": money(np.sign(now - then) * gain * 0.3) if has_curve else None,
        "elasticity": float(at) if has_curve else None,
        "confidence": "none" if not has_curve else "low" if is_weak else ("high", "medium", "low")[number % 3],
        "flags": ["no_competitors", *(["assumed_cost"] if cost and number % 2 else []), *([] if cost else ["no_cost"]),
                  *(["weakly_identified"] if is_weak else [])],
        "rules": rule,
        "binding_rule": "min_margin" if is_conflict else held or ("max_change" if at_edge else None),
        "objective": "profit",
        "model_version": "3",
        "rules_version": "5f2c9a01be7733d4",
        "panel_version": 4,
        "seed": 17,
    }  # fmt: skip


def panel_rows(
    products: list[dict[str, Any]], curves: list[dict[str, Any]], periods: int, rng: np.random.Generator
) -> list[dict[str, Any]]:
    """Past weeks whose units are Poisson around the curve, and the open week."""
    filler: dict[str, Any] = {}
    for column in contract_of("gold.demand_panel").columns:
        kind = column.dataType.typeName()
        filler[column.name] = {"double": 0.0, "integer": 0, "boolean": False, "string": "", "decimal": Decimal(1)}.get(
            kind
        )
    rows = []
    for product, curve in zip(products, curves, strict=True):
        reference = float(curve["reference_price"])
        arrays = {name: np.array([float(curve[name])]) for name in curve if isinstance(curve[name], float | Decimal)}
        list_price = reference
        for back in range(periods, -1, -1):
            if rng.random() < 0.12:
                list_price = reference * rng.uniform(0.85, 1.2)
            promoted = rng.random() < 0.12
            paid = money(list_price * (0.8 if promoted else 1.0))
            mean = float(expected_units(arrays, np.array([[float(paid)]]))[0, 0]) * (1.3 if promoted else 1.0)
            season = 1 + 0.15 * np.sin(2 * np.pi * back / 52)
            units = float(rng.poisson(mean * season))
            rows.append(
                filler
                | {name: product[name] for name in ("product_id", "department", "category", "subcategory", "brand")}
                | {
                    "market_id": "chain",
                    "period_start": AS_OF - timedelta(weeks=back),
                    "is_open": back == 0,
                    "units": units if back else None,
                    "revenue_amount": money(units * float(paid)) if back else None,
                    "units_winsorised": units if back else None,
                    "is_outlier": bool(back and rng.random() < 0.02),
                    "unit_price": paid,
                    "is_price_observed": units > 0,
                    "list_price": money(list_price),
                    "discount_rate": 0.2 if promoted else 0.0,
                    "reference_price": curve["reference_price"],
                    "unit_cost": money(0.72 * reference),
                    "cost_source": "assumed",
                    "display_rate": 0.4 if promoted else 0.0,
                    "availability_rate": 1.0,
                    "is_availability_missing": True,
                    "is_competitor_missing": True,
                    "is_weather_missing": True,
                    "competitor_index": 1.0,
                }
            )
    return rows


def demand_metric_rows() -> list[dict[str, Any]]:
    figures = {
        "pricelake": {
            "wape": 0.452,
            "bias": 0.012,
            "share_downward": 1.0,
            "median_elasticity": -1.92,
            "rows": 27096.0,
            "coverage_80": 0.827,
            "coverage_80_expected": 0.851,
        },
        "lightgbm": {"wape": 0.461, "bias": -0.021, "share_downward": 0.81},
        "mean_8_weeks": {"wape": 0.530, "bias": 0.034},
        "last_week": {"wape": 0.627, "bias": 0.004},
        "price_response": {
            "converged": 0.0,
            "rounds": 40.0,
            "cost_f": 4.2,
            "cost_clusters": 24.0,
            "cost_is_derived": 0.0,
            "cost_is_used": 0.0,
        },
    }
    return [
        {"as_of_date": AS_OF, "contender": contender, "figure": figure, "value": value, "model_version": "3"}
        for contender, values in figures.items()
        for figure, value in values.items()
    ]


def recommender_metric_rows() -> list[dict[str, Any]]:
    level = {"all": 1.0, "repeat": 1.3, "first_time": 0.25}
    skill = {"als": (1.0, 0.31), "popularity": (0.7, 0.004), "repeat": (1.15, 0.58)}
    return [
        {
            "as_of_date": AS_OF,
            "contender": contender,
            "purchases": kind,
            "precision": 0.18 * good * much * (contender != "repeat" or kind != "first_time"),
            "recall": 0.06 * good * much * (contender != "repeat" or kind != "first_time"),
            "f1": 0.09 * good * much * (contender != "repeat" or kind != "first_time"),
            "ndcg_at_10": 0.2 * good * much * (contender != "repeat" or kind != "first_time"),
            "coverage": coverage,
            "customers": 2300,
            "model_version": "als-1",
        }
        for contender, (good, coverage) in skill.items()
        for kind, much in level.items()
    ]


def quarantine_rows() -> list[dict[str, Any]]:
    broken = (("order_lines", "paid_amount_above_zero", "paid_amount is -1.50, must be above 0", 120),
              ("order_lines", "quantity_absurd", "quantity is 20640, above the limit of 100", 37),
              ("products", "duplicate_key", "product_id 12 appears twice with different content", 4))  # fmt: skip
    return [
        {
            "table_name": table,
            "row_hash": f"{rule}-{number:04d}",
            "rule": rule,
            "reason": reason,
            "source_row": f'{{"order":"o{number}","note":"</script><img src=x onerror=alert(1)>"}}',
            "source_file": "orders.csv",
        }
        for table, rule, reason, rows in broken
        for number in range(rows)
    ]


def run_rows() -> list[dict[str, Any]]:
    jobs = (
        ("ingest", 41.0),
        ("build_features", 63.5),
        ("train_recommender", 38.2),
        ("train_demand", 171.0),
        ("recommend_prices", 14.9),
    )
    finished = datetime(2024, 3, 4, 2, 0, tzinfo=UTC)
    rows = []
    for name, seconds in jobs:
        finished += timedelta(seconds=seconds)
        for outcome, took in (("failed", 3.0), ("succeeded", seconds)):
            rows.append(
                {
                    "run_id": f"{name}-{outcome}", "job": name, "as_of_date": AS_OF, "outcome": outcome,
                    "settings_hash": "aa", "code_version": "0.1.0+abc",
                    "started_at": finished - timedelta(seconds=took), "finished_at": finished, "seconds": took,
                    "input_versions": {}, "output_versions": {},
                    "rows_in": 1000, "rows_out": 900,
                }
            )  # fmt: skip
    return rows


def similar_rows(products: list[dict[str, Any]]) -> list[dict[str, Any]]:
    ids = [product["product_id"] for product in products]
    return [
        {
            "product_id": one, "position": place, "similar_product_id": ids[(number + place) % len(ids)],
            "similarity": 0.9 - 0.1 * place, "source": "als", "model_version": "als-1",
        }
        for number, one in enumerate(ids)
        for place in (1, 2, 3)
    ]  # fmt: skip


def made_up_tables(products: int, periods: int, seed: int = 3) -> dict[str, list[dict[str, Any]]]:
    """Rows by table name; the same for the same arguments."""
    rng = np.random.default_rng(seed)
    listed = product_rows(products)
    curves = curve_rows(listed, rng)
    prices = [price_row(curve, number) for number, curve in enumerate(curves)]
    without_curve = {row["product_id"] for row in prices if row["units_now"] is None}
    return {
        "bronze.products": listed,
        "bronze.quarantine": quarantine_rows(),
        "gold.demand_panel": panel_rows(listed, curves, periods, rng),
        "gold.demand_curves": [curve for curve in curves if curve["product_id"] not in without_curve],
        "gold.demand_metrics": demand_metric_rows(),
        "gold.recommender_metrics": recommender_metric_rows(),
        "gold.similar_products": similar_rows(listed),
        "gold.price_recommendations": prices,
        "ops.runs": run_rows(),
    }


def frame_of(spark: SparkSession, name: str, rows: list[dict[str, Any]]) -> DataFrame:
    """Rows of a table by its contract; what a row leaves out is null."""
    schema = contract_of(name).schema
    return spark.createDataFrame([tuple(row.get(column) for column in schema.names) for row in rows], schema)


def write_tables(lake: Lake, tables: dict[str, list[dict[str, Any]]]) -> None:
    """Write the tables side by side: on a small machine almost all of the time is waiting for commits."""

    def write(name: str) -> None:
        lake.replace(name, frame_of(lake.spark, name, tables[name]))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, tables))


def report_settings(folder: Path, curves: int = 12) -> Settings:
    """Settings of a lake under ``folder`` with the tiny shop's file."""
    return Settings(
        lake=LakeSettings(root=str(folder / "lake")),
        shop=write_tiny_shop(folder / "shop"),
        rules=folder / "rules.yaml",
        report=ReportSettings(path=str(folder / "out" / "report.html"), curves=curves),
    )


def write_made_up_lake(spark: SparkSession, folder: Path, products: int = 24, periods: int = 30) -> Settings:
    """A lake with all tables and the settings that point to it."""
    settings = report_settings(folder)
    write_tables(Lake(spark, settings.lake.root, run_id="made-up"), made_up_tables(products, periods))
    return settings
