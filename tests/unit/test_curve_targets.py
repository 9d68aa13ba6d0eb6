"""Targets of the demand curves: what meets each and what misses it, and what becomes of a record that lacks one."""

import json
from pathlib import Path
from typing import Any

import pytest
from scripts import curve_targets
from scripts.records import RecordError
from scripts.scoreboard_scores import ALL, Scores
from scripts.scoreboard_tables import Fact, missed_lines

ROOT = Path(__file__).parents[2]
OTHERS = ("lightgbm", "mlp")


def row(section: str, figure: str, contender: str, mean: float | None, **more: Any) -> dict[str, Any]:
    known = {"section": section, "figure": figure, "contender": contender, "mean": mean, "instruments": "strong"}
    return known | {"switches": sorted(ALL), "sold_out_rate": 0.1, "case": "everything"} | more


@pytest.fixture
def record() -> dict[str, Any]:
    """Every target met to a hair."""
    calm = {"switches": [], "sold_out_rate": None, "case": "calm"}
    rows = [
        row("own_price_bias", "mean", "pricelake", -0.05),
        row("own_price_bias", "movement", "pricelake", -0.03),
        row("own_price_bias", "mean_absolute", "pricelake", 0.4, group="changes_6_up"),
        row("own_price_bias", "mean_absolute", "pricelake", 7.0),
        row("own_price_bias", "mean_absolute", "mlp", 0.8, group="changes_6_up"),
        row("own_price_bias", "mean_absolute", "lightgbm", 0.9, group="changes_6_up"),
        row("own_price_bias", "mean_absolute", "true_own_curves", 0.0, group="changes_6_up"),
        row("after_change", "soldout_underestimation", "pricelake", 0.9),
        row("after_change", "soldout_underestimation", "pricelake", 0.01, sold_out_rate=0.2, case="often"),
        row("promise", "slope", "pricelake", 1.1, case="promise"),
        row("promise", "coverage_90", "pricelake", 0.87, case="promise"),
        row("identification", "flagged_share", "pricelake", 0.0),
        row("identification", "coverage_90_unidentified", "pricelake", None),
        row("identification", "flagged_share", "pricelake", 0.9, instruments="none", case="bare"),
        row("identification", "coverage_90_unidentified", "pricelake", 0.8, instruments="none", case="bare"),
    ]
    for figure, own in (("error_10", 0.35), ("error_20", 0.35), ("forecast_wape", 0.51)):
        rows += [row("after_change", figure, "pricelake", own)]
        rows += [row("after_change", figure, name, 0.5) for name in OTHERS]
    for figure in ("error_10", "error_20"):
        rows += [row("after_change", figure, "pricelake", 0.49, **calm)]
        rows += [row("after_change", figure, name, 0.5, **calm) for name in OTHERS]
    cases = [{"name": name, "usual_shop": True} for name in ("everything", "calm", "often", "bare")]
    whole = {"rows": rows, "usual_sold_out_rate": 0.1, "cases": [*cases, {"name": "promise", "usual_shop": False}]}
    return dict(json.loads(json.dumps(whole)))


def told(record: dict[str, Any]) -> dict[str, Fact]:
    return {fact.what: fact for fact in curve_targets.facts(record)}


def find(
    record: dict[str, Any], section: str, figure: str, contender: str = "pricelake", **more: Any
) -> dict[str, Any]:
    wanted = {"section": section, "figure": figure, "contender": contender, "case": "everything"} | more
    return next(one for one in record["rows"] if all(one.get(key) == value for key, value in wanted.items()))


def test_ends_of_ranges_belong_to_them(record: dict[str, Any]) -> None:
    facts = told(record)
    assert all(fact.met for fact in facts.values())
    figures = "-0.050 0.030 0.500 2 of 2 0.700 0.700 1.020 0.010 1.100 0.870 0.900 0.800"
    assert " ".join(fact.figure for fact in facts.values()) == figures


