"""Which model may draw curves: refused where there is none or where it has seen the future."""

from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pricelake.errors import PricingError, TrainingError
from pricelake.settings import Settings
from pricelake.workflows import curves
from pricelake.workflows.judgement_file import write_judgement


@pytest.fixture
def job(tmp_path: Path) -> Any:
    settings = Settings.model_validate(
        {"lake": {"root": str(tmp_path)}, "shop": "s.yaml", "rules": "r.yaml", "tracking": {"uri": "sqlite:///x.db"}}
    )
    return SimpleNamespace(settings=settings, as_of=date(2024, 3, 4))


def registry_with(champion: Any) -> Any:
    return lambda settings: SimpleNamespace(
        version_by_alias=lambda name, alias: champion if (name, alias) == ("pricelake-demand", "champion") else None,
        download=lambda name, version: Path(f"{name}/{version}"),
    )


def test_without_a_champion_there_is_nothing_to_price_on(job: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(curves, "Registry", registry_with(None))
    with pytest.raises(TrainingError) as caught:
        curves.draw_curves(job)
    assert str(caught.value) == (
        "sqlite:///x.db holds no champion of pricelake-demand, so there are no demand curves to price on. "
        "Run train_demand; if it stopped, its message says what it lacks. No price was written."
    )


def test_without_a_champion_the_gates_that_the_last_model_failed_are_named(
    job: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_judgement(tmp_path, {"gates": {"wape": "WAPE nan is above 1.05 x the baseline's nan", "bias": "too high"}})
    registry = SimpleNamespace(
        version_by_alias=lambda name, alias: SimpleNamespace(version=4) if alias == "challenger" else None,
        download=lambda name, version: tmp_path if (name, version) == ("pricelake-demand", 4) else None,
    )
    monkeypatch.setattr(curves, "Registry", lambda settings: registry)
    with pytest.raises(TrainingError) as caught:
        curves.draw_curves(job)
    assert str(caught.value) == (
        "sqlite:///x.db holds no champion of pricelake-demand, so there are no demand curves to price on. Version 4, "
        "which was trained last, does not pass its gates (wape: WAPE nan is above 1.05 x the baseline's nan; bias: too "
        "high). Bring more or cleaner history and run train_demand again. No price was written."
    )


def test_a_champion_that_has_seen_the_future_is_refused(job: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(curves, "Registry", registry_with(SimpleNamespace(version=3)))
    monkeypatch.setattr(curves, "load_model", lambda path: SimpleNamespace(seen_until=date(2024, 3, 5)))
    with pytest.raises(PricingError) as caught:
        curves.draw_curves(job)
    assert str(caught.value) == (
        "Version 3 of pricelake-demand has seen days before 2024-03-05, and the as-of date is 2024-03-04: a price "
        "would see the future. Run train_demand for 2024-03-04 or give tracking.model_name a name of its own for "
        "backfills."
    )
