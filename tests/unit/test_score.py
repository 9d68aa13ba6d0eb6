"""The scoreboard's settings and twins."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pricelake.errors import SettingsError
from pricelake.evaluation.contenders.interface import Feasible, History
from pricelake.evaluation.rows import FIGURES, Measured, Setting
from pricelake.evaluation.scoring.newcomers import HELD_WEEKS
from pricelake.evaluation.scoring.stage import MOVES, Stage
from pricelake.settings.loading import load_file, validate
from pricelake.settings.scoreboard import (
    COLD_START_WEEKS,
    DEVELOPMENT_SEEDS,
    REPORTED_SEEDS,
    SPENT_SEEDS,
    Case,
    ScoreboardFile,
    ScoreboardSettings,
)
from pricelake.settings.simulation import Switches
from pricelake.workflows.job import SilentReporter
from pricelake.workflows.scoreboard import score
from pricelake.workflows.scoreboard.case import Judged, rivals
from pricelake.workflows.scoreboard.kept import FOLDER
from pricelake.workflows.scoreboard.rounds import BUILT_IN, CONFOUNDING, Round, rounds_of, twins_of
from pricelake.workflows.scoreboard.score import movements

ROOT = Path(__file__).parents[2]
CONFIGURATION = ROOT / "conf/scoreboards"
LOOKED_AT = range(DEVELOPMENT_SEEDS.stop, 1410)
"""Seeds that were looked at while rivals and models still changed. The end only ever rises."""


@pytest.mark.parametrize("path", sorted(CONFIGURATION.glob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_scoreboards_are_valid(path: Path) -> None:
    settings = load_file(ScoreboardFile, path).scoreboard
    for case in settings.cases:
        shop = settings.simulation(case)
        assert (shop.seed, shop.branches) == (settings.first_seed, settings.seeds)
        assert shop.switches.on() == [name for name, _ in shop.switches if name in case.switches]


def test_only_the_full_scoreboard_shows_reported_seeds_and_none_that_was_looked_at() -> None:
    def seeds(name: str) -> set[int]:
        settings = load_file(ScoreboardFile, CONFIGURATION / f"{name}.yaml").scoreboard
        return set(range(settings.first_seed, settings.first_seed + settings.seeds))

    assert seeds("full") <= set(REPORTED_SEEDS) - set(LOOKED_AT)
    assert seeds("quick") <= set(DEVELOPMENT_SEEDS)
    assert set(LOOKED_AT) == set(SPENT_SEEDS)
    page = (ROOT / "docs/scoreboard.md").read_text()
    for span in (DEVELOPMENT_SEEDS, SPENT_SEEDS, seeds("full")):
        assert f"| {min(span)}–{max(span)} |" in page


def test_whoever_names_no_seed_looks_at_none_that_is_reported() -> None:
    usual = ScoreboardSettings(cases=[Case(name="a")])
    assert set(range(usual.first_seed, usual.first_seed + usual.seeds)) <= set(DEVELOPMENT_SEEDS)
    for path in CONFIGURATION.glob("*.yaml"):
        assert "first_seed" in load_file(ScoreboardFile, path).scoreboard.model_fields_set, path
    page = (ROOT / "docs/scoreboard.md").read_text()
    assert f"| `first_seed`, `seeds` | {usual.first_seed}, {usual.seeds} |" in page


@pytest.mark.parametrize(
    ("scoreboard", "message"),
    [
        ({"cases": [{"name": "a", "switches": ["gravity"]}]}, "no such switch: gravity; known: confounding_visible"),
        ({"cases": [{"name": "a"}, {"name": "a"}]}, "case names must be unique, given twice: a"),
        ({}, "a scoreboard needs cases, markets or both"),
        ({"cases": [{"name": "a", "shop": {"produce": 3}}]}, "case a: produce: Extra inputs are not permitted"),
        ({"cases": [{"name": "a"}], "weeks": [4, 1]}, "weeks must rise"),
        ({"cases": [{"name": "a"}], "contenders": ["mine.py"]}, "contenders"),
        (
            {"cases": [{"name": "a", "switches": ["sold_out", "cross_effects", "sold_out"]}]},
            "switches are named once each, named twice: sold_out",
        ),
        (
            {"cases": [{"name": "a", "shop": {"seed": 3, "products": 8, "switches": {}}}]},
            r"shop of case a may not set seed \(belongs in scoreboard.first_seed\), switches \(belongs in the case's",
        ),
        *(
            ({"cases": [{"name": "a", "shop": {key: value}}]}, f"shop of case a may not set {key} ")
            for key, value in (("branches", 2), ("instruments", "weak"), ("sold_out_rate", 0.2))
        ),
        *(
            ({"cases": [{"name": "a"}], "shop": {key: value}}, f"scoreboard.shop may not set {key} ")
            for key, value in (("seed", 3), ("branches", 2), ("switches", {}), ("instruments", "weak"))
        ),
        (
            {
                "cases": [
                    {"name": "a", "switches": ["sold_out", "cross_effects"]},
                    {"name": "b", "switches": ["cross_effects", "sold_out"], "parts": ["recommendation"]},
                ]
            },
            "cases a and b are the same shop .* measured twice",
        ),
        ({"cases": [{"name": "a"}, {"name": "b", "sold_out_rate": 0.1}]}, "cases a and b are the same shop"),
        (
            {"cases": [{"name": "a"}], "shop": {"future_weeks": 12}},
            "weeks reach to 13, but the shop of case a has future_weeks 12",
        ),
        (
            {"cases": [{"name": "a"}, {"name": "b", "shop": {"future_weeks": 5}}], "weeks": [6]},
            "weeks reach to 6, but the shop of case b has future_weeks 5",
        ),
        (
            {"cases": [{"name": "a", "parts": ["cold_start"]}]},
            "case a measures cold_start, but its shop has no newcomers",
        ),
        (
            {
                "weeks": [1],
                "cases": [{"name": "a", "parts": ["cold_start"], "shop": {"newcomers": [0, 2], "future_weeks": 3}}],
            },
            "case a measures cold_start over 4 weeks, but its shop has future_weeks 3",
        ),
        (
            {"cases": [{"name": "a"}], "first_seed": 998, "seeds": 3},
            r"seeds 998–1000 mix those for development \(0–999\)",
        ),
    ],
)
def test_what_cannot_be_run_is_refused(scoreboard: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        validate(ScoreboardFile, {"scoreboard": scoreboard}, "here")


@pytest.mark.parametrize(
    "scoreboard",
    [
        {"cases": [{"name": "a"}, {"name": "b", "shop": {"products": 8}}, {"name": "c", "sold_out_rate": 0.2}]},
        {"cases": [{"name": "a"}], "shop": {"future_weeks": 4, "sold_out_rate": 0.2}, "weeks": [1, 4]},
        {
            "cases": [{"name": "a", "parts": ["cold_start"]}],
            "shop": {"future_weeks": 4, "newcomers": [0]},
            "weeks": [4],
        },
        {"cases": [{"name": "a"}], "first_seed": 998, "seeds": 2},
        {"cases": [{"name": "a"}], "first_seed": 1000, "seeds": 1},
    ],
)
def test_what_lies_just_within_the_limits_is_run(scoreboard: dict[str, Any]) -> None:
    assert validate(ScoreboardFile, {"scoreboard": scoreboard}, "here").scoreboard.cases


def test_settings_and_evaluation_agree_on_the_weeks_of_a_cold_start() -> None:
    assert COLD_START_WEEKS == HELD_WEEKS


MARKET = """
class {name}:
    name = {called!r}
    shop = as_of = None

    def offers(self): ...
    def expected_units(self, prices, market, period, context): ...
    def unit_costs(self, market, period): ...
