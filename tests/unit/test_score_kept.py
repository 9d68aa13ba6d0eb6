"""Judged cases that outlive a run that was cut off."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from pricelake.errors import SettingsError
from pricelake.evaluation.rows import Measured, Setting
from pricelake.settings.rules import load_rules
from pricelake.settings.scoreboard import Case, ScoreboardSettings
from pricelake.workflows.job import SilentReporter
from pricelake.workflows.scoreboard import score
from pricelake.workflows.scoreboard.case import Judged
from pricelake.workflows.scoreboard.kept import KeptCases, origin_of
from pricelake.workflows.scoreboard.rounds import Round

RULES = Path(__file__).parents[2] / "conf/rules/scoreboard.yaml"
SETTING = Setting(("sold_out",), "weak", weeks=4, group=None, sold_out_rate=0.2, case="wide")
JUDGED = Judged(
    [
        Measured("profit_capture", "capture", "pricelake", SETTING, 1003, 0.1 + 0.2, 0.7),
        Measured("own_price_bias", "mean", "mlp", Setting((), "none", group="changes_2_5"), 1000, -1.0),
    ],
    [{"contender": "pricelake", "promised": 0.1}],
    [{"contender": "mlp", "error": "no"}],
    [{"contender": "mlp", "promised": 3, "failed": 1, "no_price_moved": 2, "loses_money": 1}],
    ["mlp"],
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
    with pytest.raises(SettingsError, match=r"judged by other code .* of one's own \(1.0\+abc/0123, now 1.0\+def"):
        KeptCases(tmp_path, "1.0+def/0123").read("all")


def test_a_run_that_is_cut_off_goes_on_with_the_case_it_was_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    judged: list[str] = []
    power, version, clock = {"fails_at": "judged"}, {"now": "1.0+abc"}, {"hour": 1}

    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> "Clock":
            clock["hour"] += 1
            return cls(2024, 3, 7, clock["hour"], tzinfo=tz)

    monkeypatch.setattr(score, "datetime", Clock)

    def judge_round(_spark: Any, _settings: Any, _rules: Any, one: Round, place: Path, _reporter: Any) -> Any:
        place.mkdir(parents=True)
        (place / "rest").touch()
        if one.name == power["fails_at"]:
            raise KeyboardInterrupt
        judged.append(one.name)
        values = [Measured("own_price_bias", "mean", "mlp", one.setting, seed, float(len(judged))) for seed in (0, 1)]
        left_out = {"contender": "mlp", "promised": 1, "no_price_moved": 0, "loses_money": len(judged)}
        return Judged(values, [], [], [left_out]), {"name": one.name}

    monkeypatch.setattr(score, "judge_round", judge_round)
    monkeypatch.setattr(score, "code_version", lambda: version["now"])
    # a case may bear any name: what is kept lies where no shop can
    cases = [Case(name="first"), Case(name="judged", switches=["sold_out"]), Case(name="third", instruments="weak")]
    settings = ScoreboardSettings(cases=cases, rules=RULES)

    def run(resume: bool) -> dict[str, Any]:
        return score.score(None, settings, tmp_path, "test", SilentReporter(), resume=resume)  # type: ignore[arg-type]

    with pytest.raises(KeyboardInterrupt):
        run(resume=False)
    power["fails_at"] = ""
    version["now"] = "1.0+abc-dirty"
    with pytest.raises(SettingsError, match=r"this code \(1.0\+abc-dirty\) is in no commit: tracked files differ"):
        run(resume=True)
    version["now"] = "1.0+def"
    with pytest.raises(SettingsError, match=r"first.json was judged by other code .*now 1.0\+def"):
        run(resume=True)
    version["now"] = "1.0+abc"
    record = run(resume=True)
    assert judged == ["first", "judged", "third"]
    assert [case["name"] for case in record["cases"]] == judged
    assert [row["mean"] for row in record["rows"]] == [1.0, 2.0, 3.0]
    assert record["started_at"] == "2024-03-07T02:00:00+00:00"  # of the first start
    assert [(one["case"], one["loses_money"]) for one in record["promises_left_out"]] == list(
        zip(judged, (1, 2, 3), strict=True)
    )
    assert list(tmp_path.iterdir()) == []
    # a run that was whole is never resumed
    assert run(resume=True)["started_at"] == f"2024-03-07T{clock['hour']:02d}:00:00+00:00"
    assert judged == ["first", "judged", "third"] * 2


def test_the_origin_changes_with_whatever_figures_depend_on(tmp_path: Path) -> None:
    rules, market, contender, beside = (tmp_path / name for name in ("rules.yaml", "m.py", "c.py", "beside_c.py"))
    rules.write_text(RULES.read_text())
    market.write_text("class M: ...\n")
    contender.write_text("class C:\n    def fit(self, history):\n        import beside_c\n")
    beside.write_text("RATE = 1\n")
    own = {"markets": [f"{market}:M"], "contenders": [f"{contender}:C"], "rules": rules}

    def origin(version: str = "1.0+abc", **changes: Any) -> str:
        settings = ScoreboardSettings(cases=[Case(name="a")], **(own | changes))
        return origin_of(settings, load_rules(settings.rules), version)

    found = [origin()]
    assert origin() == found[0]
    rules.write_text(RULES.read_text() + "# a comment\n")
    assert origin() == found[0]
    found += [origin("1.0+def"), origin(weeks=(1,))]
    rules.write_text(RULES.read_text().replace("max_raise_rate: 0.20", "max_raise_rate: 0.25"))
    found.append(origin())
    for file in (market, contender, beside):
        file.write_text(file.read_text() + "# changed\n")
        found.append(origin())
    assert len(set(found)) == len(found) == 7
