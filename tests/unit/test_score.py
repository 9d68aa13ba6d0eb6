"""The scoreboard's settings and twins."""

from pathlib import Path

import pytest

from pricelake.errors import SettingsError
from pricelake.evaluation.rows import Measured, Setting
from pricelake.settings.loading import load_file, validate
from pricelake.settings.scoreboard import REPORTED_SEEDS, ScoreboardFile
from pricelake.workflows.score import movements

CONFIGURATION = Path(__file__).parents[2] / "conf/scoreboards"


@pytest.mark.parametrize("path", sorted(CONFIGURATION.glob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_scoreboards_are_valid_and_report_no_development_seed(path: Path) -> None:
    settings = load_file(ScoreboardFile, path).scoreboard
    for case in settings.cases:
        shop = settings.simulation(case)
        assert {shop.seed, shop.seed + shop.branches - 1} <= set(REPORTED_SEEDS)
        assert shop.switches.on() == [name for name, _ in shop.switches if name in case.switches]


def test_an_unknown_switch_is_refused() -> None:
    content = {"scoreboard": {"cases": [{"name": "a", "switches": ["gravity"]}]}}
    with pytest.raises(SettingsError, match="no such switch: gravity; known: confounding_visible"):
        validate(ScoreboardFile, content, "here")


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
