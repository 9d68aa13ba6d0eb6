"""Aggregations of the report against the same figures worked out in plain Python from the same rows."""

import math
from collections import Counter
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import DataFrame, SparkSession
from scipy.stats import norm

from pricelake.errors import PricingError
from pricelake.report import decisions, evidence
from pricelake.report.facts import PromotedShares
from pricelake.report.recent import margin_paid, prices_paid, recent_periods
from tests.report_lake import AS_OF, frame_of, made_up_tables

TABLES = made_up_tables(products=40, periods=6)
PRICES = TABLES["gold.price_recommendations"]


def frame(spark: SparkSession, name: str, rows: list[dict] | None = None) -> DataFrame:
    return frame_of(spark, name, TABLES[name] if rows is None else rows)


@pytest.fixture(scope="module")
def prices(spark: SparkSession) -> DataFrame:
    return frame(spark, "gold.price_recommendations").cache()


def test_totals_add_up_to_what_the_rows_say(spark: SparkSession, prices: DataFrame) -> None:
    totals = decisions.decision_totals(prices, frame(spark, "bronze.products"), 1.0, 0.8)
    changed = [row for row in PRICES if row["is_changed"]]
    costed = [row for row in changed if row["profit_then_amount"] is not None]
    decided = Counter(row["decision"] for row in PRICES)
    assert (totals.prices, totals.changed) == (len(PRICES), len(changed))
    assert (totals.raised, totals.lowered, totals.kept, totals.held) == tuple(
        decided[name] for name in ("raise", "lower", "keep", "hold")
    )
    assert totals.profit_uplift == sum(row["uplift_amount"] for row in costed)
    half = norm.ppf(0.9) * decisions.total_uplift_sd(prices, frame(spark, "bronze.products"), 0.8)
    assert float(totals.profit_uplift_high - totals.profit_uplift) == pytest.approx(half, abs=1e-3)
    assert float(totals.profit_uplift - totals.profit_uplift_low) == pytest.approx(half, abs=1e-3)
    assert totals.assumed_uplift == sum(row["uplift_amount"] for row in costed if row["cost_source"] == "assumed")
    assert totals.costless_changed == len(changed) - len(costed) > 0
    assert totals.revenue_uplift == sum(row["revenue_then_amount"] - row["revenue_now_amount"] for row in changed)
    assert totals.low_confidence_changed == sum(row["confidence"] in ("low", "none") for row in changed)
    trusted = [row["uplift_amount"] for row in costed if row["confidence"] in ("medium", "high")]
    assert totals.trusted_uplift == sum(trusted) != totals.profit_uplift
    assert totals.units_now == pytest.approx(sum(row["units_now"] or 0 for row in PRICES))
    assert totals.period_first == totals.period_last == AS_OF
    assert totals.changed_profit_now == sum(row["profit_now_amount"] for row in costed)
    assert totals.changed_revenue_now == sum(row["revenue_now_amount"] for row in costed)
    known = [row["elasticity"] for row in PRICES if row["elasticity"] is not None]
    assert totals.with_elasticity == len(known)
    assert totals.weakest == sum(value >= -1.1 for value in known) > 0


def test_prices_outside_the_rules_today_are_counted_by_what_became_of_them(spark: SparkSession) -> None:
    forced = {"flags": ["price_now_breaks_rule"]}
    down = forced | {"is_changed": True, "decision": "lower", "uplift_amount": Decimal("-0.30")}
    held = forced | {"is_changed": False, "decision": "hold"}
    marked = [PRICES[1] | {"product_id": "a"} | down, PRICES[1] | {"product_id": "b"} | held, PRICES[1]]
    products = frame(spark, "bronze.products")
    totals = decisions.decision_totals(frame(spark, "gold.price_recommendations", marked), products, 0.5, 0.8)
    assert (totals.forced_changed, totals.forced_held) == (1, 1)
    assert totals.forced_uplift == Decimal("-0.30")


