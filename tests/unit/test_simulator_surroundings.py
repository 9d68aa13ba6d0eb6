"""Season, holidays, weather and events of the simulated shop: what moves demand, and that the truth goes with it."""

from dataclasses import replace
from datetime import timedelta

import numpy as np

from pricelake.simulator.draws import Array
from pricelake.simulator.history import Stage, set_stage
from tests.simulated_shop import ALL_OFF, correlation, shop, truths

YEAR = 365.25 / 7
EFFECTS = ("season", "holiday", "warmth", "event", "trend")


def effects(stage: Stage) -> tuple[dict[str, float], float]:
    """What each effect adds to a category's readiness, and what of it none of them explains, by least squares.

    Season is the amplitude of a wave of a year, a holiday counts by the day, warmth by 10 degrees, trend by the year.
    """
    around = stage.surroundings
    weeks = np.arange(around.weeks)
    mondays = [around.monday(week) for week in range(around.weeks)]
    days = np.array([sum(monday + timedelta(days=day) in around.holidays for day in range(7)) for monday in mondays])
    wave = 2.0 * np.pi * weeks / YEAR
    by_week = np.stack([np.ones(around.weeks), np.cos(wave), np.sin(wave), days, weeks / 52.0])
    by_market = [around.celsius.mean(axis=1).ravel() / 10.0, (around.events >= 0).ravel().astype(float)]
    design = np.column_stack([*np.repeat(by_week, around.events.shape[1], axis=1), *by_market])
    wanted = stage.readiness.ravel()
    found = np.linalg.lstsq(design, wanted, rcond=None)[0]
    _, cosine, sine, holiday, trend, warmth, event = found
    named = dict(zip(EFFECTS, (np.hypot(cosine, sine), holiday, warmth, event, trend), strict=True))
    return named, float(np.abs(design @ found - wanted).max())


def test_season_holidays_and_weather_move_demand_differently_by_category() -> None:
    by_category = [effects(set_stage(shop(seed=seed, weeks=104), number)) for seed in range(10) for number in range(4)]
    found = {name: np.array([named[name] for named, _ in by_category]) for name in EFFECTS}
    assert max(left for _, left in by_category) < 1e-9, "something else moves demand"
    assert 0.1 < found["season"].mean() < 0.3
    assert 0.05 < found["holiday"].mean() < 0.2, "holidays sell more"
    assert 0.05 < found["event"].mean() < 0.25, "events sell more"
    # some sell more when it is warm and some when it is cold
    assert found["warmth"].min() < -0.05 < 0.05 < found["warmth"].max()
    assert found["warmth"].std() > 0.05
    assert all(found[name].std() > 0.02 for name in EFFECTS)


def logit(probability: Array) -> Array:
    return np.asarray(np.log(probability / (1.0 - probability)))


def test_the_truth_follows_season_holidays_and_weather_in_past_and_future() -> None:
    """The odds of buying in a category are multiplied by e to the readiness, and sales go with it."""
    settings = shop(seed=3, weeks=104, switches=ALL_OFF)
    expected, sold = [], []
    for one in truths(settings):
        price, ready = one.end.list_price, one.stage.readiness
        known = [one.conditions(week) for week in range(settings.weeks + settings.future_weeks)]
        assert np.array_equal([now.readiness for now in known], ready[: len(known)])
        calm = known[0]
        at = [one.stage.demand.at(price, replace(calm, readiness=now.readiness)) for now in known]
        odds = np.array([logit(demand.choice.buys[:, :, 0]) for demand in at])
        moved = np.broadcast_to((ready[: len(known)] - ready[0])[:, :, None], odds.shape)
        assert np.allclose(odds - odds[0], moved, atol=1e-9)
        units = np.array([demand.units.sum(axis=1) for demand in at])
        assert ((units > units[0]) == (ready[: len(known)] > ready[0])).all()
        expected.append(ready[: settings.weeks])
        sold.append(np.log([week.sold.sum(axis=1) + 1.0 for week in one.lived]))
    assert correlation(np.concatenate(sold, axis=1), np.concatenate(expected, axis=1)) > 0.3
