"""What the scoreboard runs: sizes, seeds and cases."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator

from pricelake.settings.sections import Count, Section, SparkSettings
from pricelake.settings.simulation import Instruments, SimulationSettings, Switches

DEVELOPMENT_SEEDS = range(0, 1000)
SPENT_SEEDS = range(1000, 1410)
"""Looked at while rivals and models still changed: nothing is tuned on them, and nothing of them is reported."""
REPORTED_SEEDS = range(1410, 2000)
COLD_START_WEEKS = 4
"""Weeks over which newcomers' profit is counted."""

Part = Literal[
    "own_price_bias", "stability", "after_change", "profit_capture", "promise", "cold_start", "recommendation"
]
VariantName = Annotated[str, Field(pattern=r"^[a-z0-9_]+$")]
VariantSection = Annotated[str, Field(pattern=r"^(demand|training|recommender|pricing)$")]
OwnCode = Annotated[str, Field(pattern=r"^.+\.py:[A-Za-z_]\w*$", description="file.py:Name, called without arguments")]


class Case(Section):
    """One kind of shop that contenders are judged on."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9_]+$")]
    switches: list[str] = Field(default=[], description="what is switched on; the rest is off")
    instruments: Instruments = "strong"
    sold_out_rate: float | None = Field(default=None, ge=0.0, le=0.6, description="None: the usual rate")
    parts: tuple[Part, ...] = Field(
        default=("own_price_bias", "after_change", "profit_capture"), description="sections that are measured"
    )
    shop: dict[str, Any] = Field(default={}, description="what else of the shop differs, by key of a simulation")

    @model_validator(mode="after")
    def _switches_exist(self) -> "Case":
        unknown = sorted(set(self.switches) - set(Switches.model_fields))
        if unknown:
            raise ValueError(f"no such switch: {', '.join(unknown)}; known: {', '.join(Switches.model_fields)}")
        return self

    @model_validator(mode="after")
    def _switches_are_named_once(self) -> "Case":
        twice = _named_twice(self.switches)
        if twice:
            raise ValueError(f"switches are named once each, named twice: {', '.join(twice)}")
        return self

    @model_validator(mode="after")
    def _shop_sets_nothing_that_has_a_key_of_its_own(self) -> "Case":
        places = {"seed": "scoreboard.first_seed", "branches": "scoreboard.seeds"}
        places |= {key: f"the case's {key}" for key in ("switches", "instruments", "sold_out_rate")}
        _refuse_keys(self.shop, places, f"shop of case {self.name}")
        return self


class ScoreboardSettings(Section):
    """One scoreboard."""

    first_seed: int = Field(
        default=0,
        ge=0,
        description="0–999 for development, from 1410 on for what is reported; never both. A reported seed is named, "
        "so that nobody looks at one by leaving the key out",
    )
    seeds: Count = Field(default=10, description="branches of each case's shop")
    shop: SimulationSettings = Field(
        default_factory=SimulationSettings, description="size; seed, branches, switches and instruments are set"
    )
    rules: Path = Field(default=Path("conf/rules/scoreboard.yaml"), description="hard rules, the same for everybody")
    weeks: Annotated[tuple[Count, ...], Field(min_length=1)] = (1, 4, 13)
    cases: list[Case] = []
    markets: list[OwnCode] = Field(default=[], description="markets of one's own, each judged like a case")
    contenders: list[OwnCode] = Field(default=[], description="contenders of one's own")
    pricelake: bool = Field(default=True, description="whether PriceLake itself is trained and judged")
    variants: dict[VariantName, dict[VariantSection, dict[str, Any]]] = Field(
        default={}, description="PriceLake under other settings, by name: what differs; contenders pricelake_<name>"
    )
    rivals: bool = Field(default=True, description="whether the scoreboard's own rivals are judged")

    @model_validator(mode="after")
    def _something_is_judged(self) -> "ScoreboardSettings":
        if not self.cases and not self.markets:
            raise ValueError("a scoreboard needs cases, markets or both")
        return self

    @model_validator(mode="after")
    def _variants_are_of_what_is_judged(self) -> "ScoreboardSettings":
        if self.variants and not self.pricelake:
            raise ValueError("variants are PriceLake under other settings, and pricelake is off")
        return self

    @model_validator(mode="after")
    def _seeds_are_all_for_development_or_none(self) -> "ScoreboardSettings":
        last = self.first_seed + self.seeds - 1
        if (self.first_seed in DEVELOPMENT_SEEDS) != (last in DEVELOPMENT_SEEDS):
            raise ValueError(
                f"seeds {self.first_seed}–{last} mix those for development ({DEVELOPMENT_SEEDS[0]}–"
                f"{DEVELOPMENT_SEEDS[-1]}), on which rivals and models may be tuned, with those that are reported: "
                "change first_seed or seeds"
            )
        return self

    @model_validator(mode="after")
    def _shop_sets_nothing_that_cases_set(self) -> "ScoreboardSettings":
        places = {"seed": "scoreboard.first_seed", "branches": "scoreboard.seeds"}
        places |= {key: f"each case's {key}" for key in ("switches", "instruments")}
        _refuse_keys(self.shop.model_fields_set, places, "scoreboard.shop")
        return self

    @model_validator(mode="after")
    def _case_names_are_unique(self) -> "ScoreboardSettings":
        twice = _named_twice([case.name for case in self.cases])
        if twice:
            raise ValueError(f"case names must be unique, given twice: {', '.join(twice)}")
        return self

    @model_validator(mode="after")
    def _cases_differ(self) -> "ScoreboardSettings":
        known: dict[tuple[object, ...], str] = {}
        for case in self.cases:
            if case.shop:
                continue
            rate = self.shop.sold_out_rate if case.sold_out_rate is None else case.sold_out_rate
            other = known.setdefault((frozenset(case.switches), case.instruments, rate), case.name)
            if other != case.name:
                raise ValueError(
                    f"cases {other} and {case.name} are the same shop (switches, instruments, sold_out_rate) and would "
                    "be measured twice: join their parts in one case"
                )
        return self

    @model_validator(mode="after")
    def _shops_of_cases_can_be_made(self) -> "ScoreboardSettings":
        for case in self.cases:
            self.simulation(case)
        return self

    @model_validator(mode="after")
    def _weeks_rise_within_the_future(self) -> "ScoreboardSettings":
        if list(self.weeks) != sorted(set(self.weeks)):
            raise ValueError("weeks must rise")
        for case in self.cases:
            future = self.simulation(case).future_weeks
            if self.weeks[-1] > future:
                raise ValueError(
                    f"weeks reach to {self.weeks[-1]}, but the shop of case {case.name} has future_weeks {future}: "
                    "beyond them there is no truth"
                )
        return self

    @model_validator(mode="after")
    def _cold_starts_have_newcomers_and_weeks_to_earn(self) -> "ScoreboardSettings":
        for case in self.cases:
            if "cold_start" not in case.parts:
                continue
            shop = self.simulation(case)
            if not shop.newcomers:
                raise ValueError(f"case {case.name} measures cold_start, but its shop has no newcomers")
            if shop.future_weeks < COLD_START_WEEKS:
                raise ValueError(
                    f"case {case.name} measures cold_start over {COLD_START_WEEKS} weeks, but its shop has "
                    f"future_weeks {shop.future_weeks}"
                )
        return self

    def simulation(self, case: Case) -> SimulationSettings:
        """The shop of a case.

        Raises:
            ValueError: the case asks for what a simulation does not know.
        """
        changed: dict[str, Any] = {
            "seed": self.first_seed,
            "branches": self.seeds,
            "switches": {name: name in case.switches for name in Switches.model_fields},
            "instruments": case.instruments,
        }
        if case.sold_out_rate is not None:
            changed["sold_out_rate"] = case.sold_out_rate
        try:
            return SimulationSettings.model_validate(self.shop.model_dump() | changed | case.shop)
        except ValidationError as error:
            said = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
            raise ValueError(f"case {case.name}: {said}") from error


class ScoreboardFile(Section):
    """A settings file of ``pricelake score``."""

    spark: SparkSettings = SparkSettings()
    scoreboard: ScoreboardSettings


def _named_twice(names: Sequence[str]) -> list[str]:
    return sorted({name for name in names if names.count(name) > 1})


def _refuse_keys(given: Iterable[str], places: Mapping[str, str], where: str) -> None:
    """Refuse keys that are set elsewhere and would be overruled or overrule it.

    Args:
        given: keys.
        places: where each key that is refused belongs.
        where: as messages call the section.

    Raises:
        ValueError: one is given.
    """
    refused = [f"{key} (belongs in {places[key]})" for key in sorted(set(given) & set(places))]
    if refused:
        raise ValueError(f"{where} may not set {', '.join(refused)}")
