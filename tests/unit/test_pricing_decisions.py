"""Decided prices: against enumeration, closed forms and the rules restated in fractions."""

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from math import ceil, exp, floor
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pricelake.errors import PricingError
from pricelake.pricing.batch import price_batch
from pricelake.pricing.decision import DecidedPrices
from pricelake.pricing.endings import EndingGrid, RowGrids
from pricelake.pricing.limits import Bounds
from pricelake.pricing.rows import CURVE_PARAMETERS
from pricelake.settings import PricingSettings
from pricelake.settings.rules import RuleSet
from tests.pricing_rows import (
    COUNT_COLUMNS,
    MARGIN,
    MONEY_COLUMNS,
    NINES,
    STEP,
    batch_of,
    constant_elasticity,
    random_batch,
    rule_set,
)

PLAIN = PricingSettings(min_uplift_rate=0.0)
EVERY_CENT = PricingSettings(min_uplift_rate=0.0, ladder_steps=400)


def decide(rules: RuleSet, chosen: PricingSettings = PLAIN, **row: Any) -> dict[str, Any]:
    return price_batch(batch_of(row), rules, chosen, constant_elasticity).to_pylist()[0]


def cents(value: Decimal) -> int:
    assert value * 100 == int(value * 100)
    return int(value * 100)


def best_by_enumeration(row: dict[str, Any], rules: RuleSet, chosen: PricingSettings) -> Decimal | None:
    """Every cent within the rules of ``MARGIN``, ``STEP`` and ``NINES``; None: no price obeys them."""
    kinds = {rule.kind: rule for rule in rules.rules}
    now, cost = Fraction(row["list_price"]), Fraction(row["unit_cost"])
    low, high = now * Fraction(str(1 - chosen.ladder_below_rate)), now * Fraction(str(1 + chosen.ladder_above_rate))
    least = Fraction(0)
    if "step" in kinds:
        low, high = max(low, now * Fraction(9, 10)), min(high, now * Fraction(11, 10))
    if "floor" in kinds:
        least = cost / Fraction(95, 100)
    candidates = [Fraction(c, 100) for c in range(ceil(max(low, least) * 100), floor(high * 100) + 1) if c > 0]
    if "ending" in kinds:
        candidates = [c for c in candidates if c * 100 % 10 == 9]
    if now >= least:
        candidates = [now, *candidates]
    if not candidates:
        return None

    def value(price: Fraction) -> float:
        paid = float(price) * (1 - row["discount_rate"])
        units, units_now = (
            exp(row["log_units"]) * (asked / float(row["curve_reference_price"])) ** -row["elasticity_low"]
            for asked in (paid, float(now) * (1 - row["discount_rate"]))
        )
        others = row["others_profit_per_unit"] * (units_now - units)
        amounts = {"profit": (paid - float(cost)) * units + others, "revenue": paid * units, "units": units}
        amounts["mix"] = 0.7 * amounts["profit"] + 0.3 * amounts["revenue"]
        return amounts[chosen.objective]

    best = max(candidates, key=value)
    kept = now in candidates and value(best) - value(now) <= 1e-9 * abs(value(now))
    price = now if kept else best
    return Decimal(price.numerator) / Decimal(price.denominator)


@pytest.mark.parametrize("objective", ["profit", "revenue", "units", "mix"])
@pytest.mark.parametrize(
    "rules", [rule_set(MARGIN), rule_set(MARGIN, STEP), rule_set(STEP, NINES), rule_set(MARGIN, STEP, NINES)]
)
def test_the_best_price_is_the_one_enumeration_finds(objective: str, rules: RuleSet) -> None:
    chosen = EVERY_CENT.model_copy(update={"objective": objective})
    rng = np.random.default_rng(3)
    rows = []
    for _ in range(150):
        price = round(float(rng.uniform(0.2, 6.0)), 2)
        rows.append(
            {
                "list_price": Decimal(str(price)),
                "curve_reference_price": Decimal(str(round(price * rng.uniform(0.8, 1.2), 4))),
                "unit_cost": Decimal(str(round(price * rng.uniform(0.3, 1.1), 4))),
                "elasticity_low": float(rng.uniform(0.3, 6.0)),
                "discount_rate": float(rng.choice([0.0, 0.2])),
                "log_units": 3.0,
                "others_profit_per_unit": float(rng.choice([0.0, rng.uniform(0.0, 1.0) * price])),
            }
        )
    found = price_batch(batch_of(*rows), rules, chosen, constant_elasticity).to_pylist()
    expected = [best_by_enumeration(row, rules, chosen) for row in rows]
    for row, result, best in zip(rows, found, expected, strict=True):
        if best is None:
            assert (result["decision"], result["held_back_reason"]) == ("hold", "rules_conflict")
        else:
            assert result["price_recommended"] == best, (row, result)
    assert len({result["decision"] for result in found}) >= 2


