"""The response regression: its sums against a library's regression with dummies, its lags against pandas, and truth."""

from dataclasses import replace
from statistics import NormalDist

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from pricelake.demand.curve import response
from pricelake.demand.response.between import Between
from pricelake.demand.response.fitting import Fitted, Prior, Start, add_up, fit_response
from pricelake.demand.response.identification import identified_by
from pricelake.demand.response.kernel import STEEPNESS, Sums, one_pass, price_effect
from pricelake.demand.response.pack import MIN_AVAILABILITY_RATE, Pack, Response
from pricelake.demand.response.past import MEMORIES, _before, past_demand
from pricelake.pricing.batch import price_batch
from pricelake.settings import DemandSettings, PricingSettings
from tests.pricing_rows import STEP, batch_of, constant_elasticity, rule_set

SHIPPED = DemandSettings()
PRIOR = Prior(
    elasticity=SHIPPED.prior_elasticity,
    rise=SHIPPED.prior_rise,
    rise_sd=SHIPPED.prior_rise_sd,
    feature_sd=0.5,  # the traits made up here are few and tell much
    surprise_sd=SHIPPED.surprise_sd,
    smallest=SHIPPED.min_elasticity,
    largest=SHIPPED.max_elasticity,
)


def simulated(products: int = 300, periods: int = 80, seed: int = 3, moving: float = 0.15) -> tuple[Pack, np.ndarray]:
    """Independent products of which each has its own elasticity; prices move at random, some with a display.

    ``moving`` is the share of the periods in which they do.
    """
    rng = np.random.default_rng(seed)
    size = 2.5 * (1.0 + 0.25 * rng.standard_normal(products))
    product = np.repeat(np.arange(products), periods)
    period = np.tile(np.arange(periods), products)
    moves = np.where(rng.random(len(product)) < moving, rng.choice([-0.3, -0.2, -0.1, 0.1], len(product)), 0.0)
    display = (rng.random(len(product)) < 0.2).astype(float)
    warmth = rng.standard_normal(len(product))
    level = rng.normal(2.5, 0.8, products)[product]
    mean = np.exp(level + price_effect(moves, size[product], 0.2) + 0.3 * display + 0.1 * warmth)
    units = rng.poisson(mean * rng.gamma(5.0, 0.2, len(mean))).astype(float)
    pack = Pack(
        product=product,
        pair=product,
        category=product // 10,
        period=period,
        units=units,
        log_exposure=np.zeros(len(product)),
        log_price=moves,
        promotions=display[:, None],
        controls=warmth[:, None],
        surprise=np.zeros(len(product)),
        uninstrumented=np.zeros(len(product)),
    )
    return pack, size


def persistent(seed: int, products: int = 300, periods: int = 80) -> tuple[Pack, np.ndarray]:
    """The same, but prices stay for weeks, and demand drifts: what it was last week says most of what it is."""
    pack, size = simulated(products, periods, seed)
    rng = np.random.default_rng(seed + 1000)
    shape = (products, periods)
    is_new = (rng.random(shape) < 0.1) | (np.arange(periods) == 0)
    last_new = np.maximum.accumulate(np.where(is_new, np.arange(periods), 0), axis=1)
    prices = np.take_along_axis(0.15 * rng.standard_normal(shape), last_new, axis=1)
    prices -= prices.mean(axis=1, keepdims=True)
    drift = np.zeros(shape)
    for week in range(1, periods):
        drift[:, week] = 0.85 * drift[:, week - 1] + 0.2 * rng.standard_normal(products)
    level = rng.normal(3.0, 0.5, products)[:, None]
    mean = np.exp(level + drift + price_effect(prices, np.repeat(size, periods).reshape(shape), 0.2))
    units = rng.poisson(mean).astype(float).ravel()
    nothing = np.zeros((len(units), 1))
    return replace(pack, units=units, log_price=prices.ravel(), promotions=nothing, controls=nothing), size


