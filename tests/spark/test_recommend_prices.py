"""The job recommend_prices on tables made by hand, with curves made by hand."""

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyspark.sql import DataFrame, SparkSession
from scipy.stats import nbinom

from pricelake.errors import ContractError, PricingError
from pricelake.pricing.recommend import aggregate_to_past, join_pricing_inputs
from pricelake.settings import Settings
from pricelake.settings.rules import load_rules
from pricelake.tables import Lake, contract_of
from pricelake.workflows.curves import DrawnCurves
from pricelake.workflows.job import Job
from pricelake.workflows.recommend_prices import check_open_period, with_others_profit, write_recommendations

ROOT = Path(__file__).resolve().parents[2]
AS_OF = date(2024, 3, 6)  # a Wednesday in the open week
OPEN = date(2024, 3, 4)
ZEROS: dict[str, Any] = {
    "string": "x",
    "boolean": False,
    "date": OPEN,
    "double": 0.0,
    "integer": 0,
    "long": 0,
    "decimal": Decimal("2.4900"),
    "array": [],
}


def by_contract(spark: SparkSession, table: str, rows: list[dict[str, Any]]) -> DataFrame:
    """Rows with the given values; anything else is a plain value that the contract accepts."""
    contract = contract_of(table)
    plain = {c.name: None if c.nullable else ZEROS[c.dataType.typeName()] for c in contract.columns}
    return spark.createDataFrame([tuple((plain | row)[c] for c in plain) for row in rows], contract.schema)


def panel_rows(
    product: str, price: str = "2.49", prices_seen: tuple[str, ...] = ("1.99", "2.99"), **row: Any
) -> list[dict[str, Any]]:
    """The open row of a product and closed rows with the prices seen before."""
    same = {"product_id": product, "market_id": "north", "list_price": Decimal(price), "is_competitor_missing": True}
    same |= {"availability_rate": 1.0}
    cost = {"unit_cost": Decimal("1.5000"), "cost_source": "brought"}
    evidence = {"sold_periods": 50, "price_changes": 12, "periods_since_sale": 1}
    closed = [
        same
        | {"period_start": OPEN - timedelta(weeks=week), "unit_price": Decimal(seen), "is_price_observed": True}
        | {"units": 5.0, "units_winsorised": 5.0, "revenue_amount": Decimal(seen) * 5}
        for week, seen in enumerate(prices_seen, start=1)
    ]
    return [*closed, same | cost | evidence | {"is_open": True, "unit_price": Decimal(price)} | row]


def curve(product: str, elasticity: float = 1.2, **row: Any) -> dict[str, Any]:
    return {
        "as_of_date": AS_OF,
        "product_id": product,
        "market_id": "north",
        "log_units": float(np.log(100.0)),
        "elasticity_low": elasticity,
        "elasticity_high": elasticity,
        "steepness": 5.0,
        "dispersion": 0.3,
        "elasticity_sd": 0.2,
        "elasticity_kind_sd": 0.1,
        "elasticity_common_sd": 0.05,
        "log_units_sd": 0.1,
        "identification": "discounts",
        "model_version": "7",
    } | row


@pytest.fixture
def job(spark: SparkSession, lake: Lake, tmp_path: Path) -> Job:
    settings = Settings.model_validate(
        {
            "lake": {"root": lake.root},
            "shop": str(ROOT / "conf/shops/complete_journey.yaml"),
            "rules": str(ROOT / "conf/rules/grocery.yaml"),
            "pricing": {"min_uplift_rate": 0.0},
            "training": {"seed": 99},
        }
    )
    return Job(spark, lake, settings, AS_OF)


PANEL = [
    *panel_rows("raised"),
    *panel_rows("lowered"),
    *panel_rows("unproven", category="BREAD"),
    *panel_rows("uncovered"),
    *panel_rows("unmoved", price_changes=2),
    *panel_rows("loss", unit_cost=Decimal("2.7000")),
    *panel_rows("new", prices_seen=()),
]
CURVES = [
    curve("raised"),
    curve("lowered", elasticity=5.0),
    curve("unproven", identification="weak"),
    curve("unmoved"),
    curve("loss"),
    curve("new"),
]


