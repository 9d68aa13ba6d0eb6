"""How like a real shop the simulated one is: elasticities, weeks without a sale, forecast errors."""

from pathlib import Path

import numpy as np
import pytest

from pricelake.settings.loading import load_file
from pricelake.settings.scoreboard import ScoreboardFile
from pricelake.settings.simulation import SimulationSettings
from pricelake.simulator.draws import Array
from tests.simulated_shop import ALL_OFF, SMALL, shop, truths

FULL = Path(__file__).parents[2] / "conf/scoreboards/full.yaml"

# gold.demand_panel of Complete Journey as of 2018-01-01, products and markets by mean units a week: share of weeks
# without a sale, WAPE of last week's units and of the mean of the last 8 weeks
COMPLETE_JOURNEY = {(1, 3): (0.33, 1.01, 0.85), (3, 10): (0.11, 0.75, 0.64), (10, np.inf): (0.02, 0.56, 0.47)}
ALL_OF_COMPLETE_JOURNEY = (0.75, 0.90, 0.79)
BANDS = (0, 1, 3, 10, np.inf)
"""Ends of the bands of mean units a week."""
COMPLETE_JOURNEYS_BANDS = (0.876, 0.089, 0.029, 0.006)
"""Share of its products with so many units a week."""


def units_sold(settings: SimulationSettings) -> Array:
    """Units of products on sale throughout, shape ``(weeks, markets and products)``."""
    of = []
    for one in truths(settings):
        stays = (one.stage.category.launched < 0) & (one.stage.category.delisted > settings.weeks)
        of.append(np.stack([week.sold[:, stays] for week in one.lived]).reshape(settings.weeks, -1))
    return np.concatenate(of, axis=1)


def figures(sold: Array) -> tuple[float, float, float]:
    """Share of weeks without a sale, WAPE of last week's units and of the mean of 8 weeks, from the ninth week on."""
    now, last = sold[8:], sold[7:-1]
    mean_8 = np.stack([sold[week - 8 : week].mean(axis=0) for week in range(8, len(sold))])
    wapes = (float(np.abs(now - forecast).sum() / now.sum()) for forecast in (last, mean_8))
    return float((now == 0).mean()), *wapes


def test_elasticities_and_sales_look_like_a_shops() -> None:
    """Means near published ones (-1.8 to -2.6; Tellis 1988, Bijmolt and others 2005), spread, bent curves."""
    own, bent = [], []
    for seed in range(3):
        for truth in truths(shop(seed=seed, switches=ALL_OFF)):
            now, price = truth.conditions(SMALL["weeks"]), truth.end.list_price
            sold = now.on_sale[0]
            own.append(truth.elasticities(price, now).diagonal(axis1=1, axis2=2)[:, sold].ravel())
            dearer = truth.elasticities(1.2 * price, now).diagonal(axis1=1, axis2=2)[:, sold].ravel()
            bent.append(dearer - own[-1])
    assert -3.2 < np.concatenate(own).mean() < -1.7
    assert 0.5 < np.concatenate(own).std() < 2.0
    assert np.abs(np.concatenate(bent)).mean() > 0.05


def test_a_real_shop_sells_in_fewer_weeks_and_is_harder_to_forecast_but_not_by_much() -> None:
    settings = (shop(seed=seed, products=40, weeks=104, customers=n) for seed in range(4) for n in (400, 3000))
    sold = np.concatenate([units_sold(one) for one in settings], axis=1)
    mean = sold.mean(axis=0)
    for (above, upto), (zero, wape_last, wape_mean) in COMPLETE_JOURNEY.items():
        chosen = (mean > above) & (mean <= upto)
        assert chosen.sum() > 20
        found_zero, found_last, found_mean = figures(sold[:, chosen])
        assert 0.4 * zero < found_zero < zero
        assert found_zero > 1.2 * np.exp(-mean[chosen]).mean(), "no sparser than Poisson sales around a mean"
        assert 0.75 * wape_last < found_last < wape_last
        assert 0.75 * wape_mean < found_mean < wape_mean


def test_the_scoreboards_shop_sells_more_and_more_evenly_than_complete_journey() -> None:
    board = load_file(ScoreboardFile, FULL).scoreboard
    usual = board.simulation(next(case for case in board.cases if case.name == "everything"))
    seeds = [usual.model_copy(update={"seed": seed, "branches": 1}) for seed in range(10)]
    sold = np.concatenate([units_sold(one) for one in seeds], axis=1)
    found = figures(sold)
    assert found == pytest.approx((0.03, 0.51, 0.44), abs=0.01)
    assert (np.array(found) < np.array(ALL_OF_COMPLETE_JOURNEY)).all()
    bands = np.histogram(sold.mean(axis=0), BANDS)[0] / sold.shape[1]
    assert bands == pytest.approx((0.003, 0.030, 0.322, 0.645), abs=0.01)
    # most products of the one sell more than ten units a week, most of the other less than one
    assert bands[3] > 0.5 > 0.02 > COMPLETE_JOURNEYS_BANDS[3]
    assert COMPLETE_JOURNEYS_BANDS[0] > 0.5 > 0.02 > bands[0]
