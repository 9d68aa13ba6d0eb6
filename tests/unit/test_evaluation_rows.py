"""The scoreboard's arithmetic against hand calculation."""

import json
import math

import numpy as np
import pytest
from scipy.stats import bootstrap

from pricelake.evaluation.figures import change_groups, curve_elasticities, elasticity_errors, wape
from pricelake.evaluation.rows import (
    DIRECTIONLESS,
    FIGURES,
    HIGHER,
    NEARER_ZERO,
    TARGETS,
    Measured,
    Setting,
    summarise,
    worst,
)

SETTING = Setting(("cross_effects", "sold_out"), "strong", weeks=4)


def measured(values: list[float], figure: str = "capture", section: str = "profit_capture") -> list[Measured]:
    return [Measured(section, figure, "pricelake", SETTING, seed, value) for seed, value in enumerate(values)]


def test_the_interval_is_students() -> None:
    (row,) = summarise(measured([0.4, 0.6, 0.5, 0.9]))
    assert (row.seeds, row.mean, row.worst) == (4, pytest.approx(0.6), 0.4)
    assert row.by_seed == {0: 0.4, 1: 0.6, 2: 0.5, 3: 0.9}
    half = 3.1824463052842638 * math.sqrt(0.14 / 3) / 2  # t(0.975, 3) s / sqrt(n)
    assert (row.low, row.high) == (pytest.approx(0.6 - half), pytest.approx(0.6 + half))


def test_the_interval_covers_like_a_bootstrap() -> None:
    values = np.random.default_rng(1).normal(2.0, 0.5, 60)
    (row,) = summarise(measured(values.tolist()))
    found = bootstrap((values,), np.mean, confidence_level=0.95, rng=np.random.default_rng(2)).confidence_interval
    assert (row.low, row.high) == (pytest.approx(found.low, abs=0.03), pytest.approx(found.high, abs=0.03))


def test_one_seed_has_no_interval_and_json_says_null() -> None:
    (row,) = summarise(measured([0.4]))
    said = json.loads(json.dumps(row.as_dict(), allow_nan=False))
    assert (said["low"], said["high"], said["mean"], said["seeds"]) == (None, None, 0.4, 1)
    assert said["switches"] == ["cross_effects", "sold_out"]
    assert (said["instruments"], said["weeks"]) == ("strong", 4)
    assert "group" not in said
    assert "amounts" not in said


def test_worst_is_worst_for_whoever_is_scored() -> None:
    values = np.array([-0.8, 0.1, 0.5])
    wanted = {"capture": -0.8, "mean": -0.8, "mean_absolute": 0.5, "slope": -0.8, "regret_amount": 0.5}
    assert {figure: worst(figure, values) for figure in wanted} == wanted


def test_no_seed_is_the_worst_where_neither_more_nor_less_is_better() -> None:
    (row,) = summarise(measured([0.0, 0.5, 1.0], "flagged_share", "identification"))
    assert (row.as_dict()["worst"], row.mean) == (None, 0.5)
    assert not DIRECTIONLESS & (HIGHER | NEARER_ZERO | set(TARGETS))


def test_unknown_figures_and_doubled_seeds_are_refused() -> None:
    with pytest.raises(ValueError, match="no figure 'captured' in section 'profit_capture'"):
        Measured("profit_capture", "captured", "pricelake", SETTING, 1, 0.0)
    with pytest.raises(ValueError, match="measured twice on seed 0"):
        summarise([*measured([0.1]), *measured([0.2])])
    assert all(figures for figures in FIGURES.values())


def test_elasticities_of_a_power_are_its_exponent() -> None:
    prices = np.array([[1.0, 1.5, 2.0], [2.0, 2.2, 3.0]])
    units = np.array([[7.0], [3.0]]) * prices ** np.array([[-2.0], [-0.5]])
    assert curve_elasticities(units, prices) == pytest.approx(np.array([[-2.0, -2.0], [-0.5, -0.5]]))
    units[1, 2] = 0.0
    assert np.isnan(curve_elasticities(units, prices)[1]).tolist() == [False, True]


