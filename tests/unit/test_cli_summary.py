"""What the closing summary of a run says of the response to price."""

from io import StringIO
from pathlib import Path
from typing import Any

from rich.console import Console

from pricelake.cli.summary import print_summary
from pricelake.settings import Settings

SETTINGS = Settings.model_validate({"lake": {"root": "lake"}, "shop": "s.yaml", "rules": "r.yaml"})
DEMAND = {
    "wape": {}, "wape_price_observed": {}, "bias": {}, "share_downward_by": {}, "median_elasticity": -1.2,
    "elasticity": dict.fromkeys(("elasticity_p05", "elasticity_p25", "elasticity_p75", "elasticity_p95"), -1.0),
}  # fmt: skip
IDENTIFIED = {"weak": {"categories": 194, "products": 4844}, "instruments": {"categories": 3, "products": 120}}


def said(response: dict[str, Any] | None, identified: dict[str, dict[str, int]]) -> str:
    console = Console(width=400, record=True, file=StringIO())
    demand = DEMAND if response is None else DEMAND | {"response": response}
    record: dict[str, Any] = {
        "jobs": [], "recommender": {}, "demand": demand, "recommendations": {}, "quarantined_rows": 0,
        "total_seconds": 1.0, "summaries": {"recommend_prices": {"identification": identified}},
    }  # fmt: skip
    print_summary(console, record, SETTINGS, Path("s.yaml"), None)
    return console.export_text()


def response(converged: bool, f: float, is_strong: bool) -> dict[str, Any]:
    cost = {"instrument": "cost", "f": f, "clusters": 231, "is_derived": False, "is_strong": is_strong}
    return {"instruments": [cost], "converged": converged, "rounds": 40}


def test_instruments_and_what_identifies_elasticities_are_told() -> None:
    text = said(response(True, 31.24, True), IDENTIFIED)
    assert "Instruments of the price: unit cost (F 31.2, used)\n" in text
    assert (
        "Elasticities identified: by instruments 3 categories with 120 products; by nothing 194 categories with 4,844 "
        "products\n"
    ) in text
    assert "did not settle" not in text


def test_a_response_that_did_not_settle_is_told() -> None:
    assert "The response to price did not settle in 40 rounds: elasticities may be off" in said(
        response(False, 2.0, False), IDENTIFIED
    )


def test_a_run_without_a_trained_model_says_nothing_of_it() -> None:
    text = said(None, {})
    assert "Instruments" not in text
    assert "identified" not in text
