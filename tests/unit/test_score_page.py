"""The scoreboard's page beside its figures, by function and by command."""

import json
import shlex
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pricelake.cli import app as commands
from pricelake.cli.app import app
from pricelake.errors import SettingsError
from pricelake.settings.simulation import Switches
from pricelake.workflows.scoreboard.page import write_page

ROOT = Path(__file__).parents[2]


def row(figure: str, contender: str, mean: float, seeds: int, half: float | None) -> dict[str, Any]:
    ends = {"low": None, "high": None} if half is None else {"low": mean - half, "high": mean + half}
    switches = {"switches": sorted(Switches.model_fields), "instruments": "strong"}
    told = {"section": "run", "figure": figure, "contender": contender, "seeds": seeds, "mean": mean, "worst": mean}
    return told | ends | switches


RECORD = {
    "rows": [
        row("failed_fits", "pricelake", 1.5, 10, 0.5),
        row("failed_fits", "mlp", 0.0, 10, 0.0),
        row("seconds", "pricelake", 81.0, 1, None),
        row("seconds", "mlp", 17.0, 1, None),
    ],
    "commit": "1.0+abcdef",
    "command": "pricelake score --settings mine.yaml",
    "started_at": "2024-03-07T00:00:00+00:00",
    "seconds": 600.0,
}


@pytest.fixture
def figures(tmp_path: Path) -> Path:
    path = tmp_path / "scoreboard.json"
    path.write_text(json.dumps(RECORD), encoding="utf-8")
    return path


def test_the_page_stands_beside_its_figures(figures: Path) -> None:
    page = write_page(figures)
    assert page == figures.with_suffix(".html")
    text = page.read_text(encoding="utf-8")
    assert text.startswith("<!doctype html>")
    assert "1.0+abcdef" in text
    assert "Time and memory are one measurement of one fit of all seeds together" in text
    assert sorted(path.name for path in figures.parent.iterdir()) == ["scoreboard.html", "scoreboard.json"]


def test_without_figures_there_is_no_page(tmp_path: Path) -> None:
    missing = tmp_path / "none.json"
    with pytest.raises(SettingsError) as raised:
        write_page(missing)
    assert str(raised.value) == f"There is no {missing}. Run 'pricelake score --out {missing}' first."
    assert list(tmp_path.iterdir()) == []


def test_the_command_only_draws_where_it_is_asked_to(figures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[Path] = []
    monkeypatch.setattr(commands, "_run_scoreboard", lambda _settings, out, *_: ran.append(out))
    drawn = CliRunner().invoke(app, ["score", "--draw", "--out", str(figures)], env={"COLUMNS": "400"})
    assert drawn.exit_code == 0, drawn.output
    assert drawn.output == f"Scoreboard: {figures.with_suffix('.html')}\nFigures: {figures}\n"
    assert ran == []
    assert "1.0+abcdef" in figures.with_suffix(".html").read_text(encoding="utf-8")
    scored = CliRunner().invoke(app, ["score", "--out", str(figures)], env={"COLUMNS": "400"})
    assert scored.exit_code == 0, scored.output
    assert ran == [figures]


def test_the_command_says_that_there_is_nothing_to_draw(tmp_path: Path) -> None:
    failed = CliRunner().invoke(app, ["score", "--draw", "--out", str(tmp_path / "none.json")])
    assert failed.exit_code != 0
    assert isinstance(failed.exception, SettingsError)


@pytest.mark.parametrize("more", [[], ["--resume"], ["--resume", "--set", "scoreboard.weeks=[1, 4]"]])
def test_the_record_says_how_it_was_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: list[str]) -> None:
    told: list[str] = []
    monkeypatch.setattr("pricelake.session.build_session", lambda *_: None)
    monkeypatch.setattr("pricelake.workflows.scoreboard.score.score", lambda *given, **_: told.append(given[3]))
    out = tmp_path / "my figures" / "scoreboard.json"
    out.parent.mkdir()
    out.write_text(json.dumps(RECORD), encoding="utf-8")
    asked = ["score", "--settings", str(ROOT / "conf/scoreboards/quick.yaml"), "--out", str(out), *more]
    done = CliRunner().invoke(app, asked)
    assert done.exit_code == 0, done.output
    words = shlex.split(told[0])
    assert words[0] == "pricelake"
    assert sorted(words[1:]) == sorted(asked)


def test_the_pages_of_the_documentation_and_make_name_the_same_files() -> None:
    documentation, make = ((ROOT / name).read_text() for name in ("docs/scoreboard.md", "Makefile"))
    command = "pricelake score --settings conf/scoreboards/full.yaml --out build/score/full/scoreboard.json"
    assert f"@.venv/bin/{command}\n" in make
    assert f"\n.venv/bin/{command} --resume\n" in documentation
    # a full run that was cut off has figures and no page: the quick one's is shown then
    assert "@test -e build/score/full/scoreboard.html || cp build/score/quick/" in make