def test_what_the_others_gain_makes_a_product_dearer_and_is_in_the_uplift() -> None:
    rules = rule_set(MARGIN, STEP)
    alone, shared = ({"elasticity_low": 3.0, "others_profit_per_unit": each} for each in (0.0, 0.4))
    found = price_batch(batch_of(alone, shared), rules, EVERY_CENT, constant_elasticity).to_pylist()
    assert found[1]["price_recommended"] > found[0]["price_recommended"]
    for row, each in zip(found, (0.0, 0.4), strict=True):
        own = float(row["profit_then_amount"] - row["profit_now_amount"])
        lost = row["units_now"] - row["units_then"]
        assert float(row["uplift_amount"]) == pytest.approx(own + each * lost, abs=2e-4)
        said = f"; +{each * lost:,.2f} of it on the category's other products)" if each else ""
        assert ("other products" in row["reason"]) == bool(each)
        assert said in row["reason"]


def test_a_free_price_is_the_monopoly_price() -> None:
    # with constant elasticity e the profit is largest at cost x e / (e - 1) (Lerner 1934)
    wide = PricingSettings(min_uplift_rate=0.0, ladder_steps=400, ladder_below_rate=0.5, ladder_above_rate=0.5)
    rules = rule_set({"name": "f", "kind": "floor", "min_price": 0.01})
    result = decide(rules, wide, elasticity_low=3.0, unit_cost=1.50)
    assert result["price_recommended"] == Decimal("2.2500")
    assert (result["decision"], result["binding_rule"]) == ("lower", None)


def test_expectations_follow_the_curve() -> None:
    result = decide(rule_set(MARGIN, STEP, NINES), unit_cost=1.50, elasticity_low=1.2)
    assert result["price_recommended"] == Decimal("2.6900")
    units = 100.0 * (2.69 / 2.49) ** -1.2
    assert result["units_now"] == pytest.approx(100.0)
    assert result["units_then"] == pytest.approx(units)
    assert float(result["revenue_then_amount"]) == pytest.approx(2.69 * units, abs=1e-4)
    assert float(result["profit_now_amount"]) == pytest.approx(99.0, abs=1e-4)
    assert float(result["profit_then_amount"]) == pytest.approx(1.19 * units, abs=1e-4)
    assert float(result["uplift_amount"]) == pytest.approx(1.19 * units - 99.0, abs=2e-4)
    assert result["elasticity"] == pytest.approx(-1.2, abs=1e-6)
    assert (result["range_low"], result["range_high"]) == (Decimal("2.2900"), Decimal("2.6900"))
    assert result["binding_rule"] == "max_change"
    bound = [(r["rule"], r["kind"], r["bound_price"], r["binding"]) for r in result["rules"]]
    assert bound == [
        ("margin_floor", "floor", "1.5790", False),
        ("max_change", "step", "2.2410", False),
        ("max_change", "step", "2.7390", True),
        ("price_endings", "ending", "", False),
    ]


def test_what_customers_pay_is_the_list_price_less_the_announced_discount() -> None:
    result = decide(rule_set(MARGIN), discount_rate=0.2, unit_cost=1.0, list_price=2.50, curve_reference_price=2.0)
    assert result["units_now"] == pytest.approx(100.0)
    assert float(result["revenue_now_amount"]) == pytest.approx(200.0)
    assert float(result["profit_now_amount"]) == pytest.approx(100.0)
    assert "planned_promotion" in result["flags"]
    announced = decide(rule_set(MARGIN), price_cut_rate=0.5)  # by how much is not known
    assert "planned_promotion" in announced["flags"]


def test_equal_candidates_keep_the_price() -> None:
    # at elasticity -1 every price brings the same revenue
    chosen = PLAIN.model_copy(update={"objective": "revenue"})
    result = decide(rule_set(STEP), chosen, elasticity_low=1.0)
    assert (result["decision"], result["price_recommended"]) == ("keep", Decimal("2.4900"))


