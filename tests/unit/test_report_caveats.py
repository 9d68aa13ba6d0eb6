"""What the report warns of, and who it says did best."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from pricelake.report.caveats import caveats
from pricelake.report.evidence_facts import (
    HeldOutFigures,
    IdentifiedBy,
    InstrumentTest,
    PanelQuality,
    RankingQuality,
    ResponseFit,
)
from pricelake.report.facts import Count, DecisionTotals, ElasticityRange, PromotedShares, RecentPeriods
from pricelake.report.findings import Findings
from pricelake.report.verdicts import coverage_verdict, forecast_verdict, ranking_verdict
from pricelake.workflows.write_report import knows_season

DAY = date(2024, 3, 4)
TOTALS = DecisionTotals(
    prices=1000, changed=100, raised=60, lowered=40, kept=100, held=800, period_first=DAY, period_last=DAY,
    profit_now=Decimal(5000), profit_uplift=Decimal(90), profit_uplift_low=Decimal(10), profit_uplift_high=Decimal(200),
    assumed_uplift=Decimal(0), assumed_changed=0, revenue_now=Decimal(20000), units_now=9000.0,
    revenue_uplift=Decimal(-5), costless_changed=0, low_confidence_changed=0, trusted_uplift=Decimal(90),
    changed_profit_now=Decimal(250), changed_revenue_now=Decimal(1000), forced_changed=0, forced_uplift=Decimal(0),
    forced_held=0, with_elasticity=400, weakest=0,
)  # fmt: skip
FINDINGS = Findings(
    shop="Shop", about=None, currency="EUR", as_of=DAY, period="week", interval_rate=0.9, weakest_elasticity=0.5,
    knows_season=True, has_list_prices=True, price_list="report-prices.csv", totals=TOTALS, recent=None,
    margin_paid=None, held_back=(), flags=(), opportunities=(), prices_paid={},
    curves=(), changes=(), rules=(), held_out=None,
    response_fit=ResponseFit(True, 12, (InstrumentTest("cost", 31.24, 231, False, True),)),
    identified=(IdentifiedBy("discounts", 37, 4100), IdentifiedBy("weak", 194, 4844)),
    elasticities=(ElasticityRange("All products", 400, -2.0, -1.0, -0.74, -0.6, -0.5),), rankings=(), quarantine=(),
    rows_taken={}, panel=PanelQuality(None, None, *[0] * 8), runs=(), origins=(), table_versions={}, names={},
)  # fmt: skip


def told(**totals: object) -> dict[str, str]:
    return {
        title: text.replace("\u00a0", " ")
        for title, text in caveats(replace(FINDINGS, totals=replace(TOTALS, **totals)))
    }


def test_changes_in_both_directions_need_no_warning_of_one() -> None:
    assert not [title for title in told() if "changes are" in title]


def test_almost_all_raises_name_the_cost_and_the_weakest_elasticity_behind_them() -> None:
    text = told(raised=98, lowered=2, weakest=140)["Almost all changes are raises"]
    # a quarter of revenue is profit: a raise pays up to an elasticity of -4 (Lerner)
    assert text.startswith(
        "At today's prices 25 % of what these products bring is profit. At 25 % a raise pays wherever demand reacts "
        "more weakly than at an elasticity of \u22124.0, and the elasticities at today's prices have a median of "
        "\u22120.74; 35 % of them are about \u22120.5, about the weakest that the settings allow. So the cost decides"
    )
    assert "If customers react more strongly than the model believes, these raises lose money" in text


def test_the_margin_at_the_price_paid_stands_beside_the_one_at_list_prices() -> None:
    findings = replace(FINDINGS, margin_paid=0.2003, totals=replace(TOTALS, raised=100, lowered=0))
    text = dict(caveats(findings))["All changes are raises"].replace("\u00a0", " ")
    assert text.startswith(
        "At today's prices 25 % of what these products bring is profit; at the mean price paid in the 8 weeks before "
        "it is 20 %, with the same units. At 25 % a raise pays"
    )
    loss = dict(caveats(replace(findings, margin_paid=-0.031)))["All changes are raises"].replace("\u00a0", " ")
    assert "in the 8 weeks before it is \u22123 %, with the same units." in loss


RECENT = RecentPeriods(
    8, 12500.0, Decimal("28000.40"), PromotedShares(0.41, 0.004, 0.0, 0.52, 0.7), PromotedShares(0, 0, 0, 0, 0)
)


def test_a_period_without_promotions_after_promoted_ones_is_told_with_what_they_brought() -> None:
    told_first = caveats(replace(FINDINGS, recent=RECENT))[0]
    assert (told_first[0], told_first[1].replace("\u00a0", " ")) == (
        "The priced week has no promotions",
        "In the 8 weeks before, these shares of all product-weeks had a promotion: display 41 %, feature or mailer "
        "<1 %, discount 52 %; for the week that is priced the tables hold none of these. What is expected is therefore "
        "a week without promotions: 9,000 units and 20,000 EUR of revenue at today's prices, where the 8 weeks before "
        "brought 12,500 units and 28,000 EUR a week. Both are of the 400 of 1,000 prices with a demand curve. If "
        "promotions are planned, bring them before you rely on the totals.",
    )
    few = replace(RECENT, planned=PromotedShares(0.02, 0, 0, 0.01, 0.03))
    title, text = caveats(replace(FINDINGS, recent=few))[0]
    assert title == "The priced week has almost no promotions"
    assert "the tables hold 3 % with any of these." in text.replace("\u00a0", " ")


def test_promotions_as_before_or_hardly_any_before_need_no_warning() -> None:
    planned = replace(RECENT, planned=PromotedShares(0.05, 0, 0, 0.05, 0.08))
    never = replace(RECENT, promoted=PromotedShares(0.04, 0, 0, 0, 0.04))
    for recent in (planned, never, None):
        assert not [title for title, _ in caveats(replace(FINDINGS, recent=recent)) if "promotions" in title]


def test_a_model_knows_the_season_from_two_years_of_training_on() -> None:
    last = date(2024, 2, 26)
    for weeks, knows in ((104 + 11, True), (104 + 10, False)):
        panel = replace(FINDINGS.panel, first=last - timedelta(weeks=weeks), last=last)
        assert knows_season(panel, untrained_periods=12, period_days=7) is knows
    assert not knows_season(FINDINGS.panel, 12, 7)


def test_season_is_claimed_only_where_the_model_knows_it() -> None:
    title = "How the effect of price was learnt"
    knows = dict(caveats(FINDINGS))[title]
    assert "a part of the season is taken for the effect of price. No price has been set at random yet." in knows
    not_yet = dict(caveats(replace(FINDINGS, knows_season=False)))[title]
    assert (
        "the effect of price. The forecast does not know season or holidays, which take two years to learn. No price "
    ) in not_yet


@pytest.mark.parametrize(
    ("test", "said"),
    [
        (InstrumentTest("cost", 31.24, 231, False, True), "Tried: unit cost (F 31.2, used)."),
        (InstrumentTest("cost", 4.0, 231, False, False), "Tried: unit cost (F 4.0, too weak to use)."),
        (InstrumentTest("cost", 0.0, 8, False, False), "Tried: unit cost (too few products to test it)."),
        (InstrumentTest("tax", 0.0, 0, False, False), "Tried: tax (none that moves)."),
        (
            InstrumentTest("cost", 9e6, 231, True, False),
            "Tried: unit cost (not used: it follows the list price so closely that it must have been worked out from "
            "it).",
        ),
    ],
)
def test_instruments_are_told_with_their_test(test: InstrumentTest, said: str) -> None:
    findings = replace(FINDINGS, response_fit=ResponseFit(True, 9, (test,)))
    assert f"and not demand. {said} Discounts are" in dict(caveats(findings))["How the effect of price was learnt"]


def test_a_model_whose_response_is_not_on_record_says_so() -> None:
    text = dict(caveats(replace(FINDINGS, response_fit=None)))["How the effect of price was learnt"]
    assert "Which instruments the model found is not on record for its version." in text


def test_what_identifies_the_elasticities_is_counted_with_the_changes_that_rest_on_nothing() -> None:
    title = "What the effect of price rests on"
    flagged = replace(FINDINGS, flags=(Count("weakly_identified", 500, 33),))
    told = dict(caveats(flagged))
    assert told[title] == (
        "Elasticities are identified by discounts in 37 categories (4,100 products); by nothing in 194 categories "
        "(4,844 products). Where nothing identifies them, history does not show how units answer the price: the "
        "elasticity rests on like products, on what is believed in general, and on price moves that may have followed "
        "demand. 33 of 100 changed prices rest on that, and their confidence is low."
    )
    assert "Also missing or assumed" not in told
    one = replace(FINDINGS, identified=(IdentifiedBy("instruments", 1, 1),))
    assert dict(caveats(one))[title] == "Elasticities are identified by instruments in 1 category (1 product)."
    assert title not in dict(caveats(replace(FINDINGS, identified=())))


def test_a_response_that_did_not_settle_is_warned_of() -> None:
    title = "The effect of price did not settle"
    assert title not in told()
    stopped = replace(FINDINGS, response_fit=ResponseFit(False, 40, ()))
    assert dict(caveats(stopped))[title].startswith(
        "The fit of how units answer the price still moved when it was stopped after 40 rounds. Elasticities, and the"
    )


def test_shifts_within_a_category_are_told_as_they_are_counted() -> None:
    text = told()["Other products stay as they are"]
    assert "Gains count that, by one number for each category and with the other prices as they are." in text


def test_what_the_interval_leaves_out_is_told() -> None:
    text = told()["What the interval covers"]
    assert text.startswith(
        "The interval of a product's units, revenue or profit holds what the week brings in 90 % of cases or more"
    )
    assert "The interval of a gain is that of the expected gain" in text
    assert text.endswith("as a whole is not in it: see the bias under “Can the model forecast?”.")


def test_all_cuts_are_warned_of_the_other_way_round() -> None:
    text = told(raised=0, lowered=100)["All changes are cuts"]
    assert "a cut pays wherever demand reacts more strongly" in text
    assert "If customers react more weakly than the model believes, these cuts lose money" in text
    assert "weakest" not in text


def test_prices_that_break_a_rule_today_are_named_with_what_they_cost() -> None:
    assert told(forced_changed=20, forced_uplift=Decimal("-3.5"), forced_held=839)[
        "Prices outside the rules today"
    ] == (
        "20 changed prices break a floor or ceiling today and move for that reason, whatever it brings: "
        "\u22123.50 EUR expected profit. 839 held prices break a floor or ceiling too and stay, because nothing "
        "supports a better one: look at them yourself."
    )
    assert "Prices outside the rules today" not in told()


def test_prices_worked_out_from_payments_are_told_from_shelf_prices() -> None:
    titles = [title for title, _ in caveats(replace(FINDINGS, has_list_prices=False))]
    assert "Today's prices are worked out" in titles
    assert "Today's prices are worked out" not in told()


def test_thin_evidence_behind_most_changes_points_to_the_others() -> None:
    assert told(low_confidence_changed=97)["Thin evidence behind most changes"].endswith("Take the others first.")
    assert told(low_confidence_changed=9)["Thin evidence behind some changes"].endswith("Review these first.")


def test_the_best_forecast_is_named_whoever_made_it() -> None:
    values = {
        "pricelake": {"wape": 0.558, "wape_price_observed": 0.436},
        "lightgbm": {"wape": 0.549, "wape_price_observed": 0.440},
        "last_week": {"wape": 0.762},
    }
    assert forecast_verdict(HeldOutFigures(DAY, values)).replace("\u00a0", " ") == (
        "Best over all periods LightGBM 54.9 % (PriceLake model 55.8 %), and where a price was paid PriceLake model "
        "43.6 %."
    )
    assert forecast_verdict(HeldOutFigures(DAY, {})) == ""


def test_what_intervals_held_stands_beside_what_they_should() -> None:
    values = {"pricelake": {"wape": 0.5, "coverage_80": 0.812, "coverage_80_expected": 0.846, "coverage_50": 0.6}}
    figures = HeldOutFigures(DAY, values)
    assert coverage_verdict(figures, "week", 0.8).replace("\u00a0", " ") == (
        "What was sold lay in the model's 80 % interval in 81.2 % of all product-weeks. 84.6 % would be right: "
        "customers buy in whole units, so that an interval that is not to hold too seldom holds more often where few "
        "are sold."
    )
    assert coverage_verdict(figures, "week", 0.5) == coverage_verdict(HeldOutFigures(DAY, {}), "week", 0.8) == ""


def test_the_best_ranking_is_named_by_kind_of_purchase() -> None:
    def row(contender: str, purchases: str, ndcg: float) -> RankingQuality:
        return RankingQuality(DAY, contender, purchases, 0.1, 0.1, 0.1, ndcg, 0.1, 9)

    rows = [row("als", "all", 0.185), row("repeat", "all", 0.4), row("als", "first_time", 0.044)]
    rows.append(row("popularity", "first_time", 0.036))
    assert ranking_verdict(rows) == (
        "Best by NDCG@10 for all purchases: Own repeat purchases 0.400 (ALS (tastes) 0.185); for first-time purchases: "
        "ALS (tastes) 0.044."
    )
