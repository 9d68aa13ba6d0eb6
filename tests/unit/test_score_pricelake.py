"""PriceLake as a contender: its curves and prices in small frames, jobs that fail, its customers' pseudonyms."""

import hashlib
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pricelake.errors import PriceLakeError, SettingsError, TrainingError
from pricelake.evaluation.contenders.interface import Feasible, History
from pricelake.evaluation.rows import Setting, summarise
from pricelake.evaluation.scoring.effort import Effort
from pricelake.evaluation.scoring.fits import run
from pricelake.evaluation.scoring.stability import REFITS, stability
from pricelake.evaluation.scoring.stage import Stage, enter
from pricelake.report.scoreboard.claims import CLAIMS
from pricelake.settings import Settings
from pricelake.settings.rules import load_rules
from pricelake.sources import pseudonym_of
from pricelake.workflows.job import SilentReporter
from pricelake.workflows.scoreboard import again
from pricelake.workflows.scoreboard import shop as scored_shop
from pricelake.workflows.scoreboard.pricelake import CURVE, KEY, SHARED, UPLIFT, PriceLakeCurves
from pricelake.workflows.scoreboard.shop import MODEL_JOBS, ScoredShop, run_shop, told

ROOT = Path(__file__).parents[2]
OFFERS = pd.DataFrame(
    {
        "product_id": ["b", "a", "c", "d"],
        "market_id": ["m0", "m1", "m0", "m1"],
        "category": "x",
        "price_now": [2.0, 3.0, 4.0, 5.0],
        "unit_cost": 1.0,
        "seed": [7, 8, 7, 8],
    }
)
HISTORY = History(pd.DataFrame(), pd.DataFrame(), OFFERS, pd.Series(dtype=float), pd.DataFrame())


def by_offer(columns: tuple[str, ...], rows: dict[tuple[str, str], tuple[float, ...]]) -> pd.DataFrame:
    """In another order than the offers."""
    return pd.DataFrame.from_dict(
        dict(sorted(rows.items())), orient="index", columns=list(columns), dtype=float
    ).set_index(pd.MultiIndex.from_tuples(sorted(rows), names=KEY))


# constant elasticities 2 and 3, a bent curve, and none for d
CURVES = by_offer(
    CURVE,
    {
        ("a", "m1"): (3.0, np.log(10.0), 2.0, 2.0, 0.0, 5.0, 0.5),
        ("b", "m0"): (2.0, np.log(20.0), 3.0, 3.0, 0.0, 5.0, 0.6),
        ("c", "m0"): (4.0, np.log(30.0), 1.0, 3.0, 0.1, 4.0, 0.2),
    },
).assign(identification=["weak", "instruments", "discounts"])
DECIDED = by_offer(
    ("price_recommended", *UPLIFT, *SHARED),
    {
        ("a", "m1"): (3.19, 0.5, -0.5, 1.5, 0.3, 0.4, 0.2),
        ("b", "m0"): (1.99, 2.0, 1.0, 4.0, -0.05, -0.12, -0.6),
        ("c", "m0"): (np.nan,) * 7,
    },
)


def contender(**changes: Any) -> PriceLakeCurves:
    return PriceLakeCurves(**{"curves": CURVES, "decided": DECIDED, "interval_rate": 0.8, "effort": None} | changes)


def fitted(**changes: Any) -> PriceLakeCurves:
    made = contender(**changes)
    made.fit(HISTORY)
    return made


def test_units_are_those_of_each_offers_own_curve_in_closed_form() -> None:
    prices = np.array([[2.0, 2.2], [3.0, 2.7], [4.0, 4.8], [5.0, 5.5]])
    units = fitted().units(prices)
    assert units[0] == pytest.approx([20.0, 20.0 * 1.1**-3.0])
    assert units[1] == pytest.approx([10.0, 10.0 * 0.9**-2.0])
    ratio = np.log(1.2)
    rise = np.log1p(np.exp(4.0 * (ratio - 0.1))) - np.log1p(np.exp(-4.0 * 0.1))
    assert units[2] == pytest.approx([30.0, 30.0 * np.exp(-(ratio + 2.0 / 4.0 * rise))])
    assert np.isnan(units[3]).all()


def test_prices_come_in_the_order_of_the_offers_and_a_held_one_stays() -> None:
    prices = fitted().propose(HISTORY, Feasible(OFFERS[["price_now"]].to_numpy()))
    assert prices.tolist() == [1.99, 3.19, 4.0, 5.0]


