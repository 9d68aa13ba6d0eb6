"""Traits of products on a common scale."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from pricelake.demand.response.traits import normal_scores


def test_scores_are_normal_quantiles_of_ranks() -> None:
    found = normal_scores(pd.Series([3.0, -1.0, 3.0, 10.0]))
    assert found == pytest.approx([norm.ppf(2.0 / 4), norm.ppf(0.5 / 4), norm.ppf(2.0 / 4), norm.ppf(3.5 / 4)])
    drawn = normal_scores(pd.Series(np.random.default_rng(1).gamma(0.5, size=2000)))
    assert (drawn.mean(), drawn.std()) == pytest.approx((0.0, 1.0), abs=0.01)


def test_one_absurd_value_moves_no_other() -> None:
    values = pd.Series(np.arange(20.0))
    absurd = values.replace(19.0, 1e12)
    assert normal_scores(absurd) == pytest.approx(normal_scores(values))


def test_equal_values_say_nothing() -> None:
    assert normal_scores(pd.Series([2.0] * 5)) == pytest.approx(np.zeros(5))
