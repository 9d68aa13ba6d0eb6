"""The shop file: where a shop's data is and how it maps to the bronze contracts. No code, only SQL expressions."""

from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator, model_validator

from pricelake.settings.loading import load_file
from pricelake.settings.sections import Rate, Section

SHOP_TABLE_NAMES = (
    "order_lines",
    "sales_panel",
    "products",
    "customers",
    "events",
    "reviews",
    "list_prices",
    "costs",
    "promotions",
    "competitor_prices",
    "inventory",
    "calendar",
    "weather",
)


class SourceSettings(Section):
    """One named source."""

    format: Literal["csv", "json", "parquet", "delta", "jdbc"]
    path: str | None = Field(
        default=None, description="file, directory, glob or URI; package:NAME/file reads from a Python package"
    )
    options: dict[str, str] = Field(
        default={}, description="Spark reader options; env:NAME takes a value from the environment"
    )

    @model_validator(mode="after")
    def _path_unless_jdbc(self) -> "SourceSettings":
        if self.format != "jdbc" and not self.path:
            raise ValueError(f"a {self.format} source needs a path")
        if (
            self.format == "jdbc"
            and not {"url", "dbtable"} <= self.options.keys()
            and not {"url", "query"} <= self.options.keys()
        ):
            raise ValueError("a jdbc source needs the options url and dbtable (or query)")
        return self


class TableMapping(Section):
    """How one bronze table comes out of the sources."""

    source: str | None = Field(default=None, description="name of a source")
    query: str | None = Field(default=None, description="or Spark SQL over the sources by name")
    columns: Annotated[dict[str, str], Field(min_length=1, description="contract column → Spark SQL expression")]
    currency: str | None = Field(
        default=None, description="expression for a row's currency; other ones are quarantined"
    )

    @model_validator(mode="after")
    def _one_origin(self) -> "TableMapping":
        if (self.source is None) == (self.query is None):
            raise ValueError("give either source or query")
        return self


class Limits(Section):
    """Beyond these a row is taken for an error and quarantined."""

    max_quantity: Annotated[float, Field(gt=0)] = 1000.0
    max_unit_price: Annotated[float, Field(gt=0)] = 100_000.0


class AssumedCosts(Section):
    """Unit cost as a share of list price, used only where no cost is brought; the row then says so."""

    default_rate: Rate | None = Field(default=None, description="None: no cost is assumed")
    department_rates: dict[str, Rate] = Field(default={}, description="goes before the default")
    category_rates: dict[str, Rate] = Field(default={}, description="goes before the department's")


class Shop(Section):
    """One shop."""

    name: str
    about: str | None = Field(default=None, description="what the data covers, in a sentence; the report says it")
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")]
    time_zone: str = Field(default="UTC", description="IANA name; decides to which day and week an order belongs")
    country: str | None = Field(default=None, description="ISO code for public holidays; None: no holidays")
    subdivision: str | None = None
    sources: dict[str, SourceSettings]
    tables: dict[Literal[SHOP_TABLE_NAMES], TableMapping]  # type: ignore[valid-type]
    limits: Limits = Limits()
    assumed_costs: AssumedCosts = AssumedCosts()
    customer_key: str = Field(default="file:~/.config/pricelake/customer.key", description="env:NAME or file:PATH")

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError) as error:
            raise ValueError(f"unknown time zone {value}") from error
        return value

    @model_validator(mode="after")
    def _complete(self) -> "Shop":
        names = {str(name) for name in self.tables}
        if "products" not in names:
            raise ValueError("tables must map products")
        if not names & {"order_lines", "sales_panel"}:
            raise ValueError("tables must map order_lines or sales_panel")
        if {"order_lines", "sales_panel"} <= names:
            raise ValueError("map order_lines or sales_panel, not both: sales would count twice")
        for name, mapping in self.tables.items():
            if mapping.source is not None and mapping.source not in self.sources:
                raise ValueError(
                    f"tables.{name}.source names '{mapping.source}', known sources: {', '.join(sorted(self.sources))}"
                )
        return self


def load_shop(path: str | Path) -> Shop:
    """A shop file.

    Raises:
        SettingsError: the file cannot be used; all problems are listed.
    """
    return load_file(Shop, path)