@pytest.mark.parametrize(("rate", "reach"), [(0.8, 1.2815515655446004), (0.9, 1.6448536269514722)])
def test_gains_are_the_stated_uplift_with_the_deviation_of_its_interval(rate: float, reach: float) -> None:
    gain, deviation, shared = fitted(interval_rate=rate).gains()
    assert gain[:2].tolist() == [2.0, 0.5]
    assert deviation[:2] == pytest.approx([1.5 / reach, 1.0 / reach])  # half of the interval's width over its reach
    assert shared[:, 0].tolist() == [-0.05, -0.12, -0.6]
    assert shared[:, 1].tolist() == [0.3, 0.4, 0.2]
    for part in (gain, deviation, *shared):
        assert np.isnan(part[2:]).all()


def test_limits_are_those_of_the_curve_at_the_price_in_force() -> None:
    deviation, is_weak = fitted(curves=CURVES.assign(reference_price=[3.0, 2.0, 5.0])).elasticity_limits()
    sizes = [1.0 + 2.0 / (1.0 + np.exp(-4.0 * (u - 0.1))) for u in (np.log(4.0 / 5.0), 0.0)]
    assert deviation[:3] == pytest.approx([0.6, 0.5, 0.2 * sizes[0] / sizes[1]])
    assert np.isnan(deviation[3])
    assert is_weak.tolist() == [False, True, False, False]


def test_nothing_can_be_asked_before_the_offers_are_known() -> None:
    for ask in (lambda one: one.units(np.ones((4, 1))), lambda one: one.gains()):
        with pytest.raises(ValueError, match="fit the model first"):
            ask(contender())


def stage() -> Stage:
    return Stage(None, HISTORY, Feasible(OFFERS[["price_now"]].to_numpy()), Setting((), "strong"))  # type: ignore[arg-type]


def test_jobs_that_failed_fail_the_contender_and_what_they_took_is_kept() -> None:
    none, effort = pd.DataFrame(), Effort(3.0, 40.0)
    failed = contender(curves=none, decided=none, effort=effort, error="Gate 2 was not passed.")
    with pytest.raises(PriceLakeError, match=r"^Gate 2 was not passed\.$"):
        failed.fit(HISTORY)
    one = enter(failed, stage())
    assert one.error is not None
    assert "Gate 2 was not passed." in one.error
    assert one.effort == effort
    assert one.failed.all()
    assert one.prices.tolist() == OFFERS["price_now"].tolist()


def test_one_measurement_of_all_seeds_is_told_once_and_has_no_interval() -> None:
    rows = summarise(run(stage(), enter(contender(effort=Effort(6.0, 512.0)), stage())))
    assert [(row.figure, row.seeds, row.mean) for row in rows] == [
        ("failed_fits", 2, 0.5),  # d, of the second seed, has no curve
        ("seconds", 1, 6.0),
        ("peak_memory_mb", 1, 512.0),
    ]
    assert all(row.as_dict()["low"] is None and row.as_dict()["high"] is None for row in rows[1:])