def rows_by_product(frame: DataFrame) -> dict[str, Any]:
    return {row["product_id"]: row for row in frame.collect()}


def test_the_job_prices_every_open_row_and_a_rerun_changes_nothing(spark: SparkSession, job: Job) -> None:
    job.lake.replace("gold.demand_panel", by_contract(spark, "gold.demand_panel", PANEL))
    drawn = DrawnCurves(by_contract(spark, "gold.demand_curves", CURVES), "7", OPEN, 23)
    summary = write_recommendations(job, drawn)
    table = job.lake.read("gold.price_recommendations")
    found = rows_by_product(table)
    columns = ("decision", "held_back_reason", "price_recommended")
    assert {name: tuple(row[c] for c in columns) for name, row in found.items()} == {
        "raised": ("raise", None, Decimal("2.6900")),
        "lowered": ("lower", None, Decimal("2.2900")),
        "unproven": ("raise", None, Decimal("2.6900")),
        "uncovered": ("hold", "no_demand_curve", Decimal("2.4900")),
        "unmoved": ("hold", "not_enough_evidence", Decimal("2.4900")),
        "loss": ("hold", "rules_conflict", Decimal("2.4900")),
        "new": ("hold", "outside_trusted_range", Decimal("2.4900")),
    }
    assert summary["recommendations"] == {
        "count": 7,
        "changed": 3,
        "held_back": {
            "no_demand_curve": 1,
            "not_enough_evidence": 1,
            "outside_trusted_range": 1,
            "rules_conflict": 1,
        },
        "decisions": {"hold": 4, "lower": 1, "raise": 2},
        "median_elasticity": pytest.approx(-1.2),
    }
    assert summary["identification"] == {
        "discounts": {"categories": 1, "products": 5},
        "weak": {"categories": 1, "products": 1},
    }
    row = found["raised"]
    units = 100 * (2.69 / 2.49) ** -1.2
    assert row["units_then"] == pytest.approx(units)
    assert float(row["profit_then_amount"]) == pytest.approx(1.19 * units, abs=1e-3)
    reach = nbinom.ppf([0.1, 0.9], 100, 0.5)  # 80 %; at the reference price the level alone is unsure, by 0.1
    assert (row["units_now_low"], row["units_now_high"]) == tuple(reach)
    ends = [float(row[f"profit_now_{end}_amount"]) for end in ("low", "high")]
    assert ends == pytest.approx(list(0.99 * reach), abs=1e-3)
    stated = [name for name in table.columns if name.startswith(("units_", "revenue_", "profit_"))]
    assert len(stated) == 18
    assert {found["uncovered"][name] for name in stated} == {None}
    assert [(r["rule"], r["kind"], r["bound_price"], r["binding"]) for r in row["rules"]] == [
        ("margin_floor", "floor", "1.5790", False),
        ("margin_floor", "floor", "0.0900", False),
        ("reference_ceiling", "ceiling", "4.9800", False),
        ("max_change", "step", "2.2410", False),
        ("max_change", "step", "2.7390", True),
        ("trusted_range", "range", "1.7910", False),
        ("trusted_range", "range", "3.2890", False),
        ("price_endings", "ending", "", False),
        ("freshness", "hold", "", False),
        ("history", "hold", "", False),
    ]
    assert (row["flags"], row["confidence"]) == (["no_competitors"], "high")
    unproven = found["unproven"]
    assert (unproven["flags"], unproven["confidence"]) == (["no_competitors", "weakly_identified"], "low")
    versions = (row["model_version"], row["rules_version"], row["panel_version"], row["seed"], row["objective"])
    assert versions == (
        "7",
        load_rules(job.settings.rules).version,
        job.lake.version("gold.demand_panel"),
        23,
        "profit",
    )
    assert job.rows_in == 7

    again = Job(spark, Lake(spark, job.lake.root, "again"), job.settings, AS_OF)
    assert write_recommendations(again, drawn) == summary
    assert rows_by_product(again.lake.read("gold.price_recommendations")) == found
    assert again.lake.read("gold.demand_curves").count() == len(CURVES)


