"""The seller of the simulated shop: what its prices and promotions follow, and what they do not."""

from dataclasses import replace

import numpy as np

from pricelake.simulator.history import live_week, set_stage
from pricelake.simulator.seller import Plans
from tests.simulated_shop import ALL_OFF, SMALL, correlation, plans, shop, stacked, truths


def test_confounding_is_prices_that_follow_the_shock_it_names() -> None:
    hidden = np.concatenate([one.hidden[: SMALL["weeks"]] for one in plans(shop())], axis=2)
    visible = np.concatenate([one.visible[: SMALL["weeks"]] for one in plans(shop())], axis=2)
    for switch, shock, other in (("confounding_hidden", hidden, visible), ("confounding_visible", visible, hidden)):
        price = np.log(stacked(shop(switches=ALL_OFF.model_copy(update={switch: True})), "list_price"))
        assert correlation(price, shock) > 0.2
        assert abs(correlation(price, other)) < 0.1
    price = np.log(stacked(shop(switches=ALL_OFF), "list_price"))
    assert abs(correlation(price, hidden)) < 0.05
    assert abs(correlation(price, visible)) < 0.05


def test_cost_shocks_are_valid_instruments() -> None:
    """Related to prices, and, given everything else, not to what shoppers want."""
    drawn = plans(shop())
    weeks = slice(0, SMALL["weeks"])
    cost = np.log(np.concatenate([np.broadcast_to(p.cost[weeks, None], p.shock[weeks].shape) for p in drawn], axis=2))
    shock = np.concatenate([one.shock[weeks] for one in drawn], axis=2)
    price = np.log(stacked(shop(), "list_price"))
    assert correlation(cost, price) > 0.25
    assert abs(correlation(cost, shock)) < 0.05


def test_slow_stock_is_cleared_only_where_prices_follow_what_is_seen() -> None:
    visible = set_stage(shop(switches=ALL_OFF.model_copy(update={"confounding_visible": True})), 0).seller
    blind = set_stage(shop(switches=ALL_OFF), 0).seller
    momentum = np.array([[0.2, -0.3, -0.9] + [0.0] * (visible.category.size - 3)])
    stays = visible.category.delisted > 100
    assert (visible.clearance(1, momentum) > 0.0)[0, stays].tolist() == (momentum < -0.5)[0, stays].tolist()
    assert (blind.clearance(1, momentum)[0, stays] == 0.0).all()


def test_sellers_follow_the_prices_that_rivals_asked() -> None:
    lived = truths(shop(switches=ALL_OFF.model_copy(update={"competitor_reaction": True})))[0]
    state = replace(lived.end, rivals=1.5 * lived.end.rivals)
    week = SMALL["weeks"]
    stage = replace(lived.stage, seller=replace(lived.stage.seller, plans=eager(lived.stage.plans)))
    usual, _ = live_week(stage, week, lived.end)
    dearer, _ = live_week(stage, week, state)
    assert (dearer.list_price >= usual.list_price).all()
    assert (dearer.list_price > usual.list_price).mean() > 0.5


def eager(known: Plans) -> Plans:
    """Plans in which every price is looked at every week."""
    return replace(known, reviews=np.ones_like(known.reviews))