@pytest.mark.parametrize(
    ("key", "value", "pseudonym"),
    [  # RFC 4231, test cases 1, 2 and 6
        (b"\x0b" * 20, "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
        (b"Jefe", "what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
        (
            b"\xaa" * 131,
            "Test Using Larger Than Block-Size Key - Hash Key First",
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
        ),
    ],
)
def test_a_pseudonym_is_the_hmac_of_the_standard(key: bytes, value: str, pseudonym: str) -> None:
    assert pseudonym_of(key, value) == pseudonym
    block = (hashlib.sha256(key).digest() if len(key) > 64 else key).ljust(64, b"\0")  # RFC 2104
    inner = hashlib.sha256(bytes(b ^ 0x36 for b in block) + value.encode()).digest()
    assert hashlib.sha256(bytes(b ^ 0x5C for b in block) + inner).hexdigest() == pseudonym


@dataclass(frozen=True)
class Jobs:
    """What stands in for the jobs."""

    ran: list[str]
    raises: dict[str, BaseException]

    def run(self, name: str, *_: Any) -> None:
        self.ran.append(name)
        if name in self.raises:
            raise self.raises[name]


def shop_of(folder: Path, monkeypatch: pytest.MonkeyPatch, jobs: Jobs, **asked: bool) -> ScoredShop:
    monkeypatch.setattr(scored_shop, "run_job", jobs.run)
    monkeypatch.setattr(scored_shop, "job_entry", lambda _: SimpleNamespace(workflow=lambda: None))
    monkeypatch.setattr(scored_shop, "read_history", lambda *_: HISTORY)
    market: Any = SimpleNamespace(shop=folder / "shop.yaml", as_of=date(2024, 3, 4))
    rules = ROOT / "conf/rules/scoreboard.yaml"
    asked = {"with_model": True, "with_lists": False} | asked
    return run_shop(None, market, rules, folder, SilentReporter(), **asked)  # type: ignore[arg-type]


def test_jobs_that_finish_leave_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = Jobs([], {})
    shop = shop_of(tmp_path, monkeypatch, jobs)
    assert (shop.finished, shop.error) == (MODEL_JOBS, None)
    assert shop.effort is not None
    assert jobs.ran == ["ingest", "build_features", *MODEL_JOBS]


def test_nothing_is_learnt_unless_it_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = Jobs([], {})
    shop = shop_of(tmp_path, monkeypatch, jobs, with_model=False)
    assert (shop.finished, shop.error, shop.effort) == ((), None, None)
    assert jobs.ran == ["ingest", "build_features"]


@pytest.mark.parametrize("judged", [True, False])
def test_what_no_figure_needs_is_not_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, judged: bool) -> None:
    settings = shop_of(tmp_path, monkeypatch, Jobs([], {}), with_lists=judged).settings
    assert (settings.features.sequences, settings.recommender.judge_ranking) == (False, False)
    assert settings.recommender.lists is judged
    page = " ".join((ROOT / "docs/scoreboard.md").read_text().split())
    said = f"{settings.demand.lightgbm_max_rows:,}"
    assert f"its comparison with LightGBM beyond {said.replace(',', ' ')} rows" in page
    assert f"all but {said} rows of its own comparison" in CLAIMS["run"].truth


def test_the_documentation_says_where_the_scored_rules_and_settings_differ_from_the_shipped_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (ROOT / "docs/scoreboard.md").read_text()
    part = page[page.index("### Where the scored PriceLake differs") : page.index("## Settings")]
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in part.splitlines() if line.startswith("|")]
    said = {name.strip("` "): (scored, shipped) for names, scored, shipped, _ in lines for name in names.split(",")}
    scored, shipped = (
        {rule.name: rule for rule in load_rules(ROOT / f"conf/rules/{name}.yaml").rules}
        for name in ("scoreboard", "grocery")
    )
    for name in ("margin_floor", "history"):
        key = "min_margin_rate" if name == "margin_floor" else "min_sold_periods"
        for cell, rules in zip(said[name], (scored, shipped), strict=True):
            assert f"`{key}: {getattr(rules[name], key):g}`" in cell or f"`{key}: {getattr(rules[name], key)}`" in cell
    for cell, rules in zip(said["max_change"], (scored, shipped), strict=True):
        assert cell == f"{rules['max_change'].max_raise_rate:.0%} up and down".replace("%", " %")  # type: ignore[union-attr]
        assert rules["max_change"].max_raise_rate == rules["max_change"].max_lower_rate  # type: ignore[union-attr]
    exclusions = {name for name, rule in shipped.items() if rule.kind == "exclusion"}
    assert set(shipped) - set(scored) - exclusions == {name for name in said if name in shipped} - set(scored)
    settings = shop_of(tmp_path, monkeypatch, Jobs([], {}), with_lists=True).settings
    usual = {"shop": settings.shop, "rules": settings.rules, "lake": settings.lake}
    default = Settings.model_validate(usual | {"training": settings.training, "tracking": settings.tracking})
    differing = {
        f"{section}.{key}": (value, getattr(getattr(default, section), key))
        for section in ("features", "recommender", "demand", "pricing", "quality")
        for key, value in getattr(settings, section)
        if value != getattr(getattr(default, section), key)
    }
    assert set(differing) == {name for name in said if "." in name} - {"recommender.lists"}
    for name, values in differing.items():
        assert said[name] == tuple(
            f"{value:,}".replace(",", " ") if value > 1 else str(value).lower() for value in values
        )


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (TrainingError("sqlite:////a/b/mlflow.db holds no champion."), "mlflow.db holds no champion."),
        (np.linalg.LinAlgError("Singular matrix"), "LinAlgError: Singular matrix"),
    ],
)
def test_whatever_a_job_of_pricelake_raises_is_its_failure_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, message: str
) -> None:
    jobs = Jobs([], {"train_demand": error})
    shop = shop_of(tmp_path, monkeypatch, jobs)
    assert shop.error is not None
    assert shop.error.splitlines()[-1] == message
    assert shop.finished == ("train_recommender",)  # whose recommendations are there to be read
    assert shop.effort is not None
    assert shop.effort.seconds > 0.0
    assert jobs.ran[-1] == "train_demand"
    assert shop.history is HISTORY


@pytest.mark.parametrize(("name", "error"), [("ingest", ValueError("no table")), ("train_demand", KeyboardInterrupt())])
def test_a_shop_without_tables_and_a_user_who_stops_end_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, error: BaseException
) -> None:
    with pytest.raises(type(error)):
        shop_of(tmp_path, monkeypatch, Jobs([], {name: error}))


def stand_in(monkeypatch: pytest.MonkeyPatch, run: Any, read: Any) -> None:
    monkeypatch.setattr(again, "run_job", run)
    monkeypatch.setattr(again, "job_entry", lambda _: SimpleNamespace(workflow=lambda: None))
    monkeypatch.setattr(again, "Lake", lambda *_: None)
    monkeypatch.setattr(again, "read_pricelake", read)


