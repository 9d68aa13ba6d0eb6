"""The simulated shop: its size, what is switched on, and how strong the instruments are."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, model_validator

from pricelake.settings.sections import Count, Rate, Section, SparkSettings

Instruments = Literal["strong", "weak", "none"]


class Switches(Section):
    """What makes a history hard to learn prices from; each on or off with the same random draws."""

    confounding_visible: bool = Field(default=True, description="prices follow demand shocks that the data show")
    confounding_hidden: bool = Field(default=True, description="prices follow demand shocks that no table shows")
    sold_out: bool = Field(default=True, description="stock is finite; what is not in stock is not sold")
    cross_effects: bool = Field(default=True, description="products of a category take sales from each other")
    competitor_reaction: bool = Field(default=True, description="competitors follow the shop's prices a week later")
    forward_buying: bool = Field(default=True, description="a promotion is stocked up on and missed afterwards")

    def on(self) -> list[str]:
        """Names of what is switched on."""
        return [name for name, value in self if value]


class SimulationSettings(Section):
    """One simulated shop; the same settings give the same shop."""

    seed: int = Field(default=1, ge=0)
    branches: Count = Field(
        default=1, description="independent shops in one: the next has the next seed, all else alike"
    )
    products: Annotated[int, Field(ge=2, le=1_000_000)] = Field(default=40, description="of a branch")
    products_per_category: Annotated[int, Field(ge=2, le=200)] = 8
    markets: Count = Field(default=1, description="of a branch")
    weeks: Annotated[int, Field(ge=8, le=520)] = 60
    future_weeks: Annotated[int, Field(ge=0, le=52)] = Field(
        default=13, description="weeks after the history with truth"
    )
    customers: Count = Field(default=2000, description="of a branch")
    views_per_purchase: float = Field(default=2.0, ge=0.0, description="views and searches for each purchase")
    first_week: date = Field(default=date(2023, 1, 2), description="Monday on which the history begins")
    switches: Switches = Switches()
    instruments: Instruments = "strong"
    sold_out_rate: Rate = Field(default=0.1, description="share of product weeks that the seller lets sell out")
    newcomers: tuple[Annotated[int, Field(ge=0)], ...] = Field(
        default=(),
        description="weeks on sale when the history ends, taken in turn by a quarter of each category's products; 0: "
        "sold from the first week after the history on; none: launches by chance alone",
    )

    @model_validator(mode="after")
    def _sizes_fit(self) -> "SimulationSettings":
        if self.first_week.weekday() != 0:
            raise ValueError(f"first_week {self.first_week} is not a Monday")
        if self.customers < self.markets * 20:
            raise ValueError("customers must be at least 20 for each market")
        if max(self.newcomers, default=0) > self.weeks:
            raise ValueError(f"newcomers {max(self.newcomers)} are on sale for longer than the history of {self.weeks}")
        return self

    @property
    def categories(self) -> int:
        """Categories of a branch; the last one takes the products that are left over."""
        return max(1, self.products // self.products_per_category)

    def branch(self, number: int) -> "SimulationSettings":
        """One branch as a shop of its own."""
        return self.model_copy(update={"seed": self.seed + number, "branches": 1})


class SimulationFile(Section):
    """A settings file of ``pricelake simulate``."""

    spark: SparkSettings = SparkSettings()
    simulation: SimulationSettings = Field(default_factory=SimulationSettings)
