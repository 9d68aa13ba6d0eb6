"""The simulated history: paired twins, what each switch does, sales that add up, a truth that can be derived."""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from pricelake.settings.loading import load_file
from pricelake.settings.simulation import SimulationFile, SimulationSettings, Switches
from pricelake.simulator import records
from pricelake.simulator.categories import WORDS
from pricelake.simulator.demand import SHELF_LIFE
from pricelake.simulator.history import Week, live, set_stage
from pricelake.simulator.purchases import (
    FURTHER_REVIEW_DAYS,
    REVIEW_RATE,
    SOONEST_REVIEW_DAYS,
    Lines,
    _written,
    draw_lines,
    events,
    moments,
)
from pricelake.simulator.seller import COST_DEVIATION, Plans
from pricelake.simulator.words import KINDS
from pricelake.simulator.writing import FRAMES
from tests.simulated_shop import ALL_OFF, SMALL, plans, shop, stacked, truths

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("switch", list(Switches.model_fields))
def test_a_switch_changes_no_draw(switch: str) -> None:
    on, off = (shop(switches=Switches(**{switch: value})) for value in (True, False))
    for number in range(2):
        left, right = set_stage(on, number), set_stage(off, number)
        for name in (field.name for field in fields(Plans)):
            assert np.array_equal(getattr(left.plans, name), getattr(right.plans, name)), name
        for name in ("chance", "pace", "is_delivered"):
            assert np.array_equal(getattr(left, name), getattr(right, name)), name
        assert np.array_equal(left.category.liking, right.category.liking)
        assert np.array_equal(left.readiness, right.readiness)


def told_ahead(settings: SimulationSettings) -> dict[str, pd.DataFrame]:
    """Tables that no switch may change: who there is, what is sold and at what cost, what is looked at, the world."""
    stages = [set_stage(settings, number) for number in range(settings.categories)]
    around, people = stages[0].surroundings, stages[0].demand.shoppers
    return {
        "customers": records.customers(people, settings.seed, np.arange(settings.customers), 0),
        "calendar": pd.DataFrame(records.calendar(around, 0)),
        "weather": pd.DataFrame(records.weather(around, settings.weeks, 0)),
        "products": pd.concat([FRAMES["products"](settings, number) for number in range(settings.categories)]),
        "costs": pd.concat([FRAMES["costs"](settings, number) for number in range(settings.categories)]),
        "events": pd.concat([FRAMES["events"](settings, number) for number in range(settings.categories)]),
    }


MAY_FOLLOW = {
    "confounding_visible": {"list_prices", "promotions", "order_lines", "reviews"},  # promotions: clearances
    "confounding_hidden": {
        "list_prices",
        "promotions",
        "order_lines",
        "reviews",
    },  # a promotion's depth ends on a price
    "sold_out": {"inventory", "order_lines", "reviews"},
    "cross_effects": {"order_lines", "reviews"},
    "competitor_reaction": {"competitor_prices", "list_prices", "promotions", "order_lines", "reviews"},
    "forward_buying": {"order_lines", "reviews"},
}
"""Tables in which twins differ, all other switches off; order lines and reviews are made of what is bought."""


@pytest.mark.parametrize("switch", list(Switches.model_fields))
def test_twins_are_equal_in_every_table_that_does_not_follow_from_the_switch(switch: str) -> None:
    small = {"products": 16, "weeks": 40, "customers": 600}
    on, off = (shop(switches=ALL_OFF.model_copy(update={switch: value}), **small) for value in (True, False))
    left, right = ({name: [frame(one, n) for n in (0, 1)] for name, frame in FRAMES.items()} for one in (on, off))
    differ = {name for name in FRAMES if not all(map(pd.DataFrame.equals, left[name], right[name]))}
    assert differ == MAY_FOLLOW[switch]
    # with all others on, too, and in the tables that are not made category by category
    full, without = (shop(switches=Switches(**{switch: value}), **small) for value in (True, False))
    twins = told_ahead(full), told_ahead(without)
    assert not twins[0].keys() & MAY_FOLLOW[switch]
    for name, frame in twins[0].items():
        assert len(frame) > 10, name
        pd.testing.assert_frame_equal(frame, twins[1][name])