def test_of_equal_candidates_the_nearest_one_is_taken_where_the_price_must_move() -> None:
    rules = rule_set({"name": "cap", "kind": "ceiling", "max_price": 2.40})
    result = decide(rules, PLAIN.model_copy(update={"objective": "revenue"}), elasticity_low=1.0)
    assert result["price_recommended"] == Decimal("2.4000")


def test_a_gain_below_the_least_keeps_the_price() -> None:
    rules, row = rule_set(MARGIN, STEP, NINES), {"unit_cost": 1.50, "elasticity_low": 1.2}
    gain = float(decide(rules, **row)["uplift_amount"]) / 99.0
    just_above = decide(rules, PricingSettings(min_uplift_rate=gain + 1e-4), **row)
    just_below = decide(rules, PricingSettings(min_uplift_rate=gain - 1e-4), **row)
    assert (just_above["decision"], just_below["decision"]) == ("keep", "raise")
    assert float(just_above["uplift_amount"]) == float(just_above["uplift_high_amount"]) == 0.0


def test_a_floor_wins_over_a_ceiling() -> None:
    ceiling = {"name": "cap", "kind": "ceiling", "max_price": 2.40}
    result = decide(rule_set(ceiling, MARGIN, STEP, NINES), unit_cost=2.40)
    # the lowest allowed price that keeps 5 %: 2.40 / 0.95 = 2.5263…
    assert result["price_recommended"] == Decimal("2.5900")
    assert result["binding_rule"] == "margin_floor"
    assert "ceiling_overruled" in result["flags"]
    assert [r["binding"] for r in result["rules"] if r["rule"] == "cap"] == [False]


def test_a_price_over_its_ceiling_comes_down_even_at_a_loss() -> None:
    rules = rule_set({"name": "cap", "kind": "ceiling", "max_price": 2.40}, STEP)
    result = decide(rules, elasticity_low=0.5)
    assert (result["decision"], result["price_recommended"]) == ("lower", Decimal("2.4000"))
    assert result["uplift_amount"] < 0
    assert result["reason"] == (
        "Lower 2.49 → 2.40: 2.49 breaks cap (at most 2.40); demand reacts weakly to price, elasticity −0.5, "
        "expected profit −7.33 in the period (80 % interval −8.60 to −6.05)."
    )


def test_a_floor_out_of_reach_holds_the_price() -> None:
    result = decide(rule_set(MARGIN, STEP), unit_cost=2.70)
    assert (result["decision"], result["held_back_reason"]) == ("hold", "rules_conflict")
    assert result["price_recommended"] == Decimal("2.4900")
    assert result["binding_rule"] == "margin_floor"
    assert result["reason"] == (
        "Hold 2.49: no price within reach obeys every rule (allowed: at least 2.85 and no ceiling; "
        "within reach: at least 2.25 and at most 2.73)."
    )


def test_the_tightest_of_several_rules_is_the_one_that_binds() -> None:
    rules = rule_set(
        {"name": "cap_wide", "kind": "ceiling", "over": "reference_price", "max_above_rate": 0.09},
        {"name": "cap_narrow", "kind": "ceiling", "over": "competitor_price", "max_above_rate": 0.02},
        STEP,
    )
    row = {"elasticity_low": 0.5, "is_competitor_missing": False, "competitor_index": 0.996}  # competitor at 2.50
    result = decide(rules, **row)
    assert (result["price_recommended"], result["binding_rule"]) == (Decimal("2.5500"), "cap_narrow")
    assert [r["binding"] for r in result["rules"]] == [True, True, False, True]
    without = decide(rules, elasticity_low=0.5)
    assert (without["price_recommended"], without["binding_rule"]) == (Decimal("2.7100"), "cap_wide")
    assert "no_competitors" in without["flags"]
    assert "cap_narrow" not in [r["rule"] for r in without["rules"]]


