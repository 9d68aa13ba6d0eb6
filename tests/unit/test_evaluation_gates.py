import math

import pytest

from pricelake.evaluation.held_out import gates

GOOD = {"wape": 0.5, "bias": 0.5, "score_bias": 0.01, "share_rows_downward": 1.0, "not_finite": 0.0, "rows": 200.0}


def failed(champion=None, **changes):
    return gates(GOOD | changes, 0.5, champion, 1.05, 0.15, 0.02)


def test_a_good_challenger_passes_without_and_with_a_champion():
    assert failed() == {}
    assert failed(champion=0.495) == {}


@pytest.mark.parametrize(
    ("changes", "gate", "text"),
    [
        ({"wape": 0.53}, "wape", "WAPE 0.5300 is above 1.05 x the baseline's 0.5000"),
        (
            {"share_rows_downward": 0.9999},
            "downward",
            "only 0.9999 of the held-out forecasts fall when the price rises by 10 %",
        ),
        ({"score_bias": -0.2}, "bias", "score bias -0.2000 is beyond ±0.15"),
        ({"not_finite": 3.0}, "finite", "3 of 200 held-out forecasts are not finite numbers"),
    ],
)
def test_each_gate_says_why(changes, gate, text):
    assert failed(**changes) == {gate: text}


def test_a_champion_is_not_replaced_by_a_worse_challenger():
    assert failed(champion=0.49) == {"champion": "WAPE 0.5000 is more than 2% above the champion's 0.4900"}


@pytest.mark.parametrize("figure", ["wape", "score_bias", "share_rows_downward"])
def test_a_figure_that_is_not_a_number_fails(figure):
    assert failed(**{figure: math.nan})