def test_whatever_is_drawn_of_people_and_products_is_the_same_for_twins() -> None:
    on, off = (set_stage(shop(switches=Switches(**dict.fromkeys(Switches.model_fields, v))), 1) for v in (True, False))
    for left, right in (
        (on.category, off.category),
        (on.demand.shoppers, off.demand.shoppers),
        (on.surroundings, off.surroundings),
    ):
        for field in fields(left):
            assert np.array_equal(getattr(left, field.name), getattr(right, field.name)), field.name


@pytest.mark.parametrize("switch", list(Switches.model_fields))
def test_each_switch_makes_a_difference(switch: str) -> None:
    off = stacked(shop(switches=ALL_OFF), "sold")
    on = stacked(shop(switches=ALL_OFF.model_copy(update={switch: True})), "sold")
    assert (on != off).mean() > 0.05


def test_instruments_change_costs_and_nothing_else_that_is_drawn() -> None:
    strong, weak, none = (plans(shop(instruments=kind)) for kind in ("strong", "weak", "none"))
    for one, other, third in zip(strong, weak, none, strict=True):
        for name in {field.name for field in fields(Plans)} - {"cost"}:
            assert np.array_equal(getattr(one, name), getattr(other, name)), name
        assert (third.cost == third.cost[0]).all()
        ratio = np.log(one.cost / third.cost) / np.log(other.cost / third.cost)
        assert ratio == pytest.approx(COST_DEVIATION["strong"] / COST_DEVIATION["weak"])


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.2, 0.4])
def test_as_many_weeks_sell_out_as_were_asked_for(rate: float) -> None:
    settings = shop(sold_out_rate=rate)
    availability, wanted, sold = (stacked(settings, name) for name in ("availability", "wanted", "sold"))
    on_sale = np.concatenate([[week.conditions.on_sale for week in one.lived] for one in truths(settings)], axis=2)
    assert (availability[on_sale] < 1.0).mean() == pytest.approx(rate, abs=0.03)
    is_short = sold < wanted
    assert (sold <= wanted).all()
    assert (availability[is_short] < 1.0).all()
    assert ((availability == 1.0) | is_short | (availability == 0.0)).all()
    is_empty = on_sale & (availability == 0.0)
    assert (sold[is_empty] == 0.0).all()
    assert is_empty.mean() == pytest.approx(0.2 * rate, abs=0.15 * rate), "deliveries that did not come"
    # of k sold out of n wanted, time in stock is k / (n + 1) in the mean, and not k / n
    ended = is_short & ~is_empty
    if ended.any():
        share = (sold / (wanted + 1.0))[ended]
        assert (availability[ended] - share).mean() == pytest.approx(0.0, abs=0.01)
        assert (availability[ended] - share).std() > 0.02


def test_after_a_promotion_less_is_bought_where_shoppers_stock_up() -> None:
    truth = truths(shop())[0]
    week = SMALL["weeks"] + 2
    calm = truth.conditions(week)
    price = truth.end.list_price
    full = type(calm)(**{f.name: getattr(calm, f.name) for f in fields(calm)} | {"stocked": calm.stocked + 0.2})
    usual, after = truth.units(price, calm), truth.units(price, full)
    assert (after[usual > 0] < 0.9 * usual[usual > 0]).all()