def test_an_interval_beside_its_value_or_without_an_end_is_refused(spark: SparkSession, lake: Lake) -> None:
    loss = {"profit_then_amount": Decimal(-3), "profit_then_low_amount": Decimal(-4), "profit_then_high_amount": None}
    beside = {"units_now": 5.0, "units_now_low": 5.5, "units_now_high": 6.0}
    for columns, rule in ((loss, "profit_then_in_interval"), (beside, "units_now_in_interval")):
        with pytest.raises(ContractError, match=rule):
            lake.replace("gold.price_recommendations", by_contract(spark, "gold.price_recommendations", [columns]))
    loss["profit_then_high_amount"], beside["units_now_low"] = Decimal(-2), 5.0
    rows = by_contract(spark, "gold.price_recommendations", [loss | beside])
    assert lake.replace("gold.price_recommendations", rows) == 1


def test_another_as_of_date_keeps_its_rows(spark: SparkSession, job: Job) -> None:
    job.lake.replace("gold.demand_panel", by_contract(spark, "gold.demand_panel", PANEL))
    write_recommendations(job, DrawnCurves(by_contract(spark, "gold.demand_curves", CURVES), "7", OPEN, 23))
    later = Job(spark, Lake(spark, job.lake.root, "later"), job.settings, AS_OF + timedelta(days=8))
    moved = [row | {"as_of_date": later.as_of} for row in CURVES]
    write_recommendations(later, DrawnCurves(by_contract(spark, "gold.demand_curves", moved), "7", OPEN, 23))
    table = later.lake.read("gold.price_recommendations")
    rows = table.select("as_of_date", "held_back_reason").collect()
    assert sorted({(str(r["as_of_date"]), r["held_back_reason"]) for r in rows if r["as_of_date"] != AS_OF}) == [
        ("2024-03-14", "stale_input")
    ]
    assert sum(r["as_of_date"] == AS_OF for r in rows) == sum(r["as_of_date"] != AS_OF for r in rows) == 7


def test_two_curves_of_one_product_stop_the_job_before_a_price_is_written(spark: SparkSession, job: Job) -> None:
    job.lake.replace("gold.demand_panel", by_contract(spark, "gold.demand_panel", PANEL))
    doubled = by_contract(spark, "gold.demand_curves", [curve("raised"), curve("raised", elasticity=3.0)])
    with pytest.raises(PricingError) as caught:
        write_recommendations(job, DrawnCurves(doubled, "7", OPEN, 23))
    assert str(caught.value) == (
        "gold.demand_curves holds 2 curves for product raised in market north on 2024-03-04 as of 2024-03-06: "
        "its price would not be unique. Look for duplicate keys in gold.demand_panel and run build_features again; "
        "no price was written."
    )
    assert not job.lake.exists("gold.price_recommendations")


def test_a_panel_from_the_future_or_without_an_open_period_is_refused(spark: SparkSession, job: Job) -> None:
    job.lake.replace("gold.demand_panel", by_contract(spark, "gold.demand_panel", PANEL))
    early = Job(spark, Lake(spark, job.lake.root, "early"), job.settings, date(2024, 3, 3))
    with pytest.raises(PricingError) as caught:
        check_open_period(early)
    assert str(caught.value) == (
        "gold.demand_panel was built for the period from 2024-03-04, after the as-of date 2024-03-03: a price would "
        "see the future. Run build_features for 2024-03-03 first."
    )
    closed = [row for row in PANEL if not row.get("is_open")]
    job.lake.replace("gold.demand_panel", by_contract(spark, "gold.demand_panel", closed))
    with pytest.raises(PricingError) as caught:
        check_open_period(job)
    assert str(caught.value) == (
        "gold.demand_panel has no open period, so there is nothing to price. Run build_features for 2024-03-06."
    )


def test_the_range_seen_leaves_out_guesses_and_outliers(spark: SparkSession) -> None:
    rows = panel_rows("p", prices_seen=("2.00", "1.00", "9.00", "3.00", "2.50"))
    rows[1] |= {"is_price_observed": False}
    rows[2] |= {"is_outlier": True}
    found = aggregate_to_past(by_contract(spark, "gold.demand_panel", rows), OPEN).collect()
    assert [(r["observed_low"], r["observed_high"]) for r in found] == [(Decimal("2.0000"), Decimal("3.0000"))]


