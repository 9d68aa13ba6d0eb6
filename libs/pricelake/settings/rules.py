"""The rules file: what a price must obey whatever the model says. All rules of version one are hard."""

import re
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from pricelake.settings.loading import load_file, settings_hash
from pricelake.settings.sections import Count, Rate, Section

Amount = Annotated[float, Field(gt=0.0, le=1e7, description="price in shop currency")]
ENDING = re.compile(r"X\d|\d\d|\d\.\d\d")


class Scope(Section):
    """Which products a rule is for: those named by any of the lists; all where every list is empty."""

    departments: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    products: tuple[str, ...] = ()


class Rule(Section):
    """What all kinds of rules share."""

    name: Annotated[str, Field(pattern="^[a-z][a-z0-9_]*$", description="shown in every row the rule applied to")]
    scope: Scope = Scope()
    priority: Annotated[int, Field(ge=1, le=100)] = Field(
        default=50, description="higher wins where two rules of a kind exclude each other (endings)"
    )
    hard: Literal[True] = True


class FloorRule(Rule):
    """Lowest price. Floors are applied last and win over every other limit.

    The cost floor is ``unit_cost / (1 - min_margin_rate)``, so that margin_rate = (price - cost) / price holds.
    """

    kind: Literal["floor"]
    min_margin_rate: Annotated[float, Field(ge=-1.0, lt=1.0)] | None = Field(
        default=None, description="share of the price that must stay after unit_cost; below 0 sells under cost"
    )
    min_price: Amount | None = Field(default=None, description="lowest price in shop currency")

    @model_validator(mode="after")
    def _something(self) -> "FloorRule":
        if self.min_margin_rate is None and self.min_price is None:
            raise ValueError("a floor needs min_margin_rate, min_price or both")
        return self


class CeilingRule(Rule):
    """Highest price: a share above another price, an amount, or the lower of both."""

    kind: Literal["ceiling"]
    over: Literal["reference_price", "list_price", "competitor_price"] | None = Field(
        default=None,
        description="reference_price: mean price paid in the 8 periods before; list_price: the price in force; "
        "competitor_price: median of the competitors, the rule does not apply where none is known",
    )
    max_above_rate: Annotated[float, Field(ge=-1.0, le=10.0)] = 0.0
    max_price: Amount | None = Field(default=None, description="highest price in shop currency")

    @model_validator(mode="after")
    def _something(self) -> "CeilingRule":
        if self.over is None and self.max_price is None:
            raise ValueError("a ceiling needs over, max_price or both")
        if self.over is None and "max_above_rate" in self.model_fields_set:
            raise ValueError("max_above_rate says how far above which price: give over too")
        return self


class StepRule(Rule):
    """Largest change from the price in force in one cycle."""

    kind: Literal["step"]
    max_raise_rate: Rate
    max_lower_rate: Rate


class TrustedRangeRule(Rule):
    """What is paid may leave the range that the product's history has seen only by a little: beyond, curves guess."""

    kind: Literal["trusted_range"]
    max_beyond_rate: Rate


class EndingBand(Section):
    """Endings of one span of prices."""

    below: Amount | None = Field(default=None, description="prices under this amount; None: all above the last band")
    endings: Annotated[tuple[str, ...], Field(min_length=1)]

    @field_validator("endings")
    @classmethod
    def _readable(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for ending in value:
            if not ENDING.fullmatch(ending):
                raise ValueError(f"'{ending}' is no ending; write X9 (any tenth), 99 or 9.99")
        return value

    @field_validator("below")
    @classmethod
    def _whole_cents(cls, value: float | None) -> float | None:
        if value is not None and abs(value * 100 - round(value * 100)) > 1e-6:
            raise ValueError("must be in whole cents")
        return value


class EndingRule(Rule):
    """Allowed price endings by price band; of several in scope the one with the highest priority holds."""

    kind: Literal["ending"]
    bands: tuple[EndingBand, ...]

    @model_validator(mode="after")
    def _ascending(self) -> "EndingRule":
        if not self.bands:
            raise ValueError("an ending rule needs at least one band")
        limits = [band.below for band in self.bands]
        if limits[-1] is not None or None in limits[:-1]:
            raise ValueError("the last band, and only the last, leaves out below")
        amounts = [limit for limit in limits if limit is not None]
        if any(later <= earlier for earlier, later in pairwise(amounts)):
            raise ValueError("below must rise from band to band")
        return self


class HistoryRule(Rule):
    """Evidence a product needs before its price moves."""

    kind: Literal["history"]
    min_sold_periods: Count = 1
    min_price_changes: Count = Field(default=1, description="on top of pricing.min_price_changes, which always holds")


class FreshnessRule(Rule):
    """Oldest input a price may be computed from."""

    kind: Literal["freshness"]
    max_panel_age_days: Count | None = Field(default=None, description="days from the open period's start to the as-of")
    max_model_age_days: Count | None = Field(default=None, description="days since the model's last training data")
    max_periods_since_sale: Count | None = Field(default=None, description="older prices in force are hearsay")


class ExclusionRule(Rule):
    """Products whose price is not set here: regulated, quoted elsewhere, or no goods at all. They keep their price."""

    kind: Literal["exclusion"]

    @model_validator(mode="after")
    def _some_products(self) -> "ExclusionRule":
        if self.scope == Scope():
            raise ValueError(
                "an exclusion without scope excludes every product; name departments, categories or products"
            )
        return self


AnyRule = Annotated[
    FloorRule | CeilingRule | StepRule | TrustedRangeRule | EndingRule | HistoryRule | FreshnessRule | ExclusionRule,
    Field(discriminator="kind"),
]


class RuleSet(Section):
    """All rules of a shop."""

    name: str
    rules: tuple[AnyRule, ...]

    @model_validator(mode="after")
    def _named_once(self) -> "RuleSet":
        # not a length constraint of the field: pydantic would report it beside the faults of the rules themselves
        if not self.rules:
            raise ValueError("a rule set needs at least one rule")
        names = [rule.name for rule in self.rules]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"rule names must be unique, given twice: {', '.join(twice)}")
        return self

    @property
    def version(self) -> str:
        """Sixteen hex digits that change exactly when a rule changes."""
        return settings_hash(self)


def load_rules(path: str | Path) -> RuleSet:
    """A rules file; it may ``extends:`` another one (lists are replaced, not joined).

    Raises:
        SettingsError: the file cannot be used; all problems are listed.
    """
    return load_file(RuleSet, path)