def test_only_what_can_be_bought_is_stocked_up_on() -> None:
    early = empty = part = 0
    for one in truths(shop(newcomers=(0, 3), products_per_category=8, sold_out_rate=0.3)):
        is_new = one.stage.category.launched == SMALL["weeks"]
        assert (one.conditions(SMALL["weeks"]).stocked[:, is_new] == 0.0).all()
        afterwards = [*(week.conditions.stocked for week in one.lived[1:]), one.end.stocked]
        for week, after in zip(one.lived, afterwards, strict=True):
            now, left = week.conditions, SHELF_LIFE * week.conditions.stocked
            promoted = now.depth > 0.0
            unknown, none = promoted & ~now.on_sale, promoted & now.on_sale & (week.availability == 0.0)
            some = promoted & now.on_sale & (week.availability > 0.0)
            assert np.array_equal(after[~some], left[~some])
            assert after[some] == pytest.approx((left + SHELF_LIFE * now.depth * week.availability)[some])
            early, empty, part = (
                total + cells.sum()
                for total, cells in ((early, unknown), (empty, none), (part, some & (week.availability < 1.0)))
            )
    assert min(early, empty, part) > 10


def test_after_the_history_households_use_up_what_the_same_rule_left_them() -> None:
    for one in truths(shop()):
        stocked = one.end.stocked
        assert stocked.max() > 0.02
        for week in range(SMALL["weeks"], SMALL["weeks"] + 4):
            now = one.conditions(week)
            assert now.stocked == pytest.approx(stocked, abs=1e-12)
            stocked = one.stage.demand.stocked_next(now, np.ones_like(stocked))


@pytest.mark.parametrize("is_joint", [True, False])
def test_elasticities_are_the_limits_of_differences(is_joint: bool) -> None:
    switches = ALL_OFF.model_copy(update={"cross_effects": is_joint})
    truth = truths(shop(switches=switches))[1]
    step, now = 1e-5, truth.conditions(SMALL["weeks"] + 1)
    price = truth.end.list_price * 1.1
    known = truth.elasticities(price, now)
    sold = now.on_sale[0]
    for i in np.flatnonzero(sold):
        moved = np.exp(step * (np.arange(price.shape[1]) == i))
        more, less = truth.units(price * moved, now), truth.units(price / moved, now)
        slope = (np.log(more[:, sold]) - np.log(less[:, sold])) / (2.0 * step)
        assert slope == pytest.approx(known[:, sold, i], abs=1e-6)
    own = known[:, sold][:, :, sold].diagonal(axis1=1, axis2=2)
    assert (own < 0.0).all()
    assert np.isnan(known[:, ~sold]).all()


def test_a_branch_is_the_shop_of_the_next_seed() -> None:
    both, second = shop(branches=2), shop(seed=SMALL["seed"] + 1)
    for number in range(second.categories):
        one, other = set_stage(both, both.categories + number), set_stage(second, number)
        assert (one.first_product, one.first_market) == (SMALL["products"] + 8 * number, SMALL["markets"])
        assert one.category_name != other.category_name
        left, right = live(one)[1], live(other)[1]
        assert np.array_equal(left.list_price, right.list_price)
        assert np.array_equal(left.stock, right.stock)


def lines_of(settings: SimulationSettings) -> list[tuple[Week, Any]]:
    stage = set_stage(settings, 0)
    return [(week, draw_lines(stage, number, week)) for number, week in enumerate(live(stage)[0])]


def test_order_lines_add_up_to_what_was_sold() -> None:
    settings = shop(sold_out_rate=0.3)
    for week, lines in lines_of(settings):
        units = np.zeros(week.sold.shape)
        np.add.at(units, (lines.market, lines.product), lines.quantity)
        assert np.array_equal(units, week.sold)
        assert (lines.quantity >= 1).all()


def test_nothing_is_bought_after_inventory_says_that_it_ran_out() -> None:
    """From the tables alone: the shop is open from 8 to 20, and a day's share in stock is its first part."""
    settings, seen = shop(sold_out_rate=0.3, switches=Switches()), 0
    for number in range(settings.categories):
        lines, stock = FRAMES["order_lines"](settings, number), FRAMES["inventory"](settings, number)
        lines["date"] = lines["ordered_at"].dt.date
        lines["turn"] = ((lines["ordered_at"] - lines["ordered_at"].dt.normalize()).dt.total_seconds() / 3600 - 8) / 12
        known = lines.merge(stock, on=["product_id", "market_id", "date"])
        known = known[known["availability_rate"] < 1.0]
        assert (known["turn"] <= known["availability_rate"] + 1.0 / (12 * 3600)).all()
        seen += len(known)
    assert seen > 500