def test_a_rule_is_for_its_scope_only_and_the_higher_priority_ending_holds() -> None:
    rules = rule_set(
        STEP | {"scope": {"departments": ["HOME"], "products": ["p7"]}, "max_raise_rate": 0.02, "max_lower_rate": 0.01},
        {"name": "all", "kind": "ending", "bands": [{"endings": ["X9"]}], "priority": 10},
        {
            "name": "bread",
            "kind": "ending",
            "bands": [{"endings": ["X5"]}],
            "priority": 20,
            "scope": {"categories": ["BREAD"]},
        },
    )
    row = {"elasticity_low": 0.5}
    rows = [row, row | {"category": "SOAP"}, row | {"department": "HOME"}, row | {"product_id": "p7"}]
    found = price_batch(batch_of(*rows), rules, PLAIN, constant_elasticity).to_pylist()
    prices = [str(result["price_recommended"]) for result in found]
    assert prices == ["3.1500", "3.1900", "2.4900", "2.4900"]
    assert [r["rule"] for r in found[0]["rules"]] == ["bread"]
    assert [r["rule"] for r in found[1]["rules"]] == ["all"]
    assert found[3]["reason"] == (
        "Keep 2.49: the rules and endings leave no other price (demand reacts weakly to price, elasticity −0.5); "
        "the next allowed price, 2.55, lies above max_change (at most 2.53)."
    )


def test_a_price_kept_for_its_next_ending_names_the_ending_and_the_limit_before_it() -> None:
    endings = {"name": "endings", "kind": "ending", "bands": [{"endings": ["X5", "X9"]}]}
    row = {"list_price": Decimal("0.4972"), "curve_reference_price": Decimal("0.4972"), "unit_cost": Decimal("0.36")}
    rules = rule_set(STEP, endings)
    # 0.54692 is the most that max_change allows: 0.49 and 0.45 are within reach, 0.55 is not
    assert decide(rules, **row, elasticity_low=1.1)["reason"] == (
        "Keep 0.4972: no other price within the rules brings more profit (demand reacts moderately to price, "
        "elasticity −1.1); the next allowed price, 0.55, lies above max_change (at most 0.54)."
    )
    narrow = rule_set(STEP | {"max_lower_rate": 0.01}, endings)
    assert decide(narrow, **row, elasticity_low=9.0)["reason"] == (
        "Keep 0.4972: the rules and endings leave no other price (demand reacts strongly to price, elasticity −9.0); "
        "the next allowed price, 0.49, lies below max_change (at least 0.50)."
    )
    # prices before the limit were allowed, and gained too little
    choosy = PricingSettings(min_uplift_rate=0.5)
    assert decide(rule_set(STEP), choosy, elasticity_low=0.5)["reason"] == (
        "Keep 2.49: the best allowed change would gain less than 50 % profit (demand reacts weakly to price, "
        "elasticity −0.5); stopped by max_change (at most 2.73)."
    )


def test_prices_stay_near_those_that_history_has_seen() -> None:
    rules = rule_set({"name": "seen", "kind": "trusted_range", "max_beyond_rate": 0.1})
    result = decide(rules, elasticity_low=0.5, observed_high=2.60)
    assert (result["price_recommended"], result["binding_rule"]) == (Decimal("2.8600"), "seen")
    unseen = decide(rules, observed_low=None, observed_high=None)
    assert (unseen["held_back_reason"], unseen["binding_rule"]) == ("outside_trusted_range", "seen")
    outside = decide(rules, observed_low=1.00, observed_high=2.00)
    assert (outside["held_back_reason"], outside["binding_rule"]) == ("outside_trusted_range", "seen")
    assert outside["reason"] == (
        "Hold 2.49: what customers pay at this price is outside what they have paid (list price at least 0.90, at most "
        "2.20), demand there is a guess."
    )


def test_the_range_is_of_what_customers_pay() -> None:
    """Of a list price of 2.49 less 20 % they pay 1.99, and 0.9 x 2.40 = 2.16 is the least that is trusted."""
    rules = rule_set({"name": "seen", "kind": "trusted_range", "max_beyond_rate": 0.1})
    below = decide(rules, discount_rate=0.2, observed_low=2.40, observed_high=3.00)
    assert (below["held_back_reason"], below["binding_rule"]) == ("outside_trusted_range", "seen")
    rising = decide(rules, discount_rate=0.2, elasticity_low=0.5, observed_low=1.90, observed_high=2.00)
    assert rising["price_recommended"] == Decimal("2.7500")  # 80 % of it are 2.20
    above = decide(rules, discount_rate=0.2, observed_low=1.00, observed_high=1.70)
    assert above["held_back_reason"] == "outside_trusted_range"


def absurd(what: str, price: str = " 2.49") -> str:
    return f"Hold{price}: the {what} is missing or makes no sense; correct it where it comes from."


def stale(what: str) -> str:
    return f"Hold 2.49: {what} (rule freshness)."


def thin(seen: str) -> str:
    return f"Hold 2.49: not enough evidence, {seen}."