@pytest.mark.parametrize(
    ("what", "of", "mean"),
    [
        (curve_targets.BIAS, ("own_price_bias", "mean", {}), 0.051),
        (curve_targets.BIAS, ("own_price_bias", "mean", {}), -0.051),
        (curve_targets.MOVEMENT, ("own_price_bias", "movement", {}), 0.031),
        (curve_targets.MOVEMENT, ("own_price_bias", "movement", {}), -0.031),
        (curve_targets.ACCURACY, ("own_price_bias", "mean_absolute", {"group": "changes_6_up"}), 0.41),
        (curve_targets.EVERYWHERE, ("after_change", "error_20", {"case": "calm"}), 0.5),
        (curve_targets.EVERYWHERE, ("after_change", "error_10", {"case": "calm"}), 0.6),
        (curve_targets.AFTER_10, ("after_change", "error_10", {}), 0.36),
        (curve_targets.AFTER_20, ("after_change", "error_20", {}), 0.36),
        (curve_targets.FORECAST, ("after_change", "forecast_wape", {}), 0.52),
        (curve_targets.SOLD_OUT, ("after_change", "soldout_underestimation", {"case": "often"}), 0.011),
        (curve_targets.SLOPE, ("promise", "slope", {"case": "promise"}), 0.89),
        (curve_targets.SLOPE, ("promise", "slope", {"case": "promise"}), 1.11),
        (curve_targets.COVERAGE, ("promise", "coverage_90", {"case": "promise"}), 0.86),
        (curve_targets.COVERAGE, ("promise", "coverage_90", {"case": "promise"}), 0.94),
        (curve_targets.FLAGGED, ("identification", "flagged_share", {"case": "bare"}), 0.89),
        (curve_targets.COVERED, ("identification", "coverage_90_unidentified", {"case": "bare"}), 0.79),
    ],
)
def test_a_figure_beyond_its_range_misses_its_target_alone(
    record: dict[str, Any], what: str, of: tuple[str, str, dict[str, Any]], mean: float
) -> None:
    section, figure, more = of
    find(record, section, figure, **more)["mean"] = mean
    assert [fact.what for fact in curve_targets.facts(record) if not fact.met] == [what]


def test_settings_are_counted_where_both_errors_are_below_every_rivals(record: dict[str, Any]) -> None:
    record["rows"].append(row("after_change", "error_20", "pricelake_variant", 0.1))  # no rival
    record["rows"].append(row("after_change", "error_20", "true_own_curves", 0.1))  # nor this
    assert told(record)[curve_targets.EVERYWHERE].figure == "2 of 2"
    record["rows"].append(row("after_change", "error_20", "one_of_ones_own", 0.3))
    assert told(record)[curve_targets.EVERYWHERE].figure == "1 of 2"
    find(record, "after_change", "error_10", case="calm")["mean"] = None
    assert told(record)[curve_targets.EVERYWHERE].figure == "0 of 2"
    assert curve_targets.beside_best(Scores(record), "error_20", "calm") == pytest.approx(0.98)
    assert curve_targets.beside_best(Scores(record), "error_10", "calm") is None


def test_what_no_seed_tells_meets_nothing(record: dict[str, Any]) -> None:
    find(record, "identification", "coverage_90_unidentified", case="bare")["mean"] = None
    fact = told(record)[curve_targets.COVERED]
    assert (fact.figure, fact.met) == ("–", False)


@pytest.mark.parametrize(
    ("section", "figure", "more", "said"),
    [
        ("own_price_bias", "movement", {}, ""),
        ("own_price_bias", "mean_absolute", {"group": "changes_6_up"}, " (group changes_6_up)"),
        ("after_change", "soldout_underestimation", {"case": "often"}, " (sold_out_rate 0.2)"),
        ("identification", "flagged_share", {"case": "bare"}, " (instruments none)"),
    ],
)
def test_a_row_that_is_not_there_is_named(
    record: dict[str, Any], section: str, figure: str, more: dict[str, Any], said: str
) -> None:
    record["rows"].remove(find(record, section, figure, **more))
    with pytest.raises(RecordError) as caught:
        curve_targets.facts(record)
    assert str(caught.value) == (
        f"The scoreboard says nothing of {section}.{figure} of pricelake{said}, which a target is of. Run 'make score' "
        "again."
    )


def test_decisions_that_explanations_name_are_there() -> None:
    texts = " ".join(curve_targets.EXPLANATIONS.values())
    for number in ("004", "007", "008", "009", "010", "011", "012", "014"):
        assert number in texts
        assert len(list((ROOT / "docs/decisions").glob(f"{number}-*.md"))) == 1
    assert "{" not in texts


def test_every_target_has_a_text(record: dict[str, Any]) -> None:
    """None of them is a defect where it is missed: each is bounded by what shops of that size tell."""
    assert set(curve_targets.EXPLANATIONS) == {fact.what for fact in curve_targets.facts(record)}


def test_a_miss_that_nothing_explains_is_an_error(record: dict[str, Any]) -> None:
    find(record, "identification", "coverage_90_unidentified", case="bare")["mean"] = 0.5
    others = {what: text for what, text in curve_targets.EXPLANATIONS.items() if what != curve_targets.COVERED}
    with pytest.raises(RecordError, match=f"nothing says why: '{curve_targets.COVERED}' \\(0.500, target ≥ 0.8\\)"):
        missed_lines(curve_targets.facts(record), others)
    find(record, "identification", "coverage_90_unidentified", case="bare")["mean"] = 0.9
    assert missed_lines(curve_targets.facts(record), curve_targets.EXPLANATIONS) == []
    find(record, "promise", "slope", case="promise")["mean"] = 0.7
    lines = missed_lines(curve_targets.facts(record), curve_targets.EXPLANATIONS)
    assert lines[0].startswith(f"**{curve_targets.SLOPE}** (0.700, target 0.9 … 1.1). Others' gain by the units")
