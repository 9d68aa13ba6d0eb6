"""What the scoreboard runs: sizes, seeds and cases."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator

from pricelake.settings.sections import Count, Section, SparkSettings
from pricelake.settings.simulation import Instruments, SimulationSettings, Switches

DEVELOPMENT_SEEDS = range(0, 1000)
REPORTED_SEEDS = range(1000, 2000)

Part = Literal["own_price_bias", "after_change", "profit_capture", "promise", "cold_start", "recommendation"]
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


class ScoreboardSettings(Section):
    """One scoreboard."""

    first_seed: int = Field(default=1000, ge=0, description="0–999 for development, from 1000 on for what is reported")
    seeds: Count = Field(default=10, description="branches of each case's shop")
    shop: SimulationSettings = Field(default_factory=SimulationSettings, description="size; seed and branches are set")
    rules: Path = Field(default=Path("conf/rules/scoreboard.yaml"), description="hard rules, the same for everybody")
    weeks: Annotated[tuple[Count, ...], Field(min_length=1)] = (1, 4, 13)
    cases: list[Case] = []
    markets: list[OwnCode] = Field(default=[], description="markets of one's own, each judged like a case")
    contenders: list[OwnCode] = Field(default=[], description="contenders of one's own")
    pricelake: bool = Field(default=True, description="whether PriceLake itself is trained and judged")

    @model_validator(mode="after")
    def _something_to_judge(self) -> "ScoreboardSettings":
        if not self.cases and not self.markets:
            raise ValueError("a scoreboard needs cases, markets or both")
        names = [case.name for case in self.cases]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"case names must be unique, given twice: {', '.join(twice)}")
        if list(self.weeks) != sorted(set(self.weeks)):
            raise ValueError("weeks must rise")
        for case in self.cases:
            self.simulation(case)
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
