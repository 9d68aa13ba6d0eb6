"""The seller of the simulated shop: what its prices and promotions follow, and what they do not."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from pricelake.simulator.draws import Array
from pricelake.simulator.history import Stage, first_state, live, live_week, set_stage
from pricelake.simulator.seller import CLEARANCE_WEEKS, Plans, with_endings
from tests.simulated_shop import ALL_OFF, SMALL, correlation, plans, shop, stacked, truths

VISIBLE = ALL_OFF.model_copy(update={"confounding_visible": True})
HIDDEN = ALL_OFF.model_copy(update={"confounding_hidden": True})
WEEKS: int = SMALL["weeks"]


def with_plans(stage: Stage, plans: Plans) -> Stage:
    return replace(stage, plans=plans, seller=replace(stage.seller, plans=plans))


def prices_of(stage: Stage) -> tuple[Array, Array]:
    """List prices and prices paid, shape ``(weeks, markets, products)``."""
    weeks = live(stage)[0]
    return np.array([week.list_price for week in weeks]), np.array([week.paid for week in weeks])


def steps(list_price: Array) -> Array:
    """The most by which a price that was moved to an ending differs from the wanted one, shape of ``list_price``."""
    return np.asarray(np.where(list_price < 10.0, 0.05, 0.25) + 1e-9)


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


def test_prices_end_on_price_endings() -> None:
    """In 9 cents; from 10 on in 49 or 99."""
    asked = np.concatenate([stacked(shop(), name).ravel() for name in ("list_price", "paid")])
    assert (asked >= 10.0).sum() > 50
    cents = np.round(100.0 * asked).astype(int)
    assert asked == pytest.approx(cents / 100.0, abs=1e-9)
    assert (cents[asked < 10.0] % 10 == 9).all()
    assert np.isin(cents[asked >= 10.0] % 100, (49, 99)).all()
    wanted = np.linspace(0.2, 30.0, 5001)
    assert (np.abs(with_endings(wanted) - wanted) <= steps(wanted)).all(), "no ending is nearer"
    assert with_endings(np.array([0.01])) == pytest.approx(0.19)


def test_some_products_hardly_ever_change_price_and_some_often_do() -> None:
    moved = np.concatenate(
        [np.diff(stacked(shop(seed=seed), "list_price"), axis=0).any(axis=1).mean(axis=0) for seed in range(3)]
    )
    # weeks in which the list price moves in one of two markets
    assert 0.05 < (moved < 0.04).mean() < 0.35
    assert (moved > 0.3).mean() > 0.2
    assert moved.max() < 0.7


def test_promotions_are_more_frequent_near_holidays() -> None:
    starts, near = [], []
    for seed in range(4):
        settings = shop(seed=seed)
        for number in range(settings.categories):
            stage = set_stage(settings, number)
            promoted = stage.plans.depth[:WEEKS] > 0.0
            starts.append((promoted[1:] & ~promoted[:-1]).mean(axis=(1, 2)))
            mondays = [stage.surroundings.monday(week) for week in range(1, WEEKS)]
            days = [{monday + timedelta(days=day) for day in range(14)} for monday in mondays]
            near.append([not one.isdisjoint(stage.surroundings.holidays) for one in days])
    started, is_near = np.array(starts), np.array(near)
    assert 0.2 < is_near.mean() < 0.5
    # a week with a holiday, or before one, begins them twice as often, and three times with two holidays
    assert 1.7 < started[is_near].mean() / started[~is_near].mean() < 3.3


def test_list_prices_follow_the_sellers_own_forecast_only_where_they_follow_what_is_seen() -> None:
    """Demand that nobody sees coming, in one week alone, reaches prices by way of sales, and so only afterwards."""
    surprise = 20
    later = {}
    for switches in (VISIBLE, ALL_OFF):
        raised = []
        for number in range(4):
            stage = set_stage(shop(switches=switches), number)
            usual = eager(stage.plans)
            passing = usual.passing + 1.5 * (np.arange(len(usual.passing)) == surprise)[:, None, None]
            before, _ = prices_of(with_plans(stage, usual))
            after, _ = prices_of(with_plans(stage, replace(usual, passing=passing)))
            assert np.array_equal(before[: surprise + 1], after[: surprise + 1])
            raised.append(np.log(after / before)[surprise + 1 : surprise + 5].mean())
        later[switches] = np.array(raised)
    assert (later[VISIBLE] > 0.01).all()
    assert (later[ALL_OFF] == 0.0).all()


def momentum_of(stage: Stage, sold: Array) -> Array:
    """Log of a smoothed past over a slow mean of it before each week, shape of ``sold``; products never launched."""
    forecast = usual = first_state(stage).forecast
    found = []
    for units in sold:
        found.append(np.log((forecast + 0.1) / (usual + 0.1)))
        forecast, usual = 0.8 * forecast + 0.2 * units, 0.97 * usual + 0.03 * units
    return np.array(found)


def test_slow_stock_is_marked_down_in_the_history_only_where_prices_follow_what_is_seen() -> None:
    share = {}
    for switches in (VISIBLE, ALL_OFF):
        marked, slow = [], []
        for one in truths(shop(switches=switches)):
            stays = (one.stage.category.launched < 0) & (one.stage.category.delisted > WEEKS + CLEARANCE_WEEKS)
            unplanned = (one.stage.plans.depth[:WEEKS] == 0.0) & stays
            price, paid, sold = (
                np.array([getattr(week, name) for week in one.lived]) for name in ("list_price", "paid", "sold")
            )
            marked.append((paid < price)[unplanned])
            slow.append((momentum_of(one.stage, sold) < -0.5)[unplanned])
        cleared, sold_slowly = np.concatenate(marked), np.concatenate(slow)
        assert 0.02 < sold_slowly.mean() < 0.2
        assert np.array_equal(cleared, sold_slowly & switches.confounding_visible)
        share[switches.confounding_visible] = cleared.mean()
    assert share[True] > 0.02
    assert share[False] == 0.0


def test_products_that_go_are_cleared_whatever_prices_follow() -> None:
    seen = 0
    for switches in (VISIBLE, ALL_OFF):
        for one in truths(shop(switches=switches, products=64)):
            for product in np.flatnonzero(one.stage.category.delisted < WEEKS):
                last = one.stage.category.delisted[product]
                weeks = slice(last - CLEARANCE_WEEKS, last)
                price, paid = (
                    np.array([getattr(week, name)[:, product] for week in one.lived[weeks]])
                    for name in ("list_price", "paid")
                )
                depth = np.maximum(one.stage.plans.depth[weeks, :, product], 0.25)
                assert (np.abs(paid - (1.0 - depth) * price) <= steps(paid)).all()
                seen += 1
    assert seen > 4


def test_promotions_follow_no_hidden_shock_in_timing_or_depth() -> None:
    """Where prices follow hidden shocks, and slow stock is not marked down, discounts are the planned ones."""
    shocks, timing, depths = [], [], []
    moved = 0.0
    for number in range(4):
        stage = set_stage(shop(switches=HIDDEN), number)
        calm = eager(stage.plans)
        bumped = replace(calm, hidden=calm.hidden + 0.6 * (np.arange(len(calm.hidden)) % 10 < 5)[:, None, None])
        lived = [prices_of(with_plans(stage, one)) for one in (calm, bumped)]
        moved += np.abs(np.log(lived[0][0] / lived[1][0])).mean()
        left = stage.category.delisted - np.arange(WEEKS)[:, None]
        stays = np.broadcast_to((left > CLEARANCE_WEEKS)[:, None], lived[0][0].shape)
        for price, paid in lived:
            planned = np.minimum(price, (1.0 - calm.depth[:WEEKS]) * price)
            assert (np.abs(paid - planned) <= steps(paid))[stays].all()
            assert (paid == price)[stays & (calm.depth[:WEEKS] == 0.0)].all()
    assert moved > 0.2, "list prices did not follow the hidden shocks"
    for seed in range(3):
        for stage in (set_stage(shop(seed=seed), number) for number in range(4)):
            shocks.append(stage.plans.hidden[:WEEKS])
            depths.append(stage.plans.depth[:WEEKS])
            timing.append(stage.plans.depth[:WEEKS] > 0.0)
    drawn, planned_depth, is_planned = (np.concatenate(one, axis=2) for one in (shocks, depths, timing))
    assert abs(correlation(planned_depth, drawn)) < 0.03
    assert abs(correlation(is_planned.astype(float), drawn)) < 0.03