def test_a_variant_is_a_contender_under_its_own_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = shop_of(tmp_path, monkeypatch, Jobs([], {"train_demand": TrainingError("Gate 2 was not passed.")}))
    ran: list[tuple[str, float, int, str]] = []

    def run(name: str, _workflow: Any, _spark: Any, settings: Any, _day: date, _reporter: Any) -> None:
        demand, model = settings.demand, settings.tracking.model_name
        ran.append((name, demand.trait_sd, demand.lightgbm_max_rows, model))

    stand_in(monkeypatch, run, lambda _lake, after, _day: contender(error=after.error, effort=after.effort))
    changes = {"demand": {"trait_sd": 0.2}}
    found = again.variant_of(None, shop, "pricelake_x", changes, SilentReporter())  # type: ignore[arg-type]
    assert (found.name, found.error) == ("pricelake_x", None)  # though PriceLake itself failed
    assert found.effort is not None
    assert found.effort is not shop.effort
    rows, model = shop.settings.demand.lightgbm_max_rows, f"{shop.settings.tracking.model_name}-pricelake_x"
    assert ran == [("train_demand", 0.2, rows, model), ("recommend_prices", 0.2, rows, model)]


def test_a_variant_that_no_settings_allow_is_found_before_anything_runs() -> None:
    again.check_variants({"calm": {"demand": {"trait_sd": 0.2}}})
    with pytest.raises(SettingsError, match=r"variant odd has 1 problem:\n  demand\.traits: "):
        again.check_variants({"odd": {"demand": {"traits": 0.2}}})


def test_jobs_run_again_with_another_seed_and_as_of_a_week_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = shop_of(tmp_path, monkeypatch, Jobs([], {}))
    ran: list[tuple[str, int, int, str, date]] = []

    def run(name: str, _workflow: Any, _spark: Any, settings: Any, day: date, _reporter: Any) -> None:
        seeds = settings.training.seed, settings.recommender.seed
        ran.append((name, *seeds, settings.tracking.model_name, day))
        if (name, day) == ("train_demand", date(2024, 2, 26)):
            raise TrainingError("Gate 2 was not passed.")

    stand_in(monkeypatch, run, lambda _lake, after, day: (after.error, day))
    refits = again.refit_pricelake(None, shop, SilentReporter())  # type: ignore[arg-type]
    now, week_before = date(2024, 3, 4), date(2024, 2, 26)
    seed, tastes = shop.settings.training.seed, shop.settings.recommender.seed
    assert refits == {"seed": (None, now), "week": ("Gate 2 was not passed.", week_before)}
    assert set(refits) == set(REFITS)
    model = shop.settings.tracking.model_name
    assert ran == [
        *((name, seed + 1, tastes + 1, f"{model}-seed", now) for name in ("train_demand", "recommend_prices")),
        *((name, seed, tastes, f"{model}-week", week_before) for name in ("build_features", *MODEL_JOBS[:2])),
    ]


def test_jobs_that_failed_are_not_run_again_and_every_refit_fails_with_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = shop_of(tmp_path, monkeypatch, Jobs([], {"train_demand": TrainingError("Gate 2 was not passed.")}))
    ran: list[str] = []
    none = pd.DataFrame()
    stand_in(
        monkeypatch,
        lambda name, *_: ran.append(name),
        lambda _lake, after: contender(curves=none, decided=none, effort=after.effort, error=after.error),
    )
    refits = again.refit_pricelake(None, shop, SilentReporter())  # type: ignore[arg-type]
    assert (set(refits), ran) == (set(REFITS), [])
    own = enter(contender(curves=none, decided=none, error=shop.error), stage())
    entered = {what: enter(one, stage()) for what, one in refits.items()}
    for one in entered.values():
        assert one.error is not None
        assert "Not learnt again, as it was not learnt once: " in one.error
        assert "Gate 2 was not passed." in one.error
    rows = summarise(stability(stage(), own, entered))
    assert {row.figure: (row.seeds, row.as_dict()["mean"]) for row in rows} == dict.fromkeys(REFITS.values(), (0, None))


def test_a_failure_is_told_in_few_lines_and_without_folders() -> None:
    text = f"cannot read file:/var/lake/gold/part-0.parquet, {ROOT}/libs/x.py or https://a.example/b/c\n"
    try:
        raise OSError(text + "\tat org.apache.Spark\n" * 500)
    except OSError as error:
        lines = told(error).splitlines()
    assert lines[0].startswith("test_score_pricelake.py:")
    assert lines[0].endswith(" in test_a_failure_is_told_in_few_lines_and_without_folders")
    assert lines[1] == "OSError: cannot read part-0.parquet, x.py or https://a.example/b/c"
    assert len(lines) <= 7
