"""What the scoreboard runs: sizes, seeds and cases."""

from typing import Annotated

from pydantic import Field, model_validator

from pricelake.settings.sections import Count, Section, SparkSettings
from pricelake.settings.simulation import Instruments, SimulationSettings, Switches

DEVELOPMENT_SEEDS = range(0, 1000)
REPORTED_SEEDS = range(1000, 2000)


class Case(Section):
    """One kind of shop that contenders are judged on."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9_]+$")]
    switches: list[str] = Field(default=[], description="what is switched on; the rest is off")
    instruments: Instruments = "strong"
    sold_out_rate: float | None = Field(default=None, ge=0.0, le=0.6, description="None: the usual rate")

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
    weeks: tuple[Count, ...] = (1, 4, 13)
    cases: Annotated[list[Case], Field(min_length=1)]

    def simulation(self, case: Case) -> SimulationSettings:
        """The shop of a case."""
        switches = Switches(**{name: name in case.switches for name in Switches.model_fields})
        changed = {
            "seed": self.first_seed,
            "branches": self.seeds,
            "switches": switches,
            "instruments": case.instruments,
        }
        if case.sold_out_rate is not None:
            changed["sold_out_rate"] = case.sold_out_rate
        return self.shop.model_copy(update=changed)


class ScoreboardFile(Section):
    """A settings file of ``pricelake score``."""

    spark: SparkSettings = SparkSettings()
    scoreboard: ScoreboardSettings