STOPPED: list[tuple[dict[str, Any], str, str, str]] = [
    ({"list_price": None}, "absurd_input", "absurd_input", absurd("price in force", "")),
    ({"list_price": 0}, "absurd_input", "absurd_input", absurd("price in force", "")),
    ({"reference_price": -1}, "absurd_input", "absurd_input", absurd("reference price")),
    ({"unit_cost": 0}, "absurd_input", "absurd_input", absurd("unit cost")),
    ({"unit_cost": 24.91}, "absurd_input", "absurd_input", absurd("unit cost")),
    ({"discount_rate": 0.99}, "absurd_input", "absurd_input", absurd("announced discount")),
    ({"log_units": float("nan")}, "absurd_input", "absurd_input", absurd("demand curve")),
    ({"elasticity_high": -1.0}, "absurd_input", "absurd_input", absurd("demand curve")),
    ({"elasticity_sd": float("inf")}, "absurd_input", "absurd_input", absurd("demand curve")),
    ({"category": "FUEL"}, "excluded", "elsewhere", "Hold 2.49: rule elsewhere leaves this product's price to others."),
    (
        {"panel_age_days": 8},
        "stale_input",
        "freshness",
        stale("the demand panel is more than 7 days old; run build_features"),
    ),
    (
        {"model_age_days": None},
        "stale_input",
        "freshness",
        stale("the demand model is more than 35 days old or of unknown age; run train_demand"),
    ),
    (
        {"periods_since_sale": 14},
        "stale_input",
        "freshness",
        stale("nothing was sold for more than 13 periods, so the price in force is not known for sure"),
    ),
    (
        {"price_changes": 1},
        "not_enough_evidence",
        "not_enough_evidence",
        thin("1 price change and 50 periods with sales seen; at least 3 price changes needed"),
    ),
    (
        {"sold_periods": 19},
        "not_enough_evidence",
        "history",
        thin("12 price changes and 19 periods with sales seen; rule history needs 1 price change and 20 periods"),
    ),
    (
        {"log_units": None},
        "no_demand_curve",
        "no_demand_curve",
        "Hold 2.49: the demand model does not cover this product yet.",
    ),
    (
        {"unit_cost": None, "cost_source": None},
        "no_cost",
        "no_cost",
        "Hold 2.49: the unit cost is unknown and the objective profit needs it.",
    ),
]
FRESHNESS = {
    "name": "freshness",
    "kind": "freshness",
    "max_panel_age_days": 7,
    "max_model_age_days": 35,
    "max_periods_since_sale": 13,
}
HISTORY = {"name": "history", "kind": "history", "min_sold_periods": 20}
ELSEWHERE = {"name": "elsewhere", "kind": "exclusion", "scope": {"categories": ["FUEL"]}}


@pytest.mark.parametrize(("change", "code", "binding", "reason"), STOPPED)
def test_missing_stale_or_absurd_input_stops_a_price(
    change: dict[str, Any], code: str, binding: str, reason: str
) -> None:
    rules = rule_set(MARGIN, HISTORY, FRESHNESS, ELSEWHERE)
    result = decide(rules, **change)
    assert (result["decision"], result["held_back_reason"]) == ("hold", code)
    assert (result["binding_rule"], result["reason"]) == (binding, reason)
    assert result["price_recommended"] == result["price_now"]
    assert (result["range_low"], result["range_high"]) == (None, None)
    assert any(r["rule"] == binding and r["kind"] == "hold" and r["binding"] for r in result["rules"])
    if code in ("absurd_input", "no_demand_curve"):
        assert (result["units_now"], result["confidence"]) == (None, "none")
    assert decide(rules)["decision"] != "hold"


def test_inputs_at_the_limit_are_good_enough() -> None:
    rules = rule_set(MARGIN, HISTORY, FRESHNESS)
    row = {"price_changes": 3, "sold_periods": 20, "panel_age_days": 7, "model_age_days": 35, "periods_since_sale": 13}
    assert decide(rules, **row, unit_cost=24.90)["held_back_reason"] == "rules_conflict"
    assert decide(rules, **row)["held_back_reason"] is None


