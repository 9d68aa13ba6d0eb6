"""The truth against what is drawn, product by product: errors that make up for each other in the sum must show."""

from dataclasses import replace

import numpy as np
import pytest

from pricelake.settings.simulation import Switches
from pricelake.simulator.demand import (
    COMPETITOR_WORTH,
    DISPLAY_WORTH,
    FEATURE_WORTH,
    RESTOCKED,
    STOCKING_UP,
    Conditions,
)
from pricelake.simulator.draws import Array, Draws
from pricelake.simulator.history import Stage, _draw_units
from pricelake.simulator.purchases import all_lines
from pricelake.simulator.truth import CategoryTruth
from tests.drawn_shoppers import drawn_shares
from tests.simulated_shop import ALL_OFF, shop, truths

VISITS = 300_000
DRAWS = 5_000
SIGMAS = 4.5
"""Of a hundred normal errors, one lies beyond in about one of 1 500 cases."""


def eventful_week(one: CategoryTruth) -> tuple[Array, Conditions]:
    """Prices paid and conditions of the week with most discounts among those in which something was stocked up on."""
    weeks = [week for week in one.lived if (week.conditions.stocked * week.conditions.on_sale).max() > 0.05]
    week = max(weeks, key=lambda week: float((week.conditions.depth * week.conditions.on_sale).sum()))
    assert (week.conditions.depth * week.conditions.on_sale).max() > 0.0
    return week.paid, week.conditions


def worth_of(stage: Stage, price: Array, now: Conditions, market: int, shopper_class: int) -> Array:
    """What each product is worth to a class in a market, written out; nothing where it is not sold."""
    category = stage.category
    felt = ((price[market] / category.usual_price) ** category.curvature - 1.0) / category.curvature
    worth = (
        category.liking[shopper_class]
        - category.sensitivity[shopper_class] * felt
        + DISPLAY_WORTH * now.display[market]
        + FEATURE_WORTH * now.feature[market]
        + COMPETITOR_WORTH * np.log(now.competitor[market] / price[market])
        - RESTOCKED * now.stocked[market]
        + now.shock[market]
    )
    return np.where(now.on_sale[market], worth, -np.inf)


@pytest.mark.parametrize("number", [0, 2])
def test_expected_units_of_each_product_are_those_of_shoppers_of_all_classes_drawn_one_by_one(number: int) -> None:
    rng, market = np.random.default_rng(8), 1
    one = truths(shop(switches=Switches()))[number]
    stage, (price, now) = one.stage, eventful_week(one)
    category, shoppers = stage.category, stage.demand.shoppers
    visits = shoppers.counts[market] * shoppers.visits
    incidence = category.incidence + now.readiness[market]
    drawn = np.array(
        [
            drawn_shares(rng, worth_of(stage, price, now, market, k), incidence[k], category.scale, VISITS)
            for k in range(len(visits))
        ]
    )
    known = stage.demand.at(price, now)
    chance = known.purchases[market] / visits[:, None]
    error = np.sqrt(chance * (1.0 - chance) / VISITS)
    assert (np.abs(drawn - chance) <= SIGMAS * error).all(), "a class's purchases of a product"
    # every buyer takes one unit and Poisson further ones, more of them in a promotion
    further = category.extra_quantity * (1.0 + STOCKING_UP * now.depth[market])
    each = 1.0 + rng.poisson(further, (DRAWS, category.size)).mean(axis=0)
    mixed = visits @ drawn * each
    spread = np.hypot(visits @ drawn * np.sqrt(further / DRAWS), each * np.sqrt((visits**2) @ error**2))
    expected = one.units(price, now)[market]
    assert (np.abs(mixed - expected) <= SIGMAS * spread).all(), (mixed, expected)
    assert (SIGMAS * spread <= 0.15 * expected).all(), "too coarse to see an error"


def test_purchases_and_units_drawn_are_on_average_those_expected_of_each_product_and_market() -> None:
    for number, one in enumerate(truths(shop(switches=Switches()))):
        stage, (price, now) = one.stage, eventful_week(one)
        luck = Draws(number).uniform("chance", (2, 1, DRAWS, *price.shape), number)
        known = stage.demand.at(price, now)
        mean, each = known.purchases.sum(axis=1), known.units_per_purchase
        purchases, units = _draw_units(replace(stage, chance=luck), 0, mean, each)
        # n purchases, Poisson, of one unit each and Poisson(n f) further ones
        variance = mean * each**2 + mean * (each - 1.0)
        assert (np.abs(purchases.mean(axis=0) - mean) <= SIGMAS * np.sqrt(mean / DRAWS)).all()
        assert (np.abs(units.mean(axis=0) - one.units(price, now)) <= SIGMAS * np.sqrt(variance / DRAWS)).all()
        assert units.var(axis=0) == pytest.approx(variance, rel=0.15)


def test_a_history_sells_of_each_product_what_the_truth_expects_and_to_the_classes_that_it_expects() -> None:
    for one in truths(shop(switches=ALL_OFF)):
        stage, weeks = one.stage, list(one.lived)
        known = [stage.demand.at(week.paid, week.conditions) for week in weeks]
        mean, each = np.stack([now.purchases for now in known]), np.stack([now.units_per_purchase for now in known])
        variance = (mean.sum(axis=2) * (each**2 + each - 1.0)).sum(axis=(0, 1))
        units = np.stack([one.units(week.paid, week.conditions) for week in weeks]).sum(axis=(0, 1))
        wanted = np.stack([week.wanted for week in weeks]).sum(axis=(0, 1))
        assert (np.abs(wanted - units) < SIGMAS * np.sqrt(variance)).all(), (wanted, units)
        # of the purchases made, each class makes its share
        total = mean.sum(axis=2, keepdims=True)
        share = np.divide(mean, total, out=np.zeros_like(mean), where=total > 0.0)
        made = np.stack([week.purchases for week in weeks])[:, :, None]
        expected, spread = (made * share).sum(axis=(0, 1)), (made * share * (1.0 - share)).sum(axis=(0, 1))
        lines = all_lines(stage, weeks)
        found = np.zeros_like(expected)
        np.add.at(found, (lines.shopper_class, lines.product), 1.0)
        # a count of few is no normal variable: one more or less is no error
        assert (np.abs(found - expected) < SIGMAS * np.sqrt(spread) + 1.0).all(), (found, expected)