def test_the_last_quarter_says_whether_sales_show_demand(spark: SparkSession) -> None:
    stocked = {"availability_rate": 1.0, "is_availability_missing": False}
    rows = panel_rows("p", prices_seen=("2.00",) * 14)
    for row in rows:
        row |= stocked | {"is_outlier": False}
    rows[0] |= {"availability_rate": 0.02, "is_outlier": True}  # what is out of stock sells little
    rows[1] |= {"availability_rate": 0.5, "is_outlier": True}
    rows[2] |= {"availability_rate": 1.0, "is_availability_missing": True}
    rows[13] |= {"availability_rate": 0.0, "is_outlier": True}  # 14 weeks ago
    rows += [row | {"is_availability_missing": True} for row in panel_rows("unrecorded")]
    found = rows_by_product(aggregate_to_past(by_contract(spark, "gold.demand_panel", rows), OPEN))
    assert found["p"]["recent_availability_rate"] == pytest.approx((0.02 + 0.5 + 10) / 12)
    assert found["p"]["recent_outlier_rate"] == pytest.approx(1 / 13)
    assert found["unrecorded"]["recent_availability_rate"] is None


def test_inputs_carry_ages_and_keep_products_without_curve_or_history(spark: SparkSession) -> None:
    panel = by_contract(spark, "gold.demand_panel", [*panel_rows("known"), *panel_rows("new", prices_seen=())])
    curves = with_others_profit(by_contract(spark, "gold.demand_curves", [curve("known")]), panel)
    found = rows_by_product(join_pricing_inputs(panel, curves, AS_OF, date(2024, 2, 1)))
    assert (found["known"]["panel_age_days"], found["known"]["model_age_days"]) == (2, 34)
    assert found["known"]["curve_reference_price"] == Decimal("2.4900")
    assert (found["new"]["log_units"], found["new"]["observed_low"]) == (None, None)
    unknown = rows_by_product(join_pricing_inputs(panel, curves, AS_OF, None))
    assert unknown["known"]["model_age_days"] is None


def test_others_earn_by_a_lost_unit_what_their_margin_and_the_diversion_ratio_say(spark: SparkSession) -> None:
    same = {"department": "FOOD", "category": "BREAD"}
    rows = [row for name in ("a", "b", "no cost") for row in panel_rows(name, **same)]
    rows += panel_rows("elsewhere", department="FOOD", category="CHEESE")
    rows += [*panel_rows("cost in cents", **same), *panel_rows("explodes", **same)]
    for row in rows:
        if row["product_id"] == "no cost":
            row |= {"unit_cost": None, "cost_source": None}
        if row["product_id"] == "cost in cents":
            row |= {"unit_cost": Decimal("150.0000")}
    curves = [
        curve("a", diversion_ratio=0.2, diversion_ratio_sd=0.1, log_units=float(np.log(10.0))),
        curve("b", diversion_ratio=0.5, log_units=float(np.log(30.0))),
        curve("no cost", diversion_ratio=0.1, log_units=float(np.log(60.0))),
        curve("elsewhere", diversion_ratio=0.9, log_units=float(np.log(1000.0))),
        curve("cost in cents", diversion_ratio=0.1, log_units=float(np.log(100.0))),
        curve("explodes", diversion_ratio=0.1, log_units=22.0),
    ]
    panel = by_contract(spark, "gold.demand_panel", rows)
    found = rows_by_product(with_others_profit(by_contract(spark, "gold.demand_curves", curves), panel))
    margin = 2.49 - 1.50  # the curve's reference price is what is paid
    # of 90 units that others of a's category sell, 60 earn nothing that is known
    assert found["a"]["others_profit_per_unit"] == pytest.approx(0.2 * margin * 30 / 90)
    assert found["a"]["others_profit_per_unit_sd"] == pytest.approx(0.1 * margin * 30 / 90)
    assert found["b"]["others_profit_per_unit"] == pytest.approx(0.5 * margin * 10 / 70)
    assert found["no cost"]["others_profit_per_unit"] == pytest.approx(0.1 * margin)
    assert found["elsewhere"]["others_profit_per_unit"] == 0.0