def test_a_floor_needs_a_cost_whatever_the_objective() -> None:
    chosen = PLAIN.model_copy(update={"objective": "revenue"})
    no_cost = {"unit_cost": None, "cost_source": None}
    held = decide(rule_set(MARGIN), chosen, **no_cost)
    assert (held["held_back_reason"], held["binding_rule"]) == ("no_cost", "margin_floor")
    free = decide(rule_set(STEP), chosen, **no_cost)
    assert free["decision"] == "lower"
    assert (free["profit_then_amount"], "no_cost" in free["flags"]) == (None, True)
    assert free["uplift_amount"] == free["revenue_then_amount"] - free["revenue_now_amount"]


def test_units_beyond_belief_hold_the_price() -> None:
    def exploding(curves: Mapping[str, np.ndarray], prices: np.ndarray) -> np.ndarray:
        return np.where(prices > 2.5, np.inf, 1.0) * np.ones_like(prices)

    result = price_batch(batch_of({}), rule_set(MARGIN), PLAIN, exploding).to_pylist()[0]
    assert (result["decision"], result["held_back_reason"]) == ("hold", "absurd_input")


@pytest.mark.parametrize(
    ("change", "level"),
    [
        ({}, "high"),
        ({"elasticity_sd": 0.5}, "medium"),
        ({"elasticity_sd": 0.9}, "low"),
        ({"price_changes": 9}, "medium"),
        ({"price_changes": 4}, "low"),
        ({"sold_periods": 39}, "medium"),
        ({"cost_source": "assumed"}, "medium"),
        ({"identification": "instruments"}, "high"),
        ({"identification": "weak"}, "low"),
        ({"identification": None}, "low"),
        ({"identification": "hearsay"}, "low"),
        ({"identification": "weak", "log_units": None}, "none"),
        ({"recent_availability_rate": 0.05}, "high"),
        ({"recent_availability_rate": 0.049}, "low"),
        ({"recent_outlier_rate": 0.199}, "high"),
        ({"recent_outlier_rate": 0.2}, "low"),
        ({"recent_outlier_rate": None}, "high"),
    ],
)
def test_confidence(change: dict[str, Any], level: str) -> None:
    # at its best price, so that no doubtful uplift lowers the level
    row = {"unit_cost": 1.245, "elasticity_low": 2.0} | change
    assert decide(rule_set(MARGIN), **row)["confidence"] == level


def test_a_price_whose_elasticity_nothing_identifies_says_so_and_stays_what_it_is() -> None:
    rules, row = rule_set(MARGIN, STEP, NINES), {"unit_cost": 1.50, "elasticity_low": 1.2}
    known, weak = decide(rules, **row), decide(rules, **row, identification="weak")
    told = (
        "; history does not show how this product's units answer the price: the elasticity rests on products of its "
        "kind, on what is believed in general, and on price moves that may have followed demand."
    )
    assert weak["reason"] == known["reason"].removesuffix(".") + told
    assert set(weak["flags"]) - set(known["flags"]) == {"weakly_identified"}
    assert (known["confidence"], weak["confidence"]) == ("high", "low")
    # what is not known is in the curve's uncertainty: nothing is added to it here
    same = known.keys() - {"reason", "flags", "confidence"}
    assert {name: weak[name] for name in same} == {name: known[name] for name in same}
    kept = decide(rules, unit_cost=1.245, identification="weak")
    assert (kept["decision"], kept["reason"].endswith(told)) == ("keep", True)
    without_curve = decide(rules, log_units=None, identification=None)
    assert "weakly_identified" not in without_curve["flags"]


def test_sales_that_do_not_show_demand_are_named() -> None:
    rules = rule_set(MARGIN, STEP)
    usual = set(decide(rules, unit_cost=1.5)["flags"])
    for row, flag in (
        ({"recent_availability_rate": 0.0}, "hardly_in_stock"),
        ({"recent_outlier_rate": 0.85}, "unusual_sales"),
    ):
        assert set(decide(rules, unit_cost=1.5, **row)["flags"]) - usual == {flag}
    assert not {"hardly_in_stock", "unusual_sales"} & usual


def test_a_change_that_may_lose_is_of_low_confidence() -> None:
    result = decide(rule_set(MARGIN, STEP), unit_cost=1.4, elasticity_low=2.0, elasticity_sd=0.39)
    assert result["is_changed"]
    assert result["uplift_low_amount"] < 0
    assert result["confidence"] == "low"


