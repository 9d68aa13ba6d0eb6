"""What pricing knows of each product, market and period, as arrays of one Arrow batch."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pricelake.pricing.money import Floats, Mask, Ticks, ticks_of
from pricelake.settings.rules import Scope

CURVE_PARAMETERS = ("log_units", "elasticity_low", "elasticity_high", "bend", "steepness")
ELASTICITY_SDS = ("elasticity_sd", "elasticity_kind_sd", "elasticity_common_sd")
IDENTIFIED = ("instruments", "discounts")
"""Values of ``identification`` with which history shows how units answer the price; any other one does not."""

RECENT_DAYS = 91
LEAST_AVAILABILITY_RATE = 0.05
"""Below it the demand model takes nothing from a period either, so that the level it states is a stand-in."""
UNUSUAL_OUTLIER_RATE = 0.2
"""Three weeks of a quarter; one or two are a party or a slip."""

ExpectedUnits = Callable[[Mapping[str, Floats], Floats], Floats]
"""``(curves, prices) -> units``: expected units at paid prices, shape (n_rows, n_steps); ``curves`` maps
``reference_price`` and each of ``CURVE_PARAMETERS`` to an array of shape (n_rows,)."""

INPUT_COLUMNS = (
    "product_id",
    "market_id",
    "period_start",
    "department",
    "category",
    "list_price",
    "reference_price",
    "unit_cost",
    "cost_source",
    "discount_rate",
    "price_cut_rate",
    "competitor_index",
    "is_competitor_missing",
    "is_availability_missing",
    "sold_periods",
    "periods_since_sale",
    "price_changes",
    "recent_availability_rate",
    "recent_outlier_rate",
    "observed_low",
    "observed_high",
    "panel_age_days",
    "model_age_days",
    "curve_reference_price",
    *CURVE_PARAMETERS,
    *ELASTICITY_SDS,
    "log_units_sd",
    "identification",
    "others_profit_per_unit",
    "others_profit_per_unit_sd",
)


@dataclass(frozen=True)
class PricingRows:
    """The rows of one batch.

    Attributes:
        batch: columns ``INPUT_COLUMNS``; money decimal(18,4), rates and curve parameters float64, counts int32;
            any value but the key may be null.
    """

    batch: pa.RecordBatch

    def __len__(self) -> int:
        """Number of rows."""
        return int(self.batch.num_rows)

    def take(self, indices: npt.NDArray[np.int64]) -> "PricingRows":
        """Rows ``indices`` in that order."""
        return PricingRows(
            pa.RecordBatch.from_arrays(
                [c.take(pa.array(indices)) for c in self.batch.columns], schema=self.batch.schema
            )
        )

    def floats(self, name: str) -> Floats:
        """A float64 column, NaN where null."""
        return np.asarray(self.batch.column(name).to_numpy(zero_copy_only=False), dtype=np.float64)

    def counts(self, name: str) -> Ticks:
        """An integer column, -1 where null."""
        return np.asarray(pc.fill_null(self.batch.column(name), -1)).astype(np.int64)

    def flags(self, name: str) -> Mask:
        """A boolean column, true where null: what is not known to be there is missing."""
        return np.asarray(pc.fill_null(self.batch.column(name), True), dtype=bool)

    def ticks(self, name: str) -> Ticks:
        """A money column in ticks, 0 where null."""
        return ticks_of(self.batch.column(name))[0]

    def known(self, name: str) -> Mask:
        """Where a column is not null."""
        return np.asarray(self.batch.column(name).is_valid(), dtype=bool)

    def in_scope(self, scope: Scope) -> Mask:
        """Rows a rule with that scope is for."""
        named = {"department": scope.departments, "category": scope.categories, "product_id": scope.products}
        if not any(named.values()):
            return np.ones(len(self), dtype=bool)
        found = np.zeros(len(self), dtype=bool)
        for column, names in named.items():
            if names:
                found |= np.asarray(pc.is_in(self.batch.column(column), value_set=pa.array(names)), dtype=bool)
        return found

    @cached_property
    def price_now(self) -> Ticks:
        """List price in force, ticks, shape (n_rows,)."""
        return self.ticks("list_price")

    @cached_property
    def unit_cost(self) -> Ticks:
        """Cost per unit, ticks, 0 where unknown."""
        return self.ticks("unit_cost")

    @cached_property
    def has_cost(self) -> Mask:
        """Where a cost is known."""
        return self.known("unit_cost")

    @cached_property
    def is_weakly_identified(self) -> Mask:
        """Where there is a curve whose elasticity history does not show: it rests on kin and belief."""
        identified = pc.is_in(self.batch.column("identification"), value_set=pa.array(IDENTIFIED))
        return np.asarray(self.known("log_units") & ~np.asarray(identified, dtype=bool))

    @cached_property
    def is_hardly_in_stock(self) -> Mask:
        """Where a product was in stock for so little of the last quarter that its sales say nothing about demand."""
        return self.floats("recent_availability_rate") < LEAST_AVAILABILITY_RATE

    @cached_property
    def has_unusual_sales(self) -> Mask:
        """Where many periods of the last quarter lay outside the product's own range: nobody knows what goes on."""
        return self.floats("recent_outlier_rate") >= UNUSUAL_OUTLIER_RATE

    @cached_property
    def paid_share(self) -> Floats:
        """Paid price over list price in the open period: 1 - announced discount."""
        return 1.0 - self.floats("discount_rate")

    @cached_property
    def competitor_price(self) -> tuple[Ticks, Mask]:
        """Median competitor price in ticks (list_price / competitor_index), and where one is known."""
        index = self.floats("competitor_index")
        known = ~self.flags("is_competitor_missing") & (index > 1e-3) & (index < 1e3)
        price = np.divide(self.price_now, index, out=np.zeros(len(self)), where=known)
        return np.rint(price).astype(np.int64), known

    @cached_property
    def others_profit_per_unit(self) -> Floats:
        """Profit that the category's other products make by each unit this one loses, currency; 0 where unknown."""
        return np.nan_to_num(self.floats("others_profit_per_unit"), posinf=0.0, neginf=0.0)

    @cached_property
    def others_profit_per_unit_sd(self) -> Floats:
        """How sure that is, a standard deviation, currency; 0 where unknown."""
        return np.nan_to_num(self.floats("others_profit_per_unit_sd"), posinf=0.0, neginf=0.0)

    @cached_property
    def curves(self) -> dict[str, Floats]:
        """Curve parameters by name, NaN where there is no curve."""
        curves = {name: self.floats(name) for name in CURVE_PARAMETERS}
        ticks, valid = ticks_of(self.batch.column("curve_reference_price"))
        curves["reference_price"] = np.where(valid, ticks / 1e4, np.nan)
        return curves
