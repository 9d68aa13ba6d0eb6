"""Intervals of units, revenue, profit and expected uplift: against scipy's quantile, simulation, and their order."""

from decimal import Decimal
from math import exp, log
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import nbinom, poisson

from pricelake.pricing.batch import price_batch
from pricelake.settings import PricingSettings
from pricelake.tables import contract_of
from tests.pricing_rows import STEP, batch_of, constant_elasticity, random_batch, rule_set

WHENS = ("now", "then")
# value, lower end, upper end
TRIPLES = [
    *((f"units_{when}", f"units_{when}_low", f"units_{when}_high") for when in WHENS),
    *(
        (f"{what}_{when}_amount", f"{what}_{when}_low_amount", f"{what}_{when}_high_amount")
        for what in ("revenue", "profit")
        for when in WHENS
    ),
    ("uplift_amount", "uplift_low_amount", "uplift_high_amount"),
]
ROW: dict[str, Any] = {
    "elasticity_low": 1.2,
    "elasticity_sd": 0.15,
    "log_units_sd": 0.05,
    "curve_reference_price": Decimal("2.30"),
}
LOSS = ROW | {"unit_cost": Decimal("2.80"), "price_changes": 1}  # held at a price under its cost


def price(rate: float = 0.8, **row: Any) -> dict[str, Any]:
    chosen = PricingSettings(min_uplift_rate=0.0, interval_rate=rate)
    return price_batch(batch_of(row), rule_set(STEP), chosen, constant_elasticity).to_pylist()[0]


@pytest.mark.parametrize("rate", [0.5, 0.8, 0.95])
@pytest.mark.parametrize("row", [ROW, ROW | {"discount_rate": 0.2}, LOSS, LOSS | {"discount_rate": 0.2}])
def test_ends_are_the_quantiles_of_a_negative_binomial(row: dict[str, Any], rate: float) -> None:
    result = price(rate, **row)
    cost = float(row.get("unit_cost", 1.5))
    for when, list_price in zip(WHENS, (result["price_now"], result["price_recommended"]), strict=True):
        paid = float(list_price) * (1 - row.get("discount_rate", 0.0))
        u = log(paid / 2.30)
        mean, variance = 100.0 * exp(-1.2 * u), 0.05**2 + (u * 0.15) ** 2
        low, high = nbinom.ppf([(1 - rate) / 2, (1 + rate) / 2], 1 / variance, 1 / (1 + variance * mean))
        assert (result[f"units_{when}_low"], result[f"units_{when}_high"]) == (low, high)
        found = [float(result[f"revenue_{when}_{end}_amount"]) for end in ("low", "high")]
        assert found == pytest.approx([paid * low, paid * high], abs=1e-4)
        found = [float(result[f"profit_{when}_{end}_amount"]) for end in ("low", "high")]
        assert found == pytest.approx(sorted([(paid - cost) * low, (paid - cost) * high]), abs=1e-4)


@pytest.mark.parametrize(("row", "moves"), [(ROW, True), (LOSS, False)])
def test_intervals_agree_with_simulation(row: dict[str, Any], moves: bool) -> None:
    """Units are counted, the uplift is one of means: a week shows one price only."""
    result = price(**row)
    assert result["is_changed"] == moves
    then, cost = float(result["price_recommended"]), float(row.get("unit_cost", 1.5))
    rng = np.random.default_rng(11)
    level, slope = rng.normal(log(100.0), 0.05, 400_000), rng.normal(1.2, 0.15, 400_000)
    prices = np.array([[2.49, then]])
    means = np.exp(level[:, None]) * (prices / 2.30) ** -slope[:, None]
    units, margin = rng.poisson(means), prices - cost
    drawn = {
        **{f"units_{when}": units[:, place] for place, when in enumerate(WHENS)},
        **{f"revenue_{when}_amount": prices[0, place] * units[:, place] for place, when in enumerate(WHENS)},
        **{f"profit_{when}_amount": margin[0, place] * units[:, place] for place, when in enumerate(WHENS)},
        "uplift_amount": margin[0, 1] * means[:, 1] - margin[0, 0] * means[:, 0],
    }
    each = {"units": np.ones(2), "revenue": prices[0], "profit": np.abs(margin[0])}
    assert set(drawn) == {value for value, _, _ in TRIPLES}
    for value, low, high in TRIPLES:
        ends = np.quantile(drawn[value], [0.1, 0.9])
        # a quantile of counts is known to one of them; the uplift alone is a first-order approximation
        slack = 0.05 * (ends[1] - ends[0]) if value == "uplift_amount" else 1.01 * each[value.split("_")[0]].max()
        assert [float(result[low]), float(result[high])] == pytest.approx(list(ends), abs=slack), value


def test_a_product_that_sells_few_may_sell_none() -> None:
    rare = price(**ROW | {"log_units": log(0.05), "log_units_sd": 0.8})
    assert (rare["units_now_low"], rare["units_now_high"]) == (0.0, 1.0)
    assert [float(rare[f"revenue_now_{end}_amount"]) for end in ("low", "high")] == pytest.approx([0.0, 2.49])
    # at 1.2 units: what the quantile of the mean alone would never say
    slow = price(**ROW | {"log_units": log(1.2)})
    assert (slow["units_now_low"], slow["units_now_high"]) == (0.0, 2.0)