def test_how_much_is_sold_does_not_decide_which_price_is_better() -> None:
    sure = decide(rule_set(MARGIN, STEP), unit_cost=1.4, elasticity_low=2.0, elasticity_sd=0.1)
    vague = decide(rule_set(MARGIN, STEP), unit_cost=1.4, elasticity_low=2.0, elasticity_sd=0.1, log_units_sd=1.4)
    assert vague["uplift_low_amount"] < 0 < sure["uplift_low_amount"]
    assert vague["confidence"] == sure["confidence"] != "low"


def test_a_product_that_loses_so_that_others_gain_has_to_be_sure_of_what_they_get() -> None:
    """Raised beyond its own best price: by how much others gain decides; how much is sold scales both alike."""
    raised = {"unit_cost": 1.0, "elasticity_low": 2.5, "elasticity_sd": 0.001, "others_profit_per_unit": 1.0}
    changes: list[dict[str, Any]] = [{}, {"log_units_sd": 1.4}, {"others_profit_per_unit_sd": 0.9}]
    sure, vague, guessed = (decide(rule_set(MARGIN, STEP), **raised, **change) for change in changes)
    assert sure["price_recommended"] == vague["price_recommended"] == guessed["price_recommended"] > Decimal("2.4900")
    assert sure["confidence"] != "low"
    assert vague["confidence"] != "low"
    assert guessed["confidence"] == "low"


BOUNDS = {
    "floor": 20000,
    "ceiling": 30000,
    "reach_low": 22000,
    "reach_high": 28000,
}


@pytest.mark.parametrize(
    ("price", "held", "what"),
    [
        (0, False, "is not above zero"),
        (25900, True, "moved although it is held"),
        (19900, False, "lies under its floor"),
        (30900, False, "lies over its ceiling"),
        (20900, False, "is out of reach of one cycle"),
        (28900, False, "is out of reach of one cycle"),
        (25000, False, "has an ending that is not allowed"),
        (25950, False, "has an ending that is not allowed"),
    ],
)
def test_a_price_that_breaks_a_rule_cannot_be_constructed(price: int, held: bool, what: str) -> None:
    nines = EndingGrid(rule_set(NINES).rules[0])  # type: ignore[arg-type]
    limits = {name: np.array([value]) for name, value in BOUNDS.items()}
    grid = RowGrids(np.zeros(1, dtype=np.int64), (nines,))
    bounds = Bounds(**limits, is_ceiling_overruled=np.array([False]), grid=grid)  # type: ignore[arg-type]
    with pytest.raises(PricingError, match=what):
        DecidedPrices(np.array([24900]), np.array([price]), np.array([held]), bounds)
    DecidedPrices(np.array([24900]), np.array([25900]), np.array([False]), bounds)


ODD_MONEY = (0, -1, "0.0001", "99999999999999.9999", "-99999999999999.9999", "0.01", "10000000", "10000000.0001")
ODD_NUMBERS = (float("nan"), float("inf"), float("-inf"), 0.0, -1.0, 1e308, 1e-308)
money = st.one_of(st.none(), st.sampled_from(ODD_MONEY), st.decimals(min_value="0.01", max_value="50", places=4))
numbers = st.one_of(st.none(), st.sampled_from(ODD_NUMBERS), st.floats(min_value=0.01, max_value=6.0))
counts = st.one_of(st.none(), st.integers(-5, 60))
NUMBER_COLUMNS = ("discount_rate", "competitor_index", *CURVE_PARAMETERS, "elasticity_sd", "log_units_sd")
HOSTILE = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(MONEY_COLUMNS, money),
        **dict.fromkeys(NUMBER_COLUMNS, numbers),
        **dict.fromkeys(COUNT_COLUMNS, counts),
        "is_competitor_missing": st.sampled_from([None, True, False]),
        "cost_source": st.sampled_from([None, "brought", "assumed"]),
        "identification": st.sampled_from([None, "instruments", "weak", ""]),
        "category": st.sampled_from([None, "BREAD", "SOAP"]),
    },
)
ALL_RULES = rule_set(
    MARGIN,
    {"name": "cap", "kind": "ceiling", "over": "reference_price", "max_above_rate": 0.3},
    {"name": "rival", "kind": "ceiling", "over": "competitor_price", "max_above_rate": 0.05},
    STEP,
    NINES,
    {"name": "seen", "kind": "trusted_range", "max_beyond_rate": 0.1},
    HISTORY,
    {key: value for key, value in FRESHNESS.items() if key != "max_model_age_days"},
)