def test_failed_fits_count_and_what_is_not_sold_does_not() -> None:
    errors = elasticity_errors(np.array([-1.0, np.nan, -2.0]), np.array([-3.0, -2.5, np.nan]))
    assert errors[:2].tolist() == [2.0, 2.5]
    assert np.isnan(errors[2])
    assert wape(np.array([np.nan, 5.0]), np.array([2.0, 8.0])) == pytest.approx(0.5)


def shares(parts: list[tuple[float, float]]) -> list[Measured]:
    return [
        Measured("profit_capture", "capture", "pricelake", SETTING, seed, gained, possible)
        for seed, (gained, possible) in enumerate(parts, 7)
    ]


def test_a_share_of_several_seeds_is_sum_over_sum_and_a_loss_where_nothing_could_be_had_is_in_it() -> None:
    (row,) = summarise(shares([(10.0, 20.0), (-5.0, 0.01), (9.0, 9.0), (-1.0, 0.0)]))
    assert (row.seeds, row.mean, row.worst) == (3, pytest.approx(13.0 / 29.01), -500.0)
    said = json.loads(json.dumps(row.as_dict(), allow_nan=False))
    assert said["by_seed"] == {"7": 0.5, "8": -500.0, "9": 1.0, "10": None}
    assert said["amounts"] == {"7": [10.0, 20.0], "8": [-5.0, 0.01], "9": [9.0, 9.0], "10": [-1.0, 0.0]}
    (nothing,) = summarise(shares([(0.0, 0.0), (-1.0, 0.0)]))
    assert nothing.seeds == 0
    assert [nothing.as_dict()[key] for key in ("mean", "low", "high", "worst")] == [None] * 4
    (lost,) = summarise(shares([(-3.0, 20.0)]))
    assert (lost.mean, math.isnan(lost.low)) == (-0.15, True)


def test_an_empty_seed_neither_counts_nor_narrows_the_interval() -> None:
    told = [(8.0, 20.0), (12.0, 16.0), (10.0, 25.0)]
    (full,), (padded,) = summarise(shares(told)), summarise(shares([*told, (0.0, 0.0), (0.0, 0.0)]))
    assert padded.seeds == full.seeds == 3
    assert (padded.mean, padded.low, padded.high) == (full.mean, full.low, full.high)
    assert padded.by_seed.keys() == padded.amounts.keys() == set(range(7, 12))
    (single,) = summarise(shares([(3.0, 4.0), (0.0, 0.0)]))
    assert (single.seeds, single.mean, math.isnan(single.low)) == (1, 0.75, True)


def test_shares_of_equal_wholes_have_students_interval_and_others_cover_like_a_bootstrap() -> None:
    (plain,), (same,) = (
        summarise(measured([0.4, 0.6, 0.5, 0.9])),
        summarise(shares([(8, 20), (12, 20), (10, 20), (18, 20)])),
    )
    assert (same.mean, same.low, same.high) == pytest.approx((plain.mean, plain.low, plain.high))
    draw = np.random.default_rng(3)
    possible = draw.gamma(4.0, 5.0, 60)
    gained = possible * draw.normal(0.5, 0.3, 60)
    (row,) = summarise(shares(list(zip(gained, possible, strict=True))))
    found = bootstrap(
        (gained, possible),
        lambda part, whole, axis: part.sum(axis=axis) / whole.sum(axis=axis),
        paired=True,
        vectorized=True,
        confidence_level=0.95,
        rng=np.random.default_rng(4),
    ).confidence_interval
    assert (row.low, row.high) == (pytest.approx(found.low, abs=0.02), pytest.approx(found.high, abs=0.02))


def test_groups_of_price_changes() -> None:
    names = change_groups(np.array([0, 1, 2, 5, 6, 40]))
    assert names.tolist() == [*["changes_0_1"] * 2, *["changes_2_5"] * 2, *["changes_6_up"] * 2]