def test_the_last_unit_goes_when_stock_runs_out_and_what_stays_in_stock_is_bought_as_ever() -> None:
    stages = [
        set_stage(shop(sold_out_rate=0.3, switches=ALL_OFF.model_copy(update={"sold_out": on})), 0) for on in (1, 0)
    ]
    short = as_before = 0
    for number, (week, plenty) in enumerate(zip(*(live(stage)[0] for stage in stages), strict=True)):
        lines, free = draw_lines(stages[0], number, week), draw_lines(stages[1], number, plenty)
        for market, product in zip(*np.nonzero(plenty.wanted), strict=True):
            mine, others = (_of_cell(one, market, product) for one in (lines, free))
            if week.sold[market, product] == week.wanted[market, product]:
                assert mine == others
                as_before += 1
            elif mine:
                assert [one.customer for one in mine] == [one.customer for one in others][: len(mine)]
                assert mine[-1].turn == week.availability[market, product]
                short += 1
    assert min(short, as_before) > 200


def test_what_runs_out_is_bought_evenly_until_then() -> None:
    drawn = []
    for seed in range(4):
        stage = set_stage(shop(seed=seed, sold_out_rate=0.3), 0)
        for number, week in enumerate(live(stage)[0]):
            lines = draw_lines(stage, number, week)
            cell = (lines.market, lines.product)
            place = (lines.turn / week.availability[cell])[(week.sold < week.wanted)[cell]]
            drawn.append(place[place < 1.0])  # without the purchase that took the last unit
    places = np.concatenate(drawn)
    assert len(places) > 20_000
    # purchases of one visit share its time: shares of independent ones would lie still nearer to a tenth
    assert np.histogram(places, bins=10, range=(0.0, 1.0))[0] / len(places) == pytest.approx(np.full(10, 0.1), abs=0.01)


def test_an_order_has_one_moment_whatever_ran_out() -> None:
    settings = shop(sold_out_rate=0.3)
    lines = pd.concat([FRAMES["order_lines"](settings, number) for number in range(settings.categories)])
    orders = lines.groupby("order_id")
    assert (orders[["ordered_at", "customer_id", "market_id"]].nunique() == 1).all(axis=None)
    assert not lines.duplicated(["order_id", "line_id"]).any()
    assert (orders.size() > 1).mean() > 0.1
    assert 0.05 < (lines["order_id"].str.count("-") == 2).mean() < 0.4, "bought alone"


def test_reviews_are_written_days_after_the_purchase_and_within_the_history() -> None:
    settings = shop(customers=9000, sold_out_rate=0.3)
    stage = set_stage(settings, 0)
    weeks = live(stage)[0]
    lines = _written(stage, weeks)[0]
    reviews = FRAMES["reviews"](settings, 0)
    bought = moments(stage, lines.week, lines.turn)
    days = (reviews["reviewed_at"].to_numpy() - bought) / np.timedelta64(1, "D")
    assert days.min() >= 1.0
    assert days.max() > 14.0
    assert reviews["reviewed_at"].max() < pd.Timestamp(stage.surroundings.monday(settings.weeks))
    # of lines long enough before the end so many days pass, and so many are reviewed, as is said
    early = lines.week < settings.weeks - 10
    count = early.sum()
    sold = sum(len(draw_lines(stage, number, week).week) for number, week in enumerate(weeks[: settings.weeks - 10]))
    mean = SOONEST_REVIEW_DAYS + FURTHER_REVIEW_DAYS
    assert days[early].mean() == pytest.approx(mean, abs=4.0 * FURTHER_REVIEW_DAYS / np.sqrt(count))
    assert count == pytest.approx(REVIEW_RATE * sold, abs=4.0 * np.sqrt(REVIEW_RATE * sold))