def assert_in_order(result: dict[str, Any]) -> None:
    """Both ends are known where the value is, and only there; the value lies between them."""
    for value, low, high in TRIPLES:
        assert (result[low] is None, result[high] is None) == (result[value] is None,) * 2, value
        if result[value] is not None:
            assert result[low] <= result[value] <= result[high], value
            assert np.isfinite([float(result[low]), float(result[high])]).all(), value


usual_money = st.decimals(min_value="2", max_value="5", places=2)
small_money = st.decimals(min_value="0.0001", max_value="50", places=4)


@settings(max_examples=200, deadline=None)
@given(
    rate=st.floats(0.0, 1.0),
    row=st.fixed_dictionaries(
        {
            "list_price": st.one_of(usual_money, small_money),
            "unit_cost": st.one_of(st.none(), usual_money, small_money),
            "curve_reference_price": st.one_of(usual_money, small_money, st.just(Decimal(10_000_000))),
            "discount_rate": st.floats(0.0, 0.95),
            "elasticity_low": st.one_of(st.floats(0.5, 4.0), st.floats(0.01, 50.0)),
            "elasticity_sd": st.floats(0.0, 5.0),
            "log_units_sd": st.floats(0.0, 5.0),
            "log_units": st.one_of(st.none(), st.floats(0.0, 10.0), st.floats(-800.0, 20.0)),
        }
    ),
)
def test_each_value_lies_in_its_interval(rate: float, row: dict[str, Any]) -> None:
    assert_in_order(price(rate, **row))


def test_intervals_of_thousands_of_plausible_rows_are_known_where_their_values_are() -> None:
    chosen = PricingSettings(objective="revenue")
    results = price_batch(random_batch(2000, seed=5), rule_set(STEP), chosen, constant_elasticity).to_pylist()
    for result in results:
        assert_in_order(result)
    assert any(result["units_now"] is None for result in results)
    assert any(result["profit_now_amount"] is None and result["units_now"] is not None for result in results)
    assert any((result["profit_now_amount"] or 0) < 0 for result in results)


def test_the_widest_interval_of_nothing_is_nothing() -> None:
    # sold at cost, and a curve that says nothing: nearly all of its units stand in a tail that no quantile reaches
    tick, far = Decimal("0.0001"), Decimal(10_000_000)
    row = {"list_price": tick, "unit_cost": tick, "curve_reference_price": far, "elasticity_low": 0.05}
    result = price(1.0, **row, log_units=-15.0, elasticity_sd=5.0, log_units_sd=5.0)
    assert result["units_now"] > 0
    assert 0 <= result["units_now_low"] <= result["units_now"] <= result["units_now_high"] < np.inf
    assert result["profit_now_amount"] == result["profit_now_low_amount"] == result["profit_now_high_amount"] == 0


def test_the_same_price_brings_the_same_interval_and_a_certain_uplift_has_no_width() -> None:
    held = price(**LOSS)
    for what in ("units_{}", "units_{}_low", "units_{}_high", "profit_{}_low_amount", "revenue_{}_high_amount"):
        assert held[what.format("now")] == held[what.format("then")]
    sure = price(**ROW | {"elasticity_sd": 0.0, "log_units_sd": 0.0})
    assert sure["uplift_low_amount"] == sure["uplift_amount"] == sure["uplift_high_amount"]
    # what is left where the mean is known is the count
    ends = poisson.ppf([0.1, 0.9], sure["units_now"])
    assert (sure["units_now_low"], sure["units_now_high"]) == tuple(ends)


def test_parts_of_the_uplifts_error_are_what_a_nearer_elasticity_changes() -> None:
    row = ROW | {"elasticity_sd": 0.15, "elasticity_kind_sd": 0.09, "elasticity_common_sd": 0.05}
    result = price(**row)
    now, then = float(result["price_now"]), float(result["price_recommended"])
    assert then > now

    def uplift(size: float) -> float:
        units = [100.0 * exp(-size * log(paid / 2.30)) for paid in (now, then)]
        return (then - 1.5) * units[1] - (now - 1.5) * units[0]

    slope = (uplift(1.2 - 1e-6) - uplift(1.2 + 1e-6)) / 2e-6
    own = (0.15**2 - 0.09**2 - 0.05**2) ** 0.5
    for name, error in (("product", own), ("kind", 0.09), ("common", 0.05)):
        assert float(result[f"uplift_{name}_sd_amount"]) == pytest.approx(slope * error, abs=2e-4)
    held = price(**LOSS)
    assert {float(held[f"uplift_{name}_sd_amount"]) for name in ("product", "kind", "common")} == {0.0}


def test_the_contract_holds_each_value_to_its_interval() -> None:
    checks = contract_of("gold.price_recommendations").checks.values()
    for value, low, high in TRIPLES:
        assert f"{value} IS NULL OR {value} BETWEEN {low} AND {high}" in checks
