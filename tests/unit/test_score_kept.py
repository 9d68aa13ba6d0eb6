"""Judged cases that outlive a run that was cut off."""

from pathlib import Path
from typing import Any

import pytest

from pricelake.errors import SettingsError
from pricelake.evaluation.rows import Measured, Setting
from pricelake.settings.scoreboard import Case, ScoreboardSettings
from pricelake.workflows import score
from pricelake.workflows.job import SilentReporter
from pricelake.workflows.score_case import Judged
from pricelake.workflows.score_kept import KeptCases

SETTING = Setting(("sold_out",), "weak", weeks=4, group=None, sold_out_rate=0.2, case="wide")
JUDGED = Judged(
    [
        Measured("profit_capture", "capture", "pricelake", SETTING, 1003, 0.1 + 0.2),
        Measured("own_price_bias", "mean", "mlp", Setting((), "none", group="changes_2_5"), 1000, -1.0),
    ],
    [{"contender": "pricelake", "promised": 0.1}],
    [{"contender": "mlp", "error": "no"}],
)


def test_a_kept_case_is_the_case_that_was_judged(tmp_path: Path) -> None:
    kept = KeptCases(tmp_path / "judged", "1.0+abc/0123")
    assert kept.read("all") is None
    kept.write("all", JUDGED, {"name": "all", "seconds": 12.5})
    assert kept.read("all") == (JUDGED, {"name": "all", "seconds": 12.5})
    assert kept.read("another") is None
    kept.clear()
    assert kept.read("all") is None


def test_figures_of_other_code_or_settings_are_never_joined(tmp_path: Path) -> None:
    KeptCases(tmp_path, "1.0+abc/0123").write("all", JUDGED, {})
    with pytest.raises(
        SettingsError, match=r"judged by other code or under other settings \(1.0\+abc/0123, now 1.0\+def"
    ):
        KeptCases(tmp_path, "1.0+def/0123").read("all")


def test_a_run_that_is_cut_off_goes_on_with_the_case_it_was_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    judged: list[str] = []
    power = {"fails_at": "second"}

    def judge_round(_spark: Any, _settings: Any, one: score.Round, place: Path, _reporter: Any) -> Any:
        place.mkdir(parents=True)
        (place / "rest").touch()
        if one.name == power["fails_at"]:
            raise KeyboardInterrupt
        judged.append(one.name)
        values = [Measured("own_price_bias", "mean", "mlp", one.setting, seed, float(len(judged))) for seed in (0, 1)]
        return Judged(values, [], []), {"name": one.name}

    monkeypatch.setattr(score, "judge_round", judge_round)
    cases = [Case(name="first"), Case(name="second", switches=["sold_out"]), Case(name="third", instruments="weak")]
    settings = ScoreboardSettings(cases=cases)

    def run(resume: bool) -> dict[str, Any]:
        return score.score(None, settings, tmp_path, "test", SilentReporter(), resume=resume)  # type: ignore[arg-type]

    with pytest.raises(KeyboardInterrupt):
        run(resume=False)
    power["fails_at"] = ""
    record = run(resume=True)
    assert judged == ["first", "second", "third"]
    assert [case["name"] for case in record["cases"]] == judged
    assert [row["mean"] for row in record["rows"]] == [1.0, 2.0, 3.0]
    assert list(tmp_path.iterdir()) == []
    # a run that was whole is never resumed
    run(resume=True)
    assert judged == ["first", "second", "third"] * 2