"""
POLICY = """
class {name}:
    name = {called!r}

    def propose(self, history, feasible): ...
"""


def own_classes(path: Path, template: str, *called: Any) -> list[str]:
    path.write_text("".join(template.format(name=f"C{number}", called=name) for number, name in enumerate(called)))
    return [f"{path}:C{number}" for number in range(len(called))]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs a scoreboard of settings whose cases are never opened; gives the names of what would be judged."""
    monkeypatch.setattr(score, "code_version", lambda: "1.0+abc")

    def judge(*_: Any, **__: Any) -> Any:
        raise AssertionError("nothing may run")

    def ran(**settings: Any) -> Any:
        made = ScoreboardSettings(**({"rules": ROOT / "conf/rules/scoreboard.yaml"} | settings))
        return score.score(None, made, tmp_path / "shops", "test", SilentReporter())  # type: ignore[arg-type]

    monkeypatch.setattr(score, "judge_round", judge)
    return ran


@pytest.mark.parametrize("called", ["", "/x", "..", ".", FOLDER, "Mine", "a/b", "fine\n", "é", None])
def test_a_market_whose_name_is_no_safe_folder_is_refused(tmp_path: Path, run: Any, called: Any) -> None:
    with pytest.raises(SettingsError, match="A market's name has lower-case letters, digits, spaces and _"):
        run(markets=own_classes(tmp_path / "own.py", MARKET, called))


