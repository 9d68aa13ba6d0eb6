"""What MLflow is told of the response to price."""

from pricelake.workflows.response_figures import response_figures, response_fit, tracked_response

FACTS = {
    "converged": False,
    "rounds": 40,
    "learnt_until": "2024-03-04",
    "instruments": [
        {"instrument": "cost", "f": 31.25, "clusters": 24, "is_derived": False, "is_strong": True},
        {"instrument": "other_markets", "f": 3.5, "clusters": 24, "is_derived": True, "is_strong": False},
    ],
    "categories_by_identification": {"instruments": 7, "weak": 2},
}


def test_parameters_name_what_was_used_and_metrics_have_every_test_and_count() -> None:
    params, metrics = tracked_response(FACTS)
    assert params == {"learnt_until": "2024-03-04", "instruments_used": "cost"}
    assert metrics == {
        "converged": 0.0,
        "rounds": 40.0,
        "cost_f": 31.25,
        "cost_clusters": 24.0,
        "cost_is_derived": 0.0,
        "cost_is_used": 1.0,
        "other_markets_f": 3.5,
        "other_markets_clusters": 24.0,
        "other_markets_is_derived": 1.0,
        "other_markets_is_used": 0.0,
        "categories_instruments": 7.0,
        "categories_discounts": 0.0,
        "categories_weak": 2.0,
    }
    assert response_fit(metrics) == response_fit(response_figures(FACTS))


def test_no_instrument_is_said_in_a_word() -> None:
    assert tracked_response(FACTS | {"instruments": []})[0]["instruments_used"] == "none"