def test_the_error_of_a_total_is_that_of_draws_in_which_products_and_kinds_err_together(spark: SparkSession) -> None:
    """Ten products in two markets and two categories; half of them are raised, half lowered."""
    rng = np.random.default_rng(4)
    at = pd.DataFrame({"product": np.repeat(np.arange(10), 2), "market": ["m0", "m1"] * 10})
    at["category"] = at["product"] % 2
    parts = rng.uniform(0.5, 2.0, (4, 20)) * np.where(at["product"] % 3 == 0, -1.0, 1.0)
    level = rng.uniform(0.2, 1.0, 20)
    half = norm.ppf(0.9) * np.sqrt(level**2 + (parts**2).sum(axis=0))
    row = next(row for row in PRICES if row["is_changed"] and row["profit_then_amount"] is not None)
    names = [f"uplift_{name}_sd_amount" for name in ("product", "kind", "diversion", "common")]
    rows = [
        row
        | {"product_id": f"q{one.product}", "market_id": one.market, "uplift_amount": Decimal(5)}
        | {"uplift_low_amount": decimal(5.0 - half[n]), "uplift_high_amount": decimal(5.0 + half[n])}
        | {name: decimal(part) for name, part in zip(names, parts[:, n], strict=True)}
        for n, one in enumerate(at.itertuples())
    ]
    products = [
        TABLES["bronze.products"][0] | {"product_id": f"q{number}", "category": f"c{number % 2}"}
        for number in range(10)
    ]
    prices = frame(spark, "gold.price_recommendations", rows)
    found = decisions.total_uplift_sd(prices, frame(spark, "bronze.products", products), 0.8)
    draws = 200_000
    own, kind, diversion, common = (rng.standard_normal((draws, count)) for count in (10, 2, 2, 1))
    errors = parts[0] * own[:, at["product"]] + parts[1] * kind[:, at["category"]] + parts[3] * common
    errors += parts[2] * diversion[:, at["category"]]
    errors += level * rng.standard_normal((draws, 20))
    assert found == pytest.approx(errors.sum(axis=1).std(), rel=0.01)


def decimal(value: float) -> Decimal:
    return Decimal(f"{value:.4f}")


def test_nothing_to_report_is_an_error_not_an_empty_page(spark: SparkSession, prices: DataFrame) -> None:
    with pytest.raises(PricingError, match=r"^gold.price_recommendations holds no price for this as-of date"):
        decisions.decision_totals(prices.where("false"), frame(spark, "bronze.products"), 1.0, 0.8)


def test_held_reasons_flags_and_rules_are_counted(prices: DataFrame) -> None:
    held = {one.code: one.prices for one in decisions.held_back_counts(prices)}
    assert held == Counter(row["held_back_reason"] for row in PRICES if row["held_back_reason"])
    flags = {one.code: (one.prices, one.changed) for one in decisions.flag_counts(prices)}
    assert flags == {
        flag: (
            sum(flag in row["flags"] for row in PRICES),
            sum(flag in row["flags"] and row["is_changed"] for row in PRICES),
        )
        for flag in {flag for row in PRICES for flag in row["flags"]}
    }
    rules = decisions.rule_counts(prices)
    assert [one.bound for one in rules] == sorted((one.bound for one in rules), reverse=True)
    step = next(one for one in rules if one.rule == "max_change")
    assert step.applied == len(PRICES)
    assert step.bound == sum(entry[3] for row in PRICES for entry in row["rules"] if entry[0] == "max_change")
    endings = next(one for one in rules if one.rule == "price_endings")
    assert (endings.applied, endings.bound, endings.decided) == (len(PRICES), 0, 0)
    assert step.decided == sum(row["binding_rule"] == "max_change" for row in PRICES) > 0
    # a conflict has the floor that could not be met as its binding rule, and counts as what it is
    assert {one.rule: one.decided for one in rules if one.kind == "hold"} == held
    assert held["rules_conflict"] > 0
    assert next(one for one in rules if one.rule == "min_margin").decided == 0