def test_markets_and_cases_have_names_of_their_own(tmp_path: Path, run: Any) -> None:
    one, same = own_classes(tmp_path / "own.py", MARKET, "my market", "my_market")
    with pytest.raises(SettingsError, match=r"own\.py:C1 is named 'my_market', like another case or market"):
        run(markets=[one, same])
    with pytest.raises(SettingsError, match=r"own\.py:C0 is named 'my_market', like another case or market"):
        run(markets=[one], cases=[Case(name="my_market")])
    with pytest.raises(AssertionError, match="nothing may run"):
        run(markets=[one], cases=[Case(name="another")])


def market_with(path: Path, *stated: str) -> str:
    path.write_text(MARKET.format(name="Mine", called="mine") + "".join(f"    {line}\n" for line in stated))
    return f"{path}:Mine"


def test_a_market_says_what_makes_it_hard_and_of_what_kind_its_instruments_are(tmp_path: Path) -> None:
    said = market_with(tmp_path / "said.py", "switches = ['sold_out', 'cross_effects']", "instruments = 'weak'")
    (one,) = rounds(markets=[said])
    assert one.setting == Setting(("cross_effects", "sold_out"), "weak", case="mine")
    (silent,) = rounds(markets=[market_with(tmp_path / "silent.py")])
    assert silent.setting == Setting((), "none", case="mine")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (
            "switches = ['gravity']",
            "has the switches ['gravity']: a list of what makes the market hard, each once, of ",
        ),
        ("switches = ('sold_out',) * 2", "has the switches ('sold_out', 'sold_out'): a list of what makes"),
        ("switches = 'sold_out'", "has the switches 'sold_out': a list of what makes the market hard"),
        ("instruments = 'good'", "has the instruments 'good': they are strong, weak, none."),
    ],
)
def test_difficulties_that_the_scoreboard_does_not_know_are_refused_before_anything_runs(
    tmp_path: Path, run: Any, line: str, told: str
) -> None:
    with pytest.raises(SettingsError, match=re.escape(told)):
        run(markets=[market_with(tmp_path / "own.py", line)])


def test_no_case_can_be_named_like_the_folder_of_judged_cases() -> None:
    with pytest.raises(ValueError, match="pattern"):
        Case(name=FOLDER)


@pytest.mark.parametrize(
    ("called", "message"),
    [
        (["mlp"], "own.py:C0 is named 'mlp', like another contender"),
        (["pricelake"], "is named 'pricelake', like another contender"),
        (["oracle"], "is named 'oracle', like another contender"),
        (["popularity"], "is named 'popularity', like another contender"),
        (["mine", "mine"], "own.py:C1 is named 'mine', like another contender"),
        (["  "], "has the name '  ': a contender's name is text that is not empty"),
        ([None], "has the name None: a contender's name is text"),
    ],
)
def test_contenders_have_names_of_their_own_before_anything_runs(
    tmp_path: Path, run: Any, called: list[Any], message: str
) -> None:
    with pytest.raises(SettingsError, match=message):
        run(cases=[Case(name="a")], contenders=own_classes(tmp_path / "own.py", POLICY, *called))


def test_variants_are_contenders_too(tmp_path: Path, run: Any) -> None:
    (own,) = own_classes(tmp_path / "own.py", POLICY, "pricelake_calm")
    calm: dict[str, Any] = {"calm": {"demand": {"trait_sd": 0.2}}}
    with pytest.raises(SettingsError, match="named 'pricelake_calm', like another contender"):
        run(cases=[Case(name="a")], contenders=[own], variants=calm)
    with pytest.raises(SettingsError, match="variant calm has 1 problem"):
        run(cases=[Case(name="a")], variants={"calm": {"demand": {"traits": 0.2}}})
    with pytest.raises(ValueError, match="pricelake is off"):
        run(cases=[Case(name="a")], variants=calm, pricelake=False)
    with pytest.raises(AssertionError, match="nothing may run"):
        run(cases=[Case(name="a")], variants=calm)


def test_contenders_of_different_names_are_run(tmp_path: Path, run: Any) -> None:
    with pytest.raises(AssertionError, match="nothing may run"):
        run(cases=[Case(name="a")], contenders=own_classes(tmp_path / "own.py", POLICY, "mine", "yours"))


