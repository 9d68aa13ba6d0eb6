"""What each part brings: differences seed by seed against a library's paired interval, and the page's cells."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import ttest_rel
from scripts import ablations

SEEDS = [str(seed) for seed in range(10)]


def row(contender: str, column: str, values: np.ndarray, sizes: np.ndarray | None = None) -> dict[str, Any]:
    section, figure, more = ablations.FIGURES[column]
    found = {"section": section, "figure": figure, "contender": contender, "mean": float(values.mean()), **more}
    if sizes is None:
        return found | {"by_seed": dict(zip(SEEDS, values.tolist(), strict=True))}
    ratios = (values / sizes).tolist()
    amounts = {seed: [value, size] for seed, value, size in zip(SEEDS, values.tolist(), sizes.tolist(), strict=True)}
    mean = float(values.sum() / sizes.sum())
    return found | {"mean": mean, "by_seed": dict(zip(SEEDS, ratios, strict=True)), "amounts": amounts}


def test_differences_of_means_are_those_of_a_paired_test() -> None:
    rng = np.random.default_rng(2)
    own = rng.normal(1.0, 0.3, 10)
    other = own + rng.normal(0.1, 0.05, 10)
    gap, half = ablations.difference(*(row("x", "forecast WAPE", values) for values in (own, other)))
    wanted = ttest_rel(other, own).confidence_interval(0.95)
    assert (gap - half, gap + half) == pytest.approx((wanted.low, wanted.high))


def test_differences_of_ratios_have_the_spread_of_draws() -> None:
    rng = np.random.default_rng(3)
    sizes = rng.uniform(50.0, 150.0, 10)
    found = []
    for _ in range(4000):
        own = sizes * 0.4 + rng.normal(0.0, 5.0, 10)
        other = own + sizes * 0.1 + rng.normal(0.0, 2.0, 10)
        found.append(ablations.difference(*(row("x", "capture, 4 weeks", part, sizes) for part in (own, other))))
    gaps, halves = np.array(found).T
    assert gaps.mean() == pytest.approx(0.1, abs=1e-3)
    assert np.mean(np.abs(gaps - 0.1) <= halves) == pytest.approx(0.95, abs=0.02)


def test_the_page_has_a_line_for_each_variant_and_marks_what_is_sure(tmp_path: Path) -> None:
    rng, rows = np.random.default_rng(4), []
    for column in ablations.FIGURES:
        own = rng.normal(0.5, 0.1, 10)
        rows += [row("pricelake", column, own), row("pricelake_bad", column, own + 0.2 + rng.normal(0.0, 0.01, 10))]
        rows.append(row("pricelake_same_thing", column, own + rng.normal(0.0, 0.1, 10) - 0.0001))
        rows.append(row("pricelake_hardly", column, own + 4e-4))
    variants = {
        "bad": {"demand": {"trait_sd": 1.0}},
        "same_thing": {"training": {"seed": 18}},
        "hardly": {"demand": {"trait_sd": 0.1}},
    }
    record = {"rows": rows, "settings": {"variants": variants}, "command": "pricelake score", "commit": "abc"}
    path, out = tmp_path / "scoreboard.json", tmp_path / "ablations.md"
    path.write_text(json.dumps(record | {"started_at": "2026-01-02T00:00:00", "seconds": 60.0}))
    assert ablations.main(path, out) == 0
    lines = out.read_text().splitlines()
    bad = next(line for line in lines if line.startswith("| bad | `{demand: {trait_sd: 1.0}}` |"))
    assert bad.count("**+0.") == len(ablations.FIGURES)
    same = next(line for line in lines if line.startswith("| same thing | `{training: {seed: 18}}` |"))
    hardly = next(line for line in lines if line.startswith("| hardly |"))
    assert "**" not in same + hardly
    assert all(len(line) <= 132 for line in lines if not line.startswith("|"))
    linked = [line.partition("](")[2].rstrip(")") for line in lines if line.startswith("- ")]
    assert linked == [f"decisions/{name}.md" for name in ablations.ELSEWHERE.values()]
    assert all((ablations.PAGE.parent / path).is_file() for path in linked)


def record_of(folder: Path, rows: list[dict[str, Any]]) -> Path:
    """A record of one variant, which is called still."""
    path = folder / "scoreboard.json"
    known = {"command": "pricelake score", "commit": "abc", "started_at": "2026-01-02T00:00:00", "seconds": 60.0}
    path.write_text(json.dumps(known | {"rows": rows, "settings": {"variants": {"still": {"demand": {"l2": 9.0}}}}}))
    return path


def promising(contender: str, promises: dict[str, float]) -> list[dict[str, Any]]:
    """Rows of all columns, 0.5 where no promise says otherwise; shares of sizes that differ between seeds."""
    sizes = np.linspace(1.0, 2.0, 10)
    return [row(contender, column, promises.get(column, 0.5) * sizes, sizes) for column in ablations.FIGURES]


def test_what_is_promised_stands_in_columns_of_its_own(tmp_path: Path) -> None:
    rows = promising("pricelake", {"promise slope": 0.8, "90 % coverage": 0.9})
    rows += promising("pricelake_still", {"promise slope": 0.55, "90 % coverage": 0.92})
    assert ablations.main(record_of(tmp_path, rows), tmp_path / "page.md") == 0
    lines = (tmp_path / "page.md").read_text().splitlines()
    head = next(line for line in lines if line.startswith("| variant |"))
    assert head.endswith("| capture, 4 weeks | promise slope | 90 % coverage |")
    assert next(line for line in lines if line.startswith("| all parts |")).endswith("| 0.500 | 0.800 | 0.900 |")
    still = next(line for line in lines if line.startswith("| still |"))
    assert still.endswith("| +0.000 ± 0.000 | **-0.250 ± 0.000** | **+0.020 ± 0.000** |")


def test_a_variant_that_promises_nothing_has_a_dash_and_one_of_other_seeds_no_interval(tmp_path: Path) -> None:
    rows = promising("pricelake", {})
    rows += [one for one in promising("pricelake_still", {"promise slope": 0.75}) if one["figure"] != "coverage_90"]
    del rows[-1]["amounts"]["9"]
    assert ablations.main(record_of(tmp_path, rows), tmp_path / "page.md") == 0
    still = next(line for line in (tmp_path / "page.md").read_text().splitlines() if line.startswith("| still |"))
    assert still.endswith("| +0.250 | – |")


def test_only_promises_may_be_absent_of_a_variant(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = promising("pricelake", {})
    rows += [one for one in promising("pricelake_still", {}) if one["figure"] != "capture"]
    assert ablations.main(record_of(tmp_path, rows), tmp_path / "page.md") == 1
    assert "says nothing of profit_capture.capture of pricelake_still." in capsys.readouterr().err
    rows = [one for one in promising("pricelake", {}) if one["figure"] != "slope"]
    assert ablations.main(record_of(tmp_path, rows), tmp_path / "page.md") == 1
    assert "says nothing of promise.slope of pricelake." in capsys.readouterr().err


def test_a_figure_that_was_not_measured_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "scoreboard.json"
    path.write_text(json.dumps({"rows": [], "settings": {"variants": {}}, "command": "x"}))
    assert ablations.main(path, tmp_path / "page.md") == 1
    assert "says nothing of own_price_bias.mean of pricelake. Run 'make ablations' again." in capsys.readouterr().err
    assert not (tmp_path / "page.md").exists()