def test_a_rule_with_two_limits_counts_once_per_price(spark: SparkSession) -> None:
    trail = [("max_change", "step", "0.90", False), ("max_change", "step", "1.10", True), ("seen", "range", "2", False)]
    row = PRICES[0] | {"rules": trail, "binding_rule": "max_change"}
    held = row | {"product_id": "y", "rules": [*trail[2:], ("seen", "hold", "", True)], "binding_rule": "seen"}
    counted = decisions.rule_counts(frame(spark, "gold.price_recommendations", [row, row | {"product_id": "x"}, held]))
    assert [(one.rule, one.kind, one.applied, one.bound, one.decided) for one in counted] == [
        ("max_change", "step", 2, 2, 2),
        ("seen", "hold", 1, 1, 1),
        ("seen", "range", 3, 0, 0),
    ]


def test_change_buckets_hold_each_changed_price_once_and_edges_belong_to_the_step_nearer_0(spark: SparkSession) -> None:
    moves = {"1.10": 0.08, "0.90": -0.10, "1.02": 0.00, "1.1401": 0.14, "1.0199": 0.00, "9.00": 0.98, "0.01": -1.00}
    rows = [
        PRICES[0]
        | {
            "product_id": then,
            "price_now": Decimal("1.00"),
            "price_recommended": Decimal(then),
            "is_changed": True,
        }
        for then in moves
    ]
    rows.append(PRICES[0] | {"price_now": Decimal(1), "price_recommended": Decimal(1), "is_changed": False})
    buckets = decisions.change_buckets(frame(spark, "gold.price_recommendations", rows))
    assert {one.low_rate: one.prices for one in buckets} == Counter(moves.values())
    assert all(one.high_rate == pytest.approx(one.low_rate + 0.02) for one in buckets)


def test_opportunities_are_the_largest_uplifts_of_changed_prices_in_order(
    spark: SparkSession, prices: DataFrame
) -> None:
    unchanged = PRICES[0] | {"product_id": "x", "is_changed": False, "uplift_amount": Decimal(999)}
    best = decisions.largest_opportunities(prices.union(frame(spark, "gold.price_recommendations", [unchanged])), 7)
    expected = sorted(
        (row["uplift_amount"] for row in PRICES if row["is_changed"] and row["uplift_amount"] is not None), reverse=True
    )
    assert [one.uplift_amount for one in best] == expected[:7]
    assert isinstance(best[0].flags, tuple)


def test_choice_takes_decisions_in_turn_and_only_products_with_a_curve(prices: DataFrame) -> None:
    chosen = decisions.choice_of_products(prices, 8)
    assert len(chosen) == 8
    assert all(one.units_now is not None for one in chosen)
    assert {one.decision for one in chosen[:4]} == {row["decision"] for row in PRICES if row["units_now"] is not None}
    for decision in ("raise", "hold"):
        best = max(
            (row for row in PRICES if row["decision"] == decision and row["units_now"] is not None),
            key=lambda row: (row["uplift_amount"] or 0, row["revenue_now_amount"]),
        )
        assert next(one for one in chosen if one.decision == decision).product_id == best["product_id"]


def test_elasticity_quantiles_are_those_of_the_rows(spark: SparkSession, prices: DataFrame) -> None:
    ranges = decisions.elasticity_ranges(prices, frame(spark, "bronze.products"), limit=5)
    assert (ranges[0].category, len(ranges)) == ("All products", 6)
    values = np.array([row["elasticity"] for row in PRICES if row["elasticity"] is not None])
    found = (ranges[0].p05, ranges[0].p25, ranges[0].p50, ranges[0].p75, ranges[0].p95)
    expected = np.quantile(values, [0.05, 0.25, 0.5, 0.75, 0.95], method="inverted_cdf")
    assert found == pytest.approx(tuple(expected))
    categories = {row["product_id"]: row["category"] for row in TABLES["bronze.products"]}
    revenue: Counter[str] = Counter()
    for row in PRICES:
        if row["elasticity"] is not None:
            revenue[categories[row["product_id"]]] += row["revenue_now_amount"]
    assert [one.category for one in ranges[1:]] == [name for name, _ in revenue.most_common(5)]