def test_rules_that_cannot_be_used_are_said_before_anything_runs(tmp_path: Path, run: Any) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text("name: bare\nrules: [{name: few, kind: history, min_sold_periods: 8}]\n")
    with pytest.raises(SettingsError, match="bare"):
        run(cases=[Case(name="a")], rules=rules)
    with pytest.raises(SettingsError, match="does not exist"):
        run(cases=[Case(name="a")], rules=tmp_path / "none.yaml")


def stage_of(offers: pd.DataFrame) -> Stage:
    closed = pd.DataFrame({"period_start": [1, 1, 2, 3], "units": 5.0})
    history = History(closed, pd.DataFrame(), offers, pd.Series(dtype=float), pd.DataFrame())
    return Stage(None, history, Feasible(np.ones((len(offers), 1))), Setting(("sold_out",), "weak"))  # type: ignore[arg-type]


def test_the_names_of_the_scoreboards_own_contenders_are_those_of_its_rivals() -> None:
    names = [one.name for one in rivals(stage_of(pd.DataFrame()))]
    assert sorted([*names, "pricelake", "oracle", "popularity"]) == sorted(BUILT_IN)


def test_sizes_in_the_record_are_of_one_seed() -> None:
    offers = pd.DataFrame(
        {
            "product_id": ["p0", "p0", "p1", "p2", "p3", "p4"],
            "market_id": ["m0", "m1", "m0", "m2", "m2", "m2"],
            "category": ["c0", "c0", "c1", "c2", "c3", "c4"],
            "seed": [7, 7, 7, 8, 8, 8],
        }
    )
    truth = {"own_truth": (np.ones((6, len(MOVES))), np.linspace(-3.0, -2.0, len(MOVES)) * np.ones((6, 1)))}
    truth["own_truth"][1][0] = np.nan  # not sold at any price
    one = Round("a", Setting(("sold_out",), "weak", case="a"), ("after_change",), True, lambda _: None)  # type: ignore[arg-type,return-value]
    told = {"name": "a", "switches": ["sold_out"], "instruments": "weak", "sold_out_rate": None, "usual_shop": True}
    sizes = {"products": 2, "categories": 2, "markets": 2, "weeks": 3}
    rest = {"parts": ["after_change"], "seeds": [7, 8], "possible_gain": None, "simulated": False}
    stage = stage_of(offers)
    vars(stage).update(truth)
    facts = score.facts_of(stage, one)
    assert facts.pop("true_elasticity") == pytest.approx(-2.5)  # at the price in force, the middle one
    assert facts == told | sizes | rest
    # a market of one's own without seeds is one world, on no seed of the scoreboard's
    stage = stage_of(offers.drop(columns="seed"))
    vars(stage).update(own_truth=(truth["own_truth"][0], np.full((6, len(MOVES)), np.nan)))
    whole = score.facts_of(stage, one)
    assert whole["true_elasticity"] is None
    assert (whole["products"], whole["markets"], whole["seeds"]) == (5, 3, None)


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
    assert measured | {"run", "identification"} == set(FIGURES)  # these two need no part of their own
    promising = next(case for case in settings.cases if "promise" in case.parts)
    shop = settings.simulation(promising)
    assert shop.categories * shop.branches >= 200


def rounds(*cases: Case, **settings: Any) -> list[Round]:
    return rounds_of(None, ScoreboardSettings(cases=list(cases), **settings), SilentReporter())  # type: ignore[arg-type]


def test_every_case_stands_under_its_name_and_its_share_of_weeks_sold_out() -> None:
    wide = Case(name="c", switches=["sold_out"], sold_out_rate=0.4, shop={"products": 80})
    found = rounds(Case(name="a"), Case(name="b", switches=["sold_out"]), wide, shop={"sold_out_rate": 0.2})
    assert [(one.setting, one.is_usual) for one in found] == [
        (Setting((), "strong", case="a"), True),
        (Setting(("sold_out",), "strong", sold_out_rate=0.2, case="b"), True),
        (Setting(("sold_out",), "strong", sold_out_rate=0.4, case="c"), False),
    ]