def assert_obeys_every_rule(row: dict[str, Any], result: dict[str, Any]) -> None:
    """The rules of ``ALL_RULES``, restated in fractions."""
    now, price = result["price_now"], result["price_recommended"]
    assert (result["decision"] == "hold") == (result["held_back_reason"] is not None)
    assert result["is_changed"] == (result["decision"] in ("raise", "lower"))
    if result["decision"] == "hold":
        assert price == now
        return
    exact, before, cost = Fraction(price), Fraction(now), Fraction(row["unit_cost"])
    assert exact > 0
    assert exact - cost >= Fraction(5, 100) * exact
    if "ceiling_overruled" not in result["flags"]:
        assert exact <= Fraction(row["reference_price"]) * Fraction(13, 10)
        if row["is_competitor_missing"] is False and row["competitor_index"] and 1e-3 < row["competitor_index"] < 1e3:
            assert float(price) <= float(now) / row["competitor_index"] * 1.05 + 2e-4
    else:
        # the floor left no choice: not one allowed price lower
        assert (
            exact - Fraction(10, 100) - cost < Fraction(5, 100) * (exact - Fraction(10, 100))
            or not result["is_changed"]
        )
    assert row["sold_periods"] >= 20
    assert 0 <= row["panel_age_days"] <= 7
    assert 0 <= row["periods_since_sale"] <= 13
    assert row["price_changes"] >= 3
    if result["is_changed"]:
        assert before * Fraction(9, 10) <= exact <= before * Fraction(11, 10)
        assert cents(price) % 10 == 9
        paid, tick = exact * (1 - Fraction(row["discount_rate"])), Fraction(1, 5_000)
        assert Fraction(row["observed_low"]) * Fraction(9, 10) - tick <= paid
        assert paid <= Fraction(row["observed_high"]) * Fraction(11, 10) + tick
        assert result["range_low"] <= price <= result["range_high"]
    assert all(np.isfinite(float(result[name])) for name in ("units_now", "units_then", "uplift_amount", "elasticity"))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(HOSTILE, min_size=1, max_size=6))
def test_no_input_whatever_makes_a_price_that_breaks_a_rule(changes: list[dict[str, Any]]) -> None:
    batch = batch_of(*changes)
    for row, result in zip(
        batch.to_pylist(), price_batch(batch, ALL_RULES, PLAIN, constant_elasticity).to_pylist(), strict=True
    ):
        assert_obeys_every_rule(row, result)


def test_thousands_of_plausible_rows_obey_every_rule() -> None:
    batch = random_batch(4000, seed=2)
    results = price_batch(batch, ALL_RULES, PLAIN, constant_elasticity).to_pylist()
    for row, result in zip(batch.to_pylist(), results, strict=True):
        assert_obeys_every_rule(row, result)
    decisions = {result["decision"] for result in results}
    assert decisions == {"raise", "lower", "keep", "hold"}
    reasons = {result["held_back_reason"] for result in results} - {None}
    assert reasons >= {"not_enough_evidence", "no_demand_curve", "no_cost", "rules_conflict", "stale_input"}


def test_the_same_rows_give_the_same_prices_in_any_company() -> None:
    batch = random_batch(500, seed=4)
    whole = price_batch(batch, ALL_RULES, PLAIN, constant_elasticity).to_pylist()
    assert whole == price_batch(batch, ALL_RULES, PLAIN, constant_elasticity).to_pylist()
    parts = [batch.slice(0, 123), batch.slice(123, 1), batch.slice(124)]
    apart = [row for part in parts for row in price_batch(part, ALL_RULES, PLAIN, constant_elasticity).to_pylist()]
    assert whole == apart


def test_refused_rows_stay_in_their_place() -> None:
    prices = [Decimal("2.49"), None, Decimal("3.49"), Decimal("0"), Decimal("4.49")]
    rows = [{"product_id": f"p{i}", "list_price": price} for i, price in enumerate(prices)]
    found = price_batch(batch_of(*rows), rule_set(MARGIN), PLAIN, constant_elasticity).to_pylist()
    assert [(row["product_id"], row["price_now"]) for row in found] == [
        (f"p{i}", price) for i, price in enumerate(prices)
    ]
    assert [row["held_back_reason"] is None for row in found] == [True, False, True, False, True]


def test_an_empty_batch_gives_an_empty_table() -> None:
    table = price_batch(batch_of({}).slice(0, 0), ALL_RULES, PLAIN, constant_elasticity)
    assert isinstance(table, pa.Table)
    assert table.num_rows == 0