def test_every_review_has_a_purchase_of_its_customer_before_it() -> None:
    settings = shop()
    for number in range(settings.categories):
        lines, reviews = FRAMES["order_lines"](settings, number), FRAMES["reviews"](settings, number)
        first = lines.groupby(["customer_id", "product_id"])["ordered_at"].min().rename("first")
        known = reviews.join(first, on=["customer_id", "product_id"])
        assert (known["reviewed_at"] - known["first"] >= pd.Timedelta(days=1)).all()
        assert reviews["review_id"].is_unique
        assert len(reviews) > 50


def test_newcomers_are_on_sale_for_as_long_as_asked() -> None:
    ages = (0, 2, 4, 8)
    found = truths(shop(newcomers=ages, products_per_category=8))
    usual = truths(shop(products_per_category=8))
    seen = []
    for one, other in zip(found, usual, strict=True):
        on_sale = np.array([week.conditions.on_sale[0] for week in one.lived])
        new = on_sale[:, :2]
        seen += new.sum(axis=0).tolist()
        assert one.conditions(SMALL["weeks"]).on_sale[:, :2].all()
        # once on sale, for good; the other products come and go as they would without newcomers
        assert (np.diff(new.astype(int), axis=0) >= 0).all()
        assert np.array_equal(one.stage.category.launched[2:], other.stage.category.launched[2:])
        assert np.array_equal(one.stage.category.liking, other.stage.category.liking)
    assert sorted(seen) == sorted(ages * (2 * len(found) // len(ages)))


def test_over_ten_seeds_newcomers_of_every_age_are_of_every_kind() -> None:
    ages, weeks = (0, 2, 4, 8), SMALL["weeks"]
    sizes: dict[str, Any] = {"products": 64, "products_per_category": 4, "markets": 1}
    met: Counter[tuple[str, int]] = Counter()
    by_seed: list[Counter[int]] = []
    for branch in range(10):
        settings = shop(branches=10, newcomers=ages, **sizes)
        stages = [set_stage(settings, 16 * branch + number) for number in range(16)]
        usual = set_stage(shop(branches=10, **sizes), 16 * branch)
        for name in (field.name for field in fields(Plans)):
            assert np.array_equal(getattr(stages[0].plans, name), getattr(usual.plans, name)), name
        found = [(stage.category.kind.category, weeks - int(stage.category.launched[0])) for stage in stages]
        met.update(found)
        by_seed.append(Counter(age for _, age in found))
    assert set(met) == {(kind.category, age) for kind in KINDS[:16] for age in ages}
    # ten seeds make two turns and a half of the four ages, and each seed has as many newcomers of one age as of another
    assert set(met.values()) == {2, 3}
    assert by_seed == [Counter(dict.fromkeys(ages, 4))] * 10


def test_a_launched_product_is_stocked_like_its_category() -> None:
    newcomers = shop(newcomers=(8,), products_per_category=8, sold_out_rate=0.1, switches=Switches())
    missed = []
    for one in truths(newcomers):
        weeks = one.lived[-8:]
        new = one.stage.category.launched == SMALL["weeks"] - 8
        missed += [week.availability[:, new].mean() for week in weeks[:2]]
        assert (weeks[0].on_hand[:, new] + weeks[0].sold[:, new] > 1.0).mean() > 0.9
    assert np.mean(missed) > 0.7


def test_a_launch_after_the_history_is_announced_with_price_and_cost() -> None:
    one = truths(shop(newcomers=(0, 3), products_per_category=8))[0]
    weeks = list(one.lived)
    monday = one.stage.surroundings.monday(SMALL["weeks"])
    prices, costs = records.list_prices(one.stage, weeks), records.costs(one.stage, weeks)
    ahead = prices[prices["valid_from"] == monday]
    (new,) = np.flatnonzero(one.stage.category.launched == SMALL["weeks"])
    assert set(ahead["product_id"]) == {f"p{new:06d}"}
    assert sorted(ahead["list_price"]) == pytest.approx(sorted(one.end.list_price[:, new]))
    assert costs.loc[costs["valid_from"] == monday, "unit_cost"].tolist() == pytest.approx(
        [one.cost(SMALL["weeks"])[new]] * SMALL["markets"], abs=1e-4
    )
    assert (np.stack([week.sold[:, new] for week in weeks]) == 0.0).all()


@pytest.mark.parametrize("record", [records.promotions, records.competitor_prices, records.inventory])
def test_records_of_all_weeks_are_those_of_each_week(record: Callable[..., pd.DataFrame]) -> None:
    one = truths(shop(weeks=20))[1]
    whole = record(one.stage, list(one.lived))
    parts = []
    for number, week in enumerate(one.lived):
        part = record(one.stage, [week])
        for column in {"starts_on", "ends_on", "observed_at", "date"} & set(part):
            part[column] = part[column] + timedelta(days=7 * number)
        parts.append(part)
    by_week = pd.concat(parts, ignore_index=True)
    order = sorted(whole.columns)
    rows, wanted = (frame[order].astype(str).sort_values(order, ignore_index=True) for frame in (whole, by_week))
    pd.testing.assert_frame_equal(rows, wanted)


def test_a_basket_stops_growing_with_the_assortment() -> None:
    few, many = (set_stage(shop(products=8 * count), 3).category.incidence for count in (100, 200))
    assert few - many == pytest.approx(np.full(len(few), np.log(2.0)))
    assert set_stage(shop(products=8 * 50), 3).category.incidence == pytest.approx(few)


@pytest.mark.parametrize("switch", ["forward_buying", "confounding_hidden"])
def test_who_buys_is_the_same_wherever_as_much_is_bought(switch: str) -> None:
    stages = [
        set_stage(shop(weeks=20, switches=ALL_OFF.model_copy(update={switch: value})), 1) for value in (True, False)
    ]
    compared = alike = 0
    for number, weeks in enumerate(zip(*(live(stage)[0] for stage in stages), strict=True)):
        bought = [np.stack([week.purchases, week.wanted, week.sold]) for week in weeks]
        both = list(zip(stages, weeks, strict=True))
        lines = [draw_lines(stage, number, week) for stage, week in both]
        classes = [stage.demand.at(week.paid, week.conditions).purchases for stage, week in both]
        shares = [one / np.maximum(one.sum(axis=1, keepdims=True), 1e-300) for one in classes]
        same = (bought[0] == bought[1]).all(axis=0) & (bought[0][2] > 0)
        for market, product in zip(*np.nonzero(same), strict=True):
            who = [_of_cell(one, market, product) for one in lines]
            compared += 1
            assert sorted(one.quantity for one in who[0]) == sorted(one.quantity for one in who[1])
            # where the classes buy in other shares, another class makes some of the purchases
            if shares[0][market, :, product] == pytest.approx(shares[1][market, :, product]):
                alike += 1
                assert who[0] == who[1]
    assert compared > 50
    assert alike > 10


def _of_cell(lines: Lines, market: int, product: int) -> list[Any]:
    rows = np.flatnonzero((lines.market == market) & (lines.product == product))
    return [SimpleNamespace(**{field.name: getattr(lines, field.name)[row] for field in fields(Lines)}) for row in rows]


def test_products_grow_after_their_launch_and_fade_before_their_end() -> None:
    category = set_stage(shop(newcomers=(20,), products_per_category=8), 0).category
    launch = SMALL["weeks"] - 20
    worth = np.array([category.life(week)[0] for week in range(launch, SMALL["weeks"])])
    assert worth[0] < -0.5
    assert (np.diff(worth) > 0).all()
    assert worth[-1] > -0.05
    gone = replace(category, launched=np.full(category.size, -52), delisted=np.full(category.size, 30))
    assert gone.life(10) == pytest.approx(0.0)
    assert gone.life(29)[0] < gone.life(24)[0] < 0.0


def test_words_tell_of_sensitivity_and_views_of_taste() -> None:
    stages = [set_stage(shop(seed=5, products=400, products_per_category=8, customers=3000), n) for n in range(50)]
    words = np.concatenate([stage.category.attributes for stage in stages]).astype(float)
    minded = np.concatenate([np.log(stage.category.sensitivity.mean(axis=0)) for stage in stages])
    design = np.column_stack([np.ones(len(words)), words])
    found = np.linalg.lstsq(design, minded, rcond=None)[0][1:]
    premium, value = (WORDS.index(word) for word in ("premium", "value"))
    assert found[premium] < -0.15 < 0.15 < found[value]
    for stage in stages[:3]:
        looked = events(stage)["product_id"].value_counts()
        names = [f"p{stage.first_product + n:06d}" for n in range(stage.category.size)]
        on_sale = (stage.category.launched < 0) & (stage.category.delisted > 100)
        liking = (stage.demand.shoppers.counts.sum(axis=0) @ stage.category.liking)[on_sale]
        seen = looked.reindex(names).fillna(0).to_numpy()[on_sale]
        assert spearmanr(liking, seen).statistic > 0.5


def test_product_text_tells_sensitivity_and_reviews_tell_taste() -> None:
    """From the tables alone, as a model would read them."""
    settings = shop(seed=5, products=400, markets=1, weeks=12)
    stages = [set_stage(settings, number) for number in range(settings.categories)]
    names = pd.concat([records.products(stage) for stage in stages])["name"]
    told = sum(
        sign * names.str.contains(f" {word} ").to_numpy().astype(int)
        for word, sign in (("Premium", -1), ("Organic", -1), ("Value", 1))
    )
    minded = np.concatenate([np.log(stage.category.sensitivity.mean(axis=0)) for stage in stages])
    # of about 400 products, a correlation beyond 0.15 comes by chance once in 400 shops
    assert np.corrcoef(told, minded)[0, 1] > 0.3
    written = []
    for number in range(12):
        stage = stages[number]
        found = FRAMES["reviews"](settings, number)
        product = found["product_id"].str[1:].astype(int).to_numpy() - stage.first_product
        customer = found["customer_id"].str[1:].astype(int).to_numpy()
        liking = stage.category.liking[records.classes_of(stage.demand.shoppers, customer)[1], product]
        written.append(found.assign(liking=liking))
    reviews = pd.concat(written)
    assert len(reviews) > 500
    assert np.corrcoef(reviews["stars"], reviews["liking"])[0, 1] > 0.3
    # not only what all like: of one product, those write better of it whose class likes it better
    own = reviews[["stars", "liking"]] - reviews.groupby("product_id")[["stars", "liking"]].transform("mean")
    assert own["stars"].corr(own["liking"]) > 0.1


def test_the_large_shop_makes_as_many_order_lines_as_its_settings_say() -> None:
    path = ROOT / "conf/simulations/large.yaml"
    large = load_file(SimulationFile, path).simulation
    assert (large.products, large.customers, large.categories) == (100_000, 1_000_000, 12_500)
    whole = large.model_copy(
        update={"markets": 1}
    )  # how customers are spread over markets hardly matters for their sum
    expected = []
    for number in np.linspace(0, large.categories - 1, 120).astype(int):
        stage = set_stage(whole, int(number))
        weeks = live(stage)[0]
        expected.append(sum(stage.demand.at(week.paid, week.conditions).purchases.sum() for week in weeks))
    lines = np.mean(expected) * large.categories
    error = np.std(expected) / np.sqrt(len(expected)) * large.categories
    said = re.search(r"about ([\d.]+) billion order lines", path.read_text())
    assert said
    assert abs(float(said.group(1)) * 1e9 - lines) < 2.0 * error < 0.3 * lines
    each = re.search(r"(\d+) for\n# a customer and week", path.read_text())
    assert each
    assert int(each.group(1)) == pytest.approx(1e9 * float(said.group(1)) / large.customers / large.weeks, abs=1.0)
    assert "conf/simulations/large.yaml" in (ROOT / "README.md").read_text()