def test_metrics_of_a_later_date_are_not_seen_and_the_latest_earlier_ones_are(spark: SparkSession) -> None:
    rows = [
        {"as_of_date": day, "contender": "pricelake", "figure": "wape", "value": value, "model_version": "1"}
        for day, value in ((date(2024, 2, 5), 0.7), (date(2024, 2, 26), 0.5), (date(2024, 3, 11), 0.1))
    ]
    rows.append(rows[1] | {"figure": "bias", "value": math.nan})
    figures = evidence.held_out_figures(frame(spark, "gold.demand_metrics", rows), AS_OF)
    assert figures is not None
    assert (figures.as_of_date, figures.values) == (date(2024, 2, 26), {"pricelake": {"wape": 0.5}})
    assert evidence.held_out_figures(frame(spark, "gold.demand_metrics", rows), date(2024, 1, 1)) is None


def test_figures_of_a_version_are_its_own_and_the_latest_up_to_the_date(spark: SparkSession) -> None:
    rows = [
        {"as_of_date": day, "contender": "price_response", "figure": figure, "value": value, "model_version": version}
        for day, version, figure, value in (
            (date(2024, 2, 5), "7", "rounds", 1.0),
            (date(2024, 2, 12), "7", "rounds", 2.0),
            (date(2024, 2, 12), "7", "converged", 1.0),
            (date(2024, 2, 26), "8", "rounds", 3.0),
            (date(2024, 3, 11), "7", "rounds", 4.0),
        )
    ]
    table = frame(spark, "gold.demand_metrics", rows)
    assert evidence.figures_of_version(table, AS_OF, "7") == {"rounds": 2.0, "converged": 1.0}
    assert evidence.figures_of_version(table, AS_OF, "9") == {}


def test_rankings_come_in_the_order_people_read_them(spark: SparkSession) -> None:
    rankings = evidence.ranking_quality(frame(spark, "gold.recommender_metrics"), AS_OF)
    assert [(one.purchases, one.contender) for one in rankings] == [
        (kind, name) for kind in ("all", "repeat", "first_time") for name in ("als", "popularity", "repeat")
    ]


def test_quarantine_is_counted_by_rule_with_one_example_each(spark: SparkSession) -> None:
    counts = evidence.quarantine_counts(frame(spark, "bronze.quarantine"))
    assert [(one.table_name, one.rule, one.rows) for one in counts] == [
        ("order_lines", "paid_amount_above_zero", 120),
        ("order_lines", "quantity_absurd", 37),
        ("products", "duplicate_key", 4),
    ]
    assert counts[0].example_row.startswith('{"order":"o0"')


def test_panel_quality_counts_closed_periods_only(spark: SparkSession) -> None:
    quality = evidence.panel_quality(frame(spark, "gold.demand_panel"))
    closed = [row for row in TABLES["gold.demand_panel"] if not row["is_open"]]
    assert quality.rows == len(closed) == 40 * 6
    assert (quality.first, quality.last) == (AS_OF - timedelta(weeks=6), AS_OF - timedelta(weeks=1))
    assert quality.outliers == sum(row["is_outlier"] for row in closed)
    assert quality.price_carried == sum(not row["is_price_observed"] for row in closed)
    assert (quality.cost_assumed, quality.cost_unknown) == (len(closed), 0)


def test_observed_periods_are_the_latest_closed_ones_oldest_first(spark: SparkSession, prices: DataFrame) -> None:
    chosen = decisions.choice_of_products(prices, 3)
    observed = evidence.observed_periods(frame(spark, "gold.demand_panel"), chosen, periods=4)
    assert observed.keys() == {(one.product_id, "chain") for one in chosen}
    for (product, _), series in observed.items():
        assert [one.period_start for one in series] == [AS_OF - timedelta(weeks=back) for back in (4, 3, 2, 1)]
        rows = {row["period_start"]: row for row in TABLES["gold.demand_panel"] if row["product_id"] == product}
        for one in series:
            row = rows[one.period_start]
            assert (one.units, one.unit_price) == (row["units"], float(row["unit_price"]))
            assert one.is_promoted == (row["display_rate"] > 0)


