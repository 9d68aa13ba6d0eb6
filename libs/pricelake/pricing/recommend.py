"""DataFrames around the batch: gather each row's inputs, price them in Arrow batches."""

from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from pricelake.pricing.batch import price_batch
from pricelake.pricing.rows import (
    CURVE_PARAMETERS,
    ELASTICITY_SDS,
    INPUT_COLUMNS,
    LEAST_AVAILABILITY_RATE,
    RECENT_DAYS,
    ExpectedUnits,
)
from pricelake.settings import PricingSettings
from pricelake.settings.rules import RuleSet

PRODUCT_MARKET = ("product_id", "market_id")


def aggregate_to_past(panel: DataFrame, as_of: date) -> DataFrame:
    """What is told by the closed periods of each product in each market, in one pass over them.

    Args:
        panel: gold.demand_panel.
        as_of: as-of date.

    Returns:
        product_id, market_id; observed_low, observed_high: lowest and highest unit_price of periods with sales,
        decimal(18,4), outlier periods left out, null without a sale; recent_availability_rate: mean of the periods of
        the last ``RECENT_DAYS`` days that know it, 0-1, null where none does; recent_outlier_rate: share of the periods
        of these days, 0-1, whose units lay outside the product's range while it was in stock.
    """
    sold_at = F.when(F.col("is_price_observed") & ~F.col("is_outlier"), F.col("unit_price"))
    is_recent = F.col("period_start") >= F.lit(as_of - timedelta(days=RECENT_DAYS))
    known = F.when(is_recent & ~F.col("is_availability_missing"), F.col("availability_rate"))
    unusual = F.col("is_outlier") & (F.col("availability_rate") >= LEAST_AVAILABILITY_RATE)
    return (
        panel.where("NOT is_open")
        .groupBy(*PRODUCT_MARKET)
        .agg(
            F.min(sold_at).alias("observed_low"),
            F.max(sold_at).alias("observed_high"),
            F.avg(known).alias("recent_availability_rate"),
            F.avg(F.when(is_recent, unusual.cast("double"))).alias("recent_outlier_rate"),
        )
    )


def join_pricing_inputs(panel: DataFrame, curves: DataFrame, as_of: date, trained_until: date | None) -> DataFrame:
    """Everything one price is computed from, one row per open product, market and period.

    Args:
        panel: gold.demand_panel; its open rows are the ones to price.
        curves: gold.demand_curves of the as-of date with ``others_profit_per_unit`` and its ``_sd``; a product
            without a curve keeps nulls and is held.
        as_of: as-of date; ages are counted to it.
        trained_until: first day the model was not trained on; None: unknown, then a rule on its age holds all.

    Returns:
        columns ``rows.INPUT_COLUMNS``.
    """
    age = F.lit((as_of - trained_until).days) if trained_until else F.lit(None).cast("int")
    drawn = curves.select(
        *PRODUCT_MARKET,
        "period_start",
        F.col("reference_price").alias("curve_reference_price"),
        *CURVE_PARAMETERS,
        *ELASTICITY_SDS,
        "log_units_sd",
        "identification",
        "others_profit_per_unit",
        "others_profit_per_unit_sd",
    )
    return (
        panel.where("is_open")
        .join(drawn, on=[*PRODUCT_MARKET, "period_start"], how="left")
        .join(aggregate_to_past(panel, as_of), on=list(PRODUCT_MARKET), how="left")
        .withColumns({"panel_age_days": F.datediff(F.lit(as_of), "period_start"), "model_age_days": age})
        .select(*INPUT_COLUMNS)
    )


def recommend_prices(
    inputs: DataFrame,
    schema: StructType,
    rules: RuleSet,
    settings: PricingSettings,
    expected_units: ExpectedUnits,
    same_everywhere: dict[str, Column],
) -> DataFrame:
    """The recommended price of every input row.

    Args:
        inputs: columns ``rows.INPUT_COLUMNS``.
        schema: of gold.price_recommendations.
        rules: the rule set.
        settings: objective, ladder, least evidence and gain, coverage of intervals.
        expected_units: a module-level function, see ``rows.ExpectedUnits``; workers import it by name.
        same_everywhere: columns that do not differ between rows: as-of date, versions, seed.

    Returns:
        gold.price_recommendations, one row per input row.
    """
    computed = StructType([column for column in schema.fields if column.name not in same_everywhere])
    priced = inputs.mapInArrow(_batch_pricer(computed.names, rules, settings, expected_units), computed)
    return priced.withColumns(same_everywhere).select(*schema.names)


def _batch_pricer(
    columns: list[str], rules: RuleSet, settings: PricingSettings, expected_units: ExpectedUnits
) -> Callable[[Iterable[pa.RecordBatch]], Iterable[pa.RecordBatch]]:
    def price(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            if batch.num_rows:
                table = price_batch(batch, rules, settings, expected_units)
                yield from table.select(columns).combine_chunks().to_batches()

    return price
