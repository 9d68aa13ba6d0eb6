"""The rules file: what it refuses, in which words."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from pricelake.errors import SettingsError
from pricelake.settings.rules import RuleSet, load_rules

ROOT = Path(__file__).resolve().parents[2]


def write(folder: Path, *rules: dict[str, Any]) -> Path:
    path = folder / "rules.yaml"
    path.write_text(yaml.safe_dump({"name": "test", "rules": list(rules)}))
    return path


def test_the_rules_that_come_with_the_project_load() -> None:
    kinds = {rule.kind for rule in load_rules(ROOT / "conf/rules/grocery.yaml").rules}
    assert kinds == {"floor", "ceiling", "step", "trusted_range", "ending", "history", "freshness", "exclusion"}


def test_all_problems_are_reported_at_once(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        {"name": "f", "kind": "floor", "min_margin_rate": 1.2},
        {"name": "s", "kind": "step", "max_raise_rate": 0.1, "max_lower_rate": 0.1, "maximum": 2},
        {"name": "c", "kind": "ceiling", "over": "moon_price"},
    )
    with pytest.raises(SettingsError) as caught:
        load_rules(path)
    assert str(caught.value).splitlines() == [
        f"{path} has 3 problems:",
        "  rules.0.floor.min_margin_rate: Input should be less than 1, got 1.2",
        "  rules.1.step.maximum: Extra inputs are not permitted, got 2",
        "  rules.2.ceiling.over: Input should be 'reference_price', 'list_price' or 'competitor_price', "
        'got "moon_price"',
    ]


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"name": "f", "kind": "floor"}, "a floor needs min_margin_rate, min_price or both"),
        ({"name": "c", "kind": "ceiling"}, "a ceiling needs over, max_price or both"),
        (
            {"name": "c", "kind": "ceiling", "max_price": 3, "max_above_rate": 0.1},
            "max_above_rate says how far above which price: give over too",
        ),
        (
            {"name": "e", "kind": "ending", "bands": [{"endings": ["9"]}]},
            "'9' is no ending; write X9 (any tenth), 99 or 9.99",
        ),
        (
            {"name": "e", "kind": "ending", "bands": [{"below": 2, "endings": ["99"]}]},
            "the last band, and only the last, leaves out below",
        ),
        (
            {"name": "e", "kind": "ending", "bands": [{"below": b, "endings": ["99"]} for b in (2, 2, None)]},
            "below must rise from band to band",
        ),
        (
            {"name": "e", "kind": "ending", "bands": [{"below": 1.005, "endings": ["99"]}, {"endings": ["99"]}]},
            "must be in whole cents",
        ),
        ({"name": "x", "kind": "exclusion"}, "an exclusion without scope excludes every product"),
        ({"name": "s", "kind": "stairs"}, "does not match any of the expected tags"),
        ({"name": "Max Change", "kind": "history"}, "String should match pattern"),
        ({"name": "h", "kind": "history", "hard": False}, "Input should be True"),
    ],
)
def test_a_rule_that_says_nothing_clear_is_refused(tmp_path: Path, rule: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match="has 1 problem") as caught:
        load_rules(write(tmp_path, rule))
    assert message in str(caught.value)


def test_two_rules_of_one_name_are_refused(tmp_path: Path) -> None:
    rule = {"name": "f", "kind": "floor", "min_price": 1}
    with pytest.raises(SettingsError, match="rule names must be unique, given twice: f"):
        load_rules(write(tmp_path, rule, rule))


def test_the_version_changes_with_a_rule_and_only_then() -> None:
    rule = {"name": "f", "kind": "floor", "min_price": 1}
    version = RuleSet.model_validate({"name": "a", "rules": [rule]}).version
    assert version == RuleSet.model_validate({"rules": [dict(reversed(rule.items()))], "name": "a"}).version
    assert version != RuleSet.model_validate({"name": "a", "rules": [rule | {"min_price": 1.01}]}).version
