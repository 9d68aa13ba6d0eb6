"""The scoreboard's settings and twins."""

from pathlib import Path
from typing import Any

import pytest

from pricelake.errors import SettingsError
from pricelake.evaluation.rows import FIGURES, Measured, Setting
from pricelake.settings.loading import load_file, validate
from pricelake.settings.scoreboard import REPORTED_SEEDS, Case, ScoreboardFile
from pricelake.settings.simulation import Switches
from pricelake.workflows.score import CONFOUNDING, movements, setting_of

CONFIGURATION = Path(__file__).parents[2] / "conf/scoreboards"


@pytest.mark.parametrize("path", sorted(CONFIGURATION.glob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_scoreboards_are_valid_and_report_no_development_seed(path: Path) -> None:
    settings = load_file(ScoreboardFile, path).scoreboard
    for case in settings.cases:
        shop = settings.simulation(case)
        assert {shop.seed, shop.seed + shop.branches - 1} <= set(REPORTED_SEEDS)
        assert shop.switches.on() == [name for name, _ in shop.switches if name in case.switches]


@pytest.mark.parametrize(
    ("scoreboard", "message"),
    [
        ({"cases": [{"name": "a", "switches": ["gravity"]}]}, "no such switch: gravity; known: confounding_visible"),
        ({"cases": [{"name": "a"}, {"name": "a"}]}, "case names must be unique, given twice: a"),
        ({}, "a scoreboard needs cases, markets or both"),
        ({"cases": [{"name": "a", "shop": {"produce": 3}}]}, "case a: produce: Extra inputs are not permitted"),
        ({"cases": [{"name": "a"}], "weeks": [4, 1]}, "weeks must rise"),
        ({"cases": [{"name": "a"}], "contenders": ["mine.py"]}, "contenders"),
    ],
)
def test_what_cannot_be_run_is_refused(scoreboard: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        validate(ScoreboardFile, {"scoreboard": scoreboard}, "here")


def test_a_full_scoreboard_has_every_comparison_that_is_promised() -> None:
    settings = load_file(ScoreboardFile, CONFIGURATION / "full.yaml").scoreboard
    every = set(Switches.model_fields)
    settled = {(frozenset(case.switches), case.instruments, case.sold_out_rate) for case in settings.cases}
    assert settings.seeds >= 10
    for name in every:
        assert (frozenset({name}), "strong", None) in settled
    for instruments in ("strong", "weak", "none"):
        assert (frozenset(every), instruments, None) in settled
        assert (frozenset(every - CONFOUNDING), instruments, None) in settled
    for rate in (0.0, 0.2, 0.4):
        assert (frozenset(every), "strong", rate) in settled
    measured = {part for case in settings.cases for part in case.parts}
    assert measured | {"run"} == set(FIGURES)
    promising = next(case for case in settings.cases if "promise" in case.parts)
    shop = settings.simulation(promising)
    assert shop.categories * shop.branches >= 200


def test_a_shop_of_another_make_stands_apart() -> None:
    usual, wide = Case(name="a"), Case(name="b", shop={"products": 80})
    assert setting_of(usual) == Setting((), "strong")
    assert setting_of(wide) == Setting((), "strong", case="b")


def test_movement_is_between_twins() -> None:
    def bias(switches: tuple[str, ...], seed: int, value: float, contender: str = "a") -> Measured:
        return Measured("own_price_bias", "mean", contender, Setting(switches, "strong"), seed, value)

    on = ("confounding_hidden", "confounding_visible", "sold_out")
    found = movements(
        [
            bias(on, 1, 0.9),
            bias(("sold_out",), 1, 0.2),
            bias(on, 2, 0.5),
            bias(("sold_out",), 2, 0.1, "b"),
            bias((), 1, 7),
        ]
    )
    assert [(one.contender, one.setting.switches, one.seed, one.value) for one in found] == [
        ("a", on, 1, pytest.approx(0.7))
    ]