def test_recent_periods_are_those_of_the_products_with_a_curve(spark: SparkSession, prices: DataFrame) -> None:
    panel = frame(spark, "gold.demand_panel")
    found = recent_periods(prices, panel, AS_OF, periods=4, period_days=7)
    priced = {row["product_id"] for row in PRICES if row["units_now"] is not None}
    assert 0 < len(priced) < len(PRICES)
    mine = [row for row in TABLES["gold.demand_panel"] if row["product_id"] in priced]
    closed = [row for row in mine if AS_OF - timedelta(weeks=4) <= row["period_start"] < AS_OF]
    opened = [row for row in mine if row["is_open"]]
    assert found is not None
    assert (found.periods, len(closed)) == (4, 4 * len(priced))
    assert found.units == pytest.approx(sum(row["units"] for row in closed) / 4)
    assert found.revenue == sum(row["revenue_amount"] for row in closed) / 4

    def shares(rows: list[dict]) -> PromotedShares:
        display, discount = (sum(row[name] > 0 for row in rows) for name in ("display_rate", "discount_rate"))
        return PromotedShares(display / len(rows), 0.0, 0.0, discount / len(rows), max(display, discount) / len(rows))

    assert (found.promoted, found.planned) == (shares(closed), shares(opened))
    assert found.promoted.display > 0
    announced = opened[0] | {"promotion_depth_rate": 0.3, "discount_rate": 0.0, "display_rate": 0.0}
    one = recent_periods(prices, frame(spark, "gold.demand_panel", [announced, *closed]), AS_OF, 4, 7)
    assert one is not None
    assert one.planned == PromotedShares(0.0, 0.0, 0.0, 1.0, 1.0)


def test_recent_periods_need_the_priced_one_and_an_earlier_one(spark: SparkSession, prices: DataFrame) -> None:
    panel = frame(spark, "gold.demand_panel")
    assert recent_periods(prices, panel.where("is_open"), AS_OF, 8, 7) is None
    assert recent_periods(prices, panel.where("NOT is_open"), AS_OF, 8, 7) is None
    assert recent_periods(prices.where("units_now IS NULL"), panel, AS_OF, 8, 7) is None


def test_margin_at_prices_paid_weighs_the_changed_prices_by_their_units(spark: SparkSession, prices: DataFrame) -> None:
    rows = [
        row | {"reference_price": row["list_price"] * Decimal("0.9")} if row["is_open"] else row
        for row in TABLES["gold.demand_panel"]
    ]
    panel = frame(spark, "gold.demand_panel", rows)
    paid = {row["product_id"]: float(row["reference_price"]) for row in panel.where("is_open").collect()}
    costed = [row for row in PRICES if row["is_changed"] and row["profit_now_amount"] is not None]
    revenue = sum(row["units_now"] * paid[row["product_id"]] for row in costed)
    cost = sum(row["units_now"] * float(row["unit_cost"]) for row in costed)
    assert margin_paid(prices, panel) == pytest.approx(1 - cost / revenue)
    assert margin_paid(prices, panel.where("NOT is_open")) is None


def test_prices_paid_are_those_of_the_open_rows_of_the_chosen(spark: SparkSession, prices: DataFrame) -> None:
    chosen = decisions.largest_opportunities(prices, 3)
    paid = prices_paid(frame(spark, "gold.demand_panel"), chosen)
    assert paid == {
        (row["product_id"], "chain", AS_OF): row["reference_price"]
        for row in TABLES["gold.demand_panel"]
        if row["is_open"] and row["product_id"] in {one.product_id for one in chosen}
    }
    assert len(paid) == 3
    assert prices_paid(frame(spark, "gold.demand_panel"), []) == {}


def test_runs_are_the_latest_successful_ones_in_order(spark: SparkSession) -> None:
    later = TABLES["ops.runs"][1]
    again = later | {"run_id": "again", "seconds": 40.0, "finished_at": later["finished_at"] + timedelta(hours=1)}
    other = later | {"run_id": "other", "as_of_date": AS_OF - timedelta(days=7), "job": "old"}
    own = later | {"run_id": "own", "job": "write_report"}
    runs = evidence.latest_runs(
        frame(spark, "ops.runs", [*TABLES["ops.runs"], again, other, own]), AS_OF, leave_out="write_report"
    )
    assert [one.job for one in runs] == [
        "build_features", "train_recommender", "train_demand", "recommend_prices", "ingest",
    ]  # fmt: skip
    assert runs[-1].seconds == 40.0
    assert runs[-1].settings_hash == "aa"
