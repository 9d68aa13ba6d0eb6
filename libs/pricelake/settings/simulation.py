"""The simulated shop: its size, what is switched on, and how strong the instruments are."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, model_validator

from pricelake.settings.sections import Count, Rate, Section

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
    products: Annotated[int, Field(ge=2, le=1_000_000)] = 40
    products_per_category: Annotated[int, Field(ge=2, le=200)] = 8
    markets: Count = 1
    weeks: Annotated[int, Field(ge=8, le=520)] = 60
    future_weeks: Annotated[int, Field(ge=0, le=52)] = Field(
        default=13, description="weeks after the history with truth"
    )
    customers: Count = 2000
    views_per_purchase: float = Field(default=2.0, ge=0.0, description="views and searches for each purchase")
    first_week: date = Field(default=date(2023, 1, 2), description="Monday on which the history begins")
    switches: Switches = Switches()
    instruments: Instruments = "strong"
    sold_out_rate: Rate = Field(default=0.1, description="share of product weeks that the seller lets sell out")

    @model_validator(mode="after")
    def _weeks_begin_on_mondays(self) -> "SimulationSettings":
        if self.first_week.weekday() != 0:
            raise ValueError(f"first_week {self.first_week} is not a Monday")
        if self.customers < self.markets * 20:
            raise ValueError("customers must be at least 20 for each market")
        return self

    @property
    def categories(self) -> int:
        """Number of categories; the last one may be smaller, none has fewer than two products."""
        return max(1, self.products // self.products_per_category)