def test_twins_differ_in_nothing_but_confounding_and_are_of_the_usual_make() -> None:
    both, hidden = ["confounding_visible", "confounding_hidden"], ["confounding_hidden"]
    found = rounds(
        Case(name="everything", switches=[*both, "sold_out"]),
        Case(name="calm", switches=["sold_out"]),
        Case(name="calm_40", switches=["sold_out"], sold_out_rate=0.4),
        Case(name="everything_20", switches=[*both, "sold_out"], sold_out_rate=0.2),
        Case(name="hidden", switches=hidden),
        Case(name="none"),
        Case(name="weak", switches=hidden, instruments="weak"),
        Case(name="wide", switches=hidden, shop={"products": 80}),
    )
    assert twins_of(found) == {"everything": "calm", "hidden": "none"}


def test_movement_is_between_twins() -> None:
    def bias(case: str, seed: int, value: float, contender: str = "a") -> Measured:
        switches = ("confounding_hidden", "sold_out") if case == "on" else ("sold_out",)
        return Measured("own_price_bias", "mean", contender, Setting(switches, "strong", case=case), seed, value)

    told = [bias("on", 1, 0.9), bias("calm", 1, 0.2), bias("on", 2, 0.5), bias("calm", 2, 0.1, "b"), bias("no", 1, 7)]
    (found,) = movements(told, {"on": "calm"}, set())
    assert (found.contender, found.setting, found.seed) == ("a", told[0].setting, 1)
    assert found.value == pytest.approx(0.7)
    assert movements(told, {}, set()) == []


def test_the_movement_of_a_model_that_is_flat_on_either_twin_is_not_told() -> None:
    def bias(case: str, contender: str, seed: int) -> Measured:
        switches = ("confounding_hidden", "sold_out") if case == "on" else ("sold_out",)
        return Measured("own_price_bias", "mean", contender, Setting(switches, "strong", case=case), seed, 2.5)

    names = ("learns", "fails", "flattens", "flat_elsewhere")
    told = [bias(case, name, seed) for case in ("on", "calm") for name in names for seed in (1, 2)]
    flat = {("on", "fails"), ("calm", "flattens"), ("other", "flat_elsewhere"), ("calm", "nobody")}
    rows = {row.contender: row.as_dict() for row in score.summarise(movements(told, {"on": "calm"}, flat))}
    assert {name: (row["mean"], row["seeds"]) for name, row in rows.items()} == {
        "learns": (0.0, 2),
        "fails": (None, 0),
        "flattens": (None, 0),
        "flat_elsewhere": (0.0, 2),
    }
    assert rows["fails"]["by_seed"] == {"1": None, "2": None}


KEY = ("section", "figure", "contender", "case", "weeks", "group")


def test_the_rows_of_a_record_are_unique_under_the_documented_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The full scoreboard's cases, with a figure of each of their sections on two seeds."""
    settings = load_file(ScoreboardFile, CONFIGURATION / "full.yaml").scoreboard
    settings = settings.model_copy(update={"rules": ROOT / "conf/rules/scoreboard.yaml"})

    def judge(_spark: Any, _settings: Any, _rules: Any, one: Round, place: Path, _reporter: Any) -> Any:
        place.mkdir(parents=True)
        told = [
            Measured(part, FIGURES[part][0], "pricelake", replace(one.setting, weeks=weeks), seed, 0.5)
            for part in one.parts
            for weeks in (None, 4)
            for seed in (1, 2)
        ]
        flat = ["pricelake"] if one.name == "weak_instruments" else []
        return Judged(told, [], [], flat=flat), {"name": one.name, "seconds": 1.0}

    monkeypatch.setattr(score, "judge_round", judge)
    record = score.score(None, settings, tmp_path, "test", SilentReporter())  # type: ignore[arg-type]
    rows = record["rows"]
    keys = [tuple(row.get(name) for name in KEY) for row in rows]
    assert len(set(keys)) == len(keys) > 2 * len(settings.cases)
    assert {row["case"] for row in rows} == {case.name for case in settings.cases}
    moved = {row["case"]: row["mean"] for row in rows if row["figure"] == "movement"}
    assert (moved["everything"], moved["weak_instruments"]) == (0.0, None)
    assert record["flat"] == [{"case": "weak_instruments", "contender": "pricelake"}]
    rates = {row["case"]: row["sold_out_rate"] for row in rows if "sold_out" in row["switches"]}
    assert (rates["everything"], rates["sold_out_0"], rates["sold_out_40"]) == (0.1, 0.0, 0.4)
    assert not any("sold_out_rate" in row for row in rows if "sold_out" not in row["switches"])
    assert f"`{'`, `'.join(KEY[:-1])}` and `{KEY[-1]}`" in " ".join((ROOT / "docs/scoreboard.md").read_text().split())