def fitted(pack: Pack, prior: Prior = PRIOR, start: Start | None = None, varies: bool = True) -> Fitted:
    products = int(pack.product.max()) + 1
    groups = {"category": np.arange(products) // 10}
    categories = -(-products // 10)
    return fit_response(
        lambda now: add_up([one_pass(pack, now)], products, categories),
        np.full(8, 10.0),
        np.zeros((products, 0)),
        (),
        groups,
        prior,
        np.array([varies]),
        start=start,
    )


def test_known_elasticities_are_found() -> None:
    errors, shares, rises = [], [], []
    for seed in (3, 4, 5, 6):
        pack, size = simulated(seed=seed)
        found = fitted(pack)
        assert found.converged
        error = found.pooled.mean - size
        errors.append(error.mean())
        shares.append(np.mean(np.abs(error) < 1.645 * found.pooled.sd))
        rises.append(found.response.rise)
        assert found.response.coefficients[:2] == pytest.approx([0.3, 0.1], abs=0.03)
        assert found.response.dispersion == pytest.approx(0.2, abs=0.03)
        assert found.pooled.product_sd == pytest.approx(0.25, abs=0.09)
    assert np.mean(errors) == pytest.approx(0.0, abs=0.1)  # a standard error of 0.05
    assert np.mean(shares) == pytest.approx(0.9, abs=0.05)
    assert np.mean(rises) == pytest.approx(0.2, abs=0.1)


def test_a_fit_that_begins_where_another_ended_is_sooner_at_the_same_end() -> None:
    pack, _ = persistent(seed=3)
    earlier = fitted(_part(pack, pack.period < 60))
    found, anew = fitted(pack), fitted(pack, start=Start(earlier.response, earlier.pooled, earlier.promotion_variance))
    assert anew.converged
    assert anew.rounds < found.rounds
    np.testing.assert_allclose(anew.response.elasticity, found.response.elasticity, atol=0.05)
    np.testing.assert_allclose(anew.response.coefficients, found.response.coefficients, atol=5e-3)


def test_how_much_an_effect_differs_between_categories_is_found() -> None:
    found = []
    for spread in (0.0, 0.3):
        pack, _ = simulated(seed=5)
        rng = np.random.default_rng(11)
        own = spread * rng.standard_normal(int(pack.category.max()) + 1)
        moved = rng.poisson(pack.units * np.exp(own[pack.category] * pack.promotions[:, 0])).astype(float)
        found.append(float(np.sqrt(fitted(replace(pack, units=moved)).promotion_variance[0])))
    assert found[0] < 0.08
    assert found[1] == pytest.approx(0.3, abs=0.08)


def test_a_display_that_sells_otherwise_in_each_category_leaves_elasticities_alone() -> None:
    """Low prices come with a display, which sells much in some categories and nothing in others."""
    slopes = []
    for varies in (False, True):
        pack, size = simulated(seed=5)
        rng = np.random.default_rng(11)
        own = 0.4 * rng.standard_normal(int(pack.category.max()) + 1)
        display = ((pack.log_price < 0) & (rng.random(len(pack.units)) < 0.8)).astype(float)
        taken = 0.3 * pack.promotions[:, 0]
        mean = np.maximum(pack.units, 0.01) * np.exp((0.3 + own[pack.category]) * display - taken)
        shown = replace(pack, units=rng.poisson(mean).astype(float), promotions=display[:, None])
        error = fitted(shown, varies=varies).pooled.mean - size
        by_category = np.bincount(np.arange(len(size)) // 10, error) / 10
        slopes.append(float(np.polyfit(own, by_category, 1)[0]))
    assert slopes[0] > 1.0  # one effect for all: what displays sell there passes for the price
    assert slopes[1] == pytest.approx(0.0, abs=0.25)


def test_effects_by_category_are_those_of_all_equations_at_once() -> None:
    pack, _ = simulated(products=60, periods=30)
    products, categories = 60, 6
    now = fitted(pack).response
    sums = add_up([one_pass(pack, replace(now, apart=now.apart + 0.1))], products, categories)
    between = Between(sums, now.apart + 0.1, np.array([0.05]), 1.5)
    hessian, n = sums.hessian + np.eye(len(sums.hessian)), len(sums.hessian)
    penalty = 1.5 / 0.05
    whole = np.zeros((n + categories, n + categories))
    whole[:n, :n] = hessian
    beside = sums.category_information[:, 0]
    whole[n:, :n], whole[:n, n:] = beside, beside.T
    whole[n:, n:] = np.diag(beside[:, 0] + penalty)
    right = np.concatenate([sums.gradient, sums.category_score[:, 0] - penalty * (now.apart[:, 0] + 0.1)])
    wanted = np.linalg.solve(whole, right)
    found = np.linalg.solve(*between.reduced(hessian, sums.gradient))
    np.testing.assert_allclose(found, wanted[:n], rtol=1e-7, atol=1e-10)
    step = between.step(found, np.full(categories, found[-2]))
    np.testing.assert_allclose(step[:, 0], wanted[n:], rtol=1e-7, atol=1e-10)
    own = np.bincount(now.category, sums.information[:, 0, 0]) * now.overall**2
    left = 1.0 - beside[:, -2] ** 2 / (beside[:, 0] + penalty) / own
    np.testing.assert_allclose(between.share_left(now), left, rtol=1e-9)
    covariance = np.linalg.inv(whole / 1.5)
    seen, _ = between.effect_sd(np.linalg.inv(between.reduced(hessian, sums.gradient)[0])[:1, :1] * 1.5)
    of_sum = [covariance[0, 0] + covariance[n + c, n + c] + 2 * covariance[0, n + c] for c in range(categories)]
    # given the other coefficients, which the mean of the promotion is known with
    np.testing.assert_allclose(seen[:, 0] ** 2, of_sum, rtol=0.05)


@pytest.mark.parametrize("too_far", [0.9, 1.8, 2.4])
def test_steps_that_go_too_far_end_at_the_optimum_all_the_same(too_far: float) -> None:
    """A sharp optimum at a rise of 0.3, and steps that are ``too_far`` times as long as the way to it."""
    pack, _ = simulated(products=20)

    def one(now: Response) -> Sums:
        sums = one_pass(pack, now)
        hessian, gradient = sums.hessian.copy(), sums.gradient.copy()
        hessian[-1] = hessian[:, -1] = 0.0
        hessian[-1, -1], gradient[-1] = 1e6, too_far * 1e6 * (0.3 - now.rise)
        beside = sums.category_information.copy()
        beside[:, :, -1] = 0.0
        return add_up([replace(sums, hessian=hessian, gradient=gradient, category_information=beside)], 20, 2)

    groups = {"category": np.arange(20) // 10}
    found = fit_response(one, np.full(8, 10.0), np.zeros((20, 0)), (), groups, PRIOR, np.array([True]))
    assert found.converged
    assert found.response.rise == pytest.approx(0.3, abs=5e-3)


def test_a_price_that_stays_tells_less_than_one_that_moves() -> None:
    errors, shares = [], []
    for seed in (3, 4, 5, 6):
        pack, size = persistent(seed)
        found = fitted(pack)
        assert found.converged
        error = found.pooled.mean - size
        errors.append(error.mean())
        shares.append(np.mean(np.abs(error) < 1.645 * found.pooled.sd))
    assert np.mean(errors) == pytest.approx(0.0, abs=0.1)
    # with slopes that forget what the past says of the price: 0.62
    assert np.mean(shares) == pytest.approx(0.9, abs=0.04)


def test_slopes_of_the_past_are_those_of_finite_differences() -> None:
    whole, size = persistent(7, products=20)
    pack = replace(whole, log_exposure=np.log(np.random.default_rng(2).uniform(0.02, 1.0, len(whole.units))))
    now = Response(size[:20], np.zeros(20), 2.5, 0.2, np.zeros(8), 0.2, np.arange(20) // 10, np.full((2, 1), 0.1))
    effect = price_effect(pack.log_price, now.elasticity[pack.product], now.rise)
    moved = np.random.default_rng(1).standard_normal((len(effect), 2))
    found = past_demand(pack, now, effect).slopes(moved)
    for column in (0, 1):
        ends = [past_demand(pack, now, effect + step * moved[:, column]).columns for step in (1e-5, -1e-5)]
        slope = (ends[0] - ends[1]) / 2e-5
        np.testing.assert_allclose(found[:, :, column].T, slope[:, :2], atol=1e-6)


@pytest.mark.parametrize("smallest", [0.2, 4.0])
def test_coefficients_are_those_of_a_regression_with_a_dummy_for_each_pair(smallest: float) -> None:
    """Given the elasticities that are used, also where those are not the ones that fit the rows best."""
    pack, _ = simulated(products=30)
    now = fitted(pack, replace(PRIOR, smallest=smallest), varies=False).response
    effect = price_effect(pack.log_price, now.elasticity[pack.product], now.rise)
    unsure = 0.5 * now.variance[pack.product] * price_effect(pack.log_price, np.ones(len(effect)), now.rise) ** 2
    columns = np.column_stack([pack.promotions, pack.controls, past_demand(pack, now, effect).columns])
    dummies = (pack.pair[:, None] == np.arange(30)).astype(float)
    family = sm.families.NegativeBinomial(alpha=now.dispersion)
    oracle = sm.GLM(pack.units, np.column_stack([columns, dummies]), family=family, offset=effect + unsure).fit()
    np.testing.assert_allclose(np.delete(now.coefficients, [2, 3, 4]), oracle.params[:5], atol=5e-3)


def test_packs_add_up() -> None:
    pack, _ = simulated(products=40)
    start = np.full(40, 2.0)
    coefficients, apart = np.array([0.2, 0.1, 0.0, 0.0, 0.0, 0.3, 0.1, 0.2]), np.array([[0.1], [-0.1], [0.0], [0.2]])
    now = Response(start, np.full(40, 0.1), 2.0, 0.2, coefficients, 0.3, np.arange(40) // 10, apart)
    is_first = pack.product < 20
    parts = [_part(pack, is_first), _part(pack, ~is_first)]
    whole, added = one_pass(pack, now), add_up([one_pass(part, now) for part in parts], 40, 4)
    of_blocks = ("block_squares", "shared_squares", "block_information")
    by_number = ("score", "information", "clean", "category_score", "category_information")
    for name in ("hessian", "gradient", *by_number, "squared_error", "rows", "pairs", *of_blocks):
        np.testing.assert_allclose(getattr(added, name), getattr(whole, name), rtol=1e-9)


def _part(pack: Pack, rows: np.ndarray) -> Pack:
    part = Pack(**{name: values[rows] for name, values in vars(pack).items()})
    return replace(part, pair=part.pair - part.pair.min(), category=part.category - part.category.min())


def test_price_effect_is_the_curve() -> None:
    u = np.linspace(-0.8, 0.8, 33)
    np.testing.assert_allclose(
        price_effect(u, np.full(33, 2.0), 0.3), response(u, 1.4, 2.6, 0.0, STEEPNESS), atol=1e-12
    )


@pytest.mark.parametrize("memory", MEMORIES)
def test_past_means_are_those_of_pandas(memory: float) -> None:
    rng = np.random.default_rng(5)
    series, period = np.repeat([0, 1], 12), np.tile(np.arange(12), 2)
    values = rng.gamma(2.0, 1.0, 24)
    exposure = rng.uniform(0.3, 1.0, 24)
    found = _before(values * exposure, exposure, series, period, memory)
    for one in (0, 1):
        own, counted = pd.Series(values[series == one]), pd.Series(exposure[series == one])
        sums = [part.ewm(alpha=memory, adjust=True).mean().shift(1) for part in (own * counted, counted)]
        np.testing.assert_allclose(found[series == one], (sums[0] / sums[1]).fillna(1.0), rtol=1e-9)


def test_periods_without_stock_say_nothing_of_demand() -> None:
    series, exposure = np.zeros(6, dtype=np.int64), np.array([0.02, 0.02, 1.0, 0.02, 0.5, 1.0])
    found = _before(np.array([0.0, 0.0, 3.0, 0.0, 2.0, 1.0]), exposure, series, np.arange(6), 0.5)
    after = 0.5 + 0.02 * (0.25 + 0.125)
    np.testing.assert_allclose(found[:4], [1.0, 1.0, 1.0, 3.0 / (1.0 + 0.03 / 2.0)], atol=0.02)
    assert found[4] == pytest.approx(1.5 / (after + 0.02))


def sold_out_in_spells(seed: int) -> tuple[Pack, np.ndarray]:
    """:func:`persistent` with deliveries that fail for four weeks at a time, in a fifth of all weeks."""
    pack, size = persistent(seed)
    starts = np.random.default_rng(seed).random(len(pack.units)) < 0.055
    is_out = np.convolve(starts, np.ones(4))[: len(starts)] > 0.0
    units = np.where(is_out, 0.0, pack.units)
    return replace(pack, units=units, log_exposure=np.where(is_out, np.log(MIN_AVAILABILITY_RATE), 0.0)), size


def test_weeks_without_stock_leave_elasticities_as_they_are() -> None:
    shares, memory = [], []
    for seed in (3, 4, 5, 6):
        pack, size = sold_out_in_spells(seed)
        found = fitted(pack)
        memory.append(found.response.coefficients[-3:-1].sum())
        shares.append(np.mean(np.abs(found.pooled.mean - size) < 1.645 * found.pooled.sd))
    whole = np.mean([fitted(persistent(seed)[0]).response.coefficients[-3:-1].sum() for seed in (3, 4, 5, 6)])
    # where weeks without stock count as weeks without demand, nearly nothing is left of it
    assert np.mean(memory) == pytest.approx(whole, abs=0.1)
    assert np.mean(shares) == pytest.approx(0.9, abs=0.04)


def test_shelves_that_are_empty_in_cheap_weeks_leave_elasticities_as_they_are() -> None:
    """Large sellers: if nobody wanted any in such weeks, mean elasticities would be 1.2 too small."""
    pack, size = simulated(products=200, periods=60)
    rng = np.random.default_rng(3)
    mean = np.exp(6.0 + price_effect(pack.log_price, size[pack.product], 0.2))
    units = rng.poisson(mean * rng.gamma(5.0, 0.2, len(mean))).astype(float)
    is_out = (pack.log_price < 0.0) & (rng.random(len(mean)) < 0.3)
    shelf = np.where(is_out, np.log(MIN_AVAILABILITY_RATE), 0.0)
    nothing = np.zeros((len(units), 1))
    alike = replace(pack, units=np.where(is_out, 0.0, units), promotions=nothing, controls=nothing, log_exposure=shelf)
    found, dropped = fitted(alike), fitted(_part(alike, ~is_out))
    assert found.pooled.mean.mean() == pytest.approx(size.mean(), abs=0.15)
    assert found.pooled.mean == pytest.approx(dropped.pooled.mean, abs=0.05)
    assert found.response.dispersion == pytest.approx(dropped.response.dispersion, rel=0.02)


def test_own_effects_stay_apart_from_those_of_the_others_prices() -> None:
    """Nine tenths of what moves prices, whole categories move: what the others cost is nearly the own price."""
    errors, crossed = [], []
    for seed in (3, 4, 5, 6):
        rng = np.random.default_rng(seed)
        pack, size = simulated(products=200, periods=60, seed=seed)
        shared = rng.choice([-0.3, 0.0, 0.0, 0.0], (20, 60)).repeat(10, axis=0)
        prices = shared + rng.choice([-0.1, 0.0, 0.0, 0.0], (200, 60))
        prices -= prices.mean(axis=1, keepdims=True)
        of_all = prices.reshape(20, 10, 60).sum(axis=1).repeat(10, axis=0)
        others = ((of_all - prices) / 9.0).ravel()
        assert np.corrcoef(others, prices.ravel())[0, 1] > 0.9
        mean = np.exp(2.5 + price_effect(prices.ravel(), size[pack.product], 0.2) + 1.2 * others)
        units = rng.poisson(mean * rng.gamma(5.0, 0.2, len(mean))).astype(float)
        nothing = np.zeros((len(units), 1))
        found = fitted(
            replace(pack, units=units, log_price=prices.ravel(), promotions=others[:, None], controls=nothing)
        )
        errors.append((found.response.elasticity - size).mean())
        crossed.append(found.response.coefficients[0])
    assert np.mean(errors) == pytest.approx(0.0, abs=0.15)
    assert np.mean(crossed) == pytest.approx(1.2, abs=0.15)


@pytest.mark.parametrize(("shock", "least"), [(0.0, 0.83), (0.3, 0.74)])
def test_what_moves_a_whole_category_makes_its_elasticities_less_sure(shock: float, least: float) -> None:
    """Costs and demand that products of a category share for weeks: taken for independent, 0.7 would hold, not 0.77."""
    hits, wider = [], []
    for seed in range(5):
        rng = np.random.default_rng(seed)
        size = 2.5 * (1.0 + 0.25 * rng.standard_normal(200))
        cost = _wandering(rng, 20, 0.9, 0.1).repeat(10, axis=0) + _wandering(rng, 200, 0.9, 0.05)
        prices = (cost - cost.mean(axis=1, keepdims=True)).ravel()
        wanted = _wandering(rng, 20, 0.8, shock).repeat(10, axis=0).ravel()
        pack, _ = simulated(products=200, periods=60)
        mean = np.exp(3.0 + wanted + price_effect(prices, size[pack.product], 0.2))
        units = rng.poisson(mean * rng.gamma(5.0, 0.2, len(mean))).astype(float)
        nothing = np.zeros((len(units), 1))
        found = fitted(replace(pack, units=units, log_price=prices, promotions=nothing, controls=nothing))
        error = found.response.elasticity - size
        hits.append(np.abs(error) < 1.645 * np.hypot(found.pooled.sd, found.common_sd))
        wider.append(found.shared_inflation)
    assert np.mean(hits) > least
    assert (np.mean(wider) > 1.5) == (shock > 0.0)


def _wandering(rng: np.random.Generator, series: int, memory: float, deviation: float) -> np.ndarray:
    """Autoregressive series of 60 periods from 0 on, shape ``(series, 60)``."""
    found = np.zeros((series, 60))
    for period in range(1, 60):
        step = deviation * np.sqrt(1.0 - memory**2) * rng.standard_normal(series)
        found[:, period] = memory * found[:, period - 1] + step
    return found


def test_a_gap_is_no_period() -> None:
    found = _before(np.array([1.0, 2.0, 4.0]), np.ones(3), np.zeros(3, dtype=np.int64), np.array([0, 1, 5]), 0.5)
    # the last row is four periods after the second and five after the first
    np.testing.assert_allclose(found, [1.0, 1.0, (2.0 * 0.5**4 + 1.0 * 0.5**5) / (0.5**4 + 0.5**5)])


def test_what_cannot_be_fitted_stays_finite() -> None:
    pack, _ = simulated(products=20, periods=30)
    units, prices = pack.units.copy(), pack.log_price.copy()
    units[pack.product == 0] = 0.0  # never sold
    prices[pack.product == 1] = 0.0  # one price only
    units[pack.product == 2] = 1e6
    broken = replace(pack, units=units, log_price=prices, promotions=np.zeros_like(pack.promotions))
    found = fitted(broken)
    assert np.isfinite(found.pooled.mean).all()
    assert (found.pooled.mean > 0).all()
    assert np.isfinite(found.response.coefficients).all()
    assert np.isinf(found.own_variance[1])
    assert found.pooled.mean[1] == pytest.approx(found.pooled.expected[1])


@pytest.mark.parametrize("follows", [-3.0, 0.0, 3.0])
def test_where_nothing_but_surprises_moves_prices_elasticities_are_on_average_what_is_believed(follows: float) -> None:
    """Demand goes with the surprise, and rows tell the sum of both effects alone: neither -0.5, nor 2.5, nor 5.5.

    Where demand goes with all surprises alike, rows still tell which products react more than others.
    """
    pack, size = simulated(products=60, moving=1.0)
    rng = np.random.default_rng(3)
    moves = pack.log_price - (np.bincount(pack.pair, pack.log_price) / 80)[pack.pair]
    mean = np.exp(2.5 + price_effect(moves, size[pack.product], 0.2) + follows * moves)
    units = rng.poisson(mean).astype(float)
    found = fitted(replace(pack, units=units, log_price=moves, surprise=moves, uninstrumented=moves))
    assert found.converged
    assert found.response.elasticity.mean() == pytest.approx(PRIOR.elasticity, abs=0.15)
    assert np.corrcoef(found.response.elasticity, size)[0, 1] > 0.9
    off = np.abs(found.response.elasticity - size) / np.hypot(found.pooled.sd, found.common_sd)
    assert (off < NormalDist().inv_cdf(0.95)).mean() >= 0.9
    assert found.common_sd > 0.85  # 1 is what is believed
    unsure = np.hypot(found.pooled.sd, found.common_sd)
    assert np.mean(np.abs(found.response.elasticity - size) < 1.645 * unsure) > 0.9


def test_where_only_surprises_move_prices_the_gain_of_a_price_is_less_sure() -> None:
    """One shop: in half of its categories discounts move the price, in the others what nobody could expect."""
    pack, _ = simulated(products=200, moving=0.9)
    category = np.arange(200) // 10
    is_surprise = category[pack.product] >= 10
    moved = np.where(is_surprise, pack.log_price, 0.0)
    shop = replace(pack, surprise=moved, uninstrumented=moved)
    found = fitted(shop)
    sums = add_up([one_pass(shop, found.response)], 200, 20)
    left = Between(sums, found.response.apart, found.promotion_variance, found.inflation).share_left(found.response)
    untouched = np.zeros(20, dtype=bool)
    names = identified_by(sums.clean, found.pooled.mean, category, left, found.inflation, untouched)
    assert list(names) == ["discounts"] * 10 + ["weak"] * 10
    usual = {"elasticity_low": 2.5, "elasticity_high": 2.5, "log_units_sd": 0.1, "unit_cost": 1.2}
    rows = [
        usual | {"elasticity_sd": sd, "elasticity_kind_sd": kind, "identification": name}
        for sd, kind, name in zip(found.pooled.sd, found.pooled.kind_sd, names[category], strict=True)
    ]
    prices = price_batch(batch_of(*rows), rule_set(STEP), PricingSettings(), constant_elasticity).to_pylist()
    widths = np.array([float(row["uplift_high_amount"] - row["uplift_low_amount"]) for row in prices])
    assert len({row["price_recommended"] for row in prices}) == 1
    assert ["weakly_identified" in row["flags"] for row in prices] == [name == "weak" for name in names[category]]
    identified, weak = np.split(widths, 2)
    assert np.quantile(weak, 0.05) > np.quantile(identified, 0.95)
