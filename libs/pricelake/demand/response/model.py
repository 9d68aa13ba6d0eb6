"""What was learnt about the response to price, and what it says about rows of the panel."""

from dataclasses import dataclass
from datetime import date

import pandas as pd
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from pricelake.demand.curve_columns import response_column
from pricelake.demand.inputs import exposure, limited
from pricelake.demand.response.kernel import STEEPNESS
from pricelake.demand.response.packing import OTHERS_PRICE, PROMOTION_SQL
from pricelake.demand.response.price_model import PriceModel, with_deviations, with_price_surprise

ELASTICITY_SDS = ("elasticity_sd", "elasticity_kind_sd", "elasticity_common_sd")
ELASTICITY = ("elasticity", *ELASTICITY_SDS)
CROSS_SD = f"{OTHERS_PRICE}_sd"
EFFECTS = (*PROMOTION_SQL, CROSS_SD)
FOUND_SCHEMA = f"{', '.join(f'{name} double' for name in ELASTICITY)}, identification string"
PRODUCTS_SCHEMA = f"product_id string, {FOUND_SCHEMA}"
KINDS_SCHEMA = f"department string, category string, {FOUND_SCHEMA}, {', '.join(f'{name} double' for name in EFFECTS)}"


@dataclass(frozen=True)
class ResponseModel:
    """A fitted response to price.

    Attributes:
        price: what list price was to be expected.
        rise: by what share elasticities are smaller far below the usual price and larger far above it, 0–1.
        products: ``product_id``, ``elasticity`` (size at the usual price, above 0), ``elasticity_sd`` and the parts of
            it that products of a kind share (``elasticity_kind_sd``) and that all products share
            (``elasticity_common_sd``), ``identification``; one row per product of the fit.
        kinds: the same by ``department`` and ``category``, for products that came later, and ``EFFECTS``: what each
            of ``PROMOTION_SQL`` does to log units, 0 or more where it is the others' prices, and the standard error of
            that effect; '' in both: any other.
        learnt_until: first day that it was not learnt from.
    """

    price: PriceModel
    rise: float
    products: pd.DataFrame
    kinds: pd.DataFrame
    learnt_until: date


def with_response(panel: DataFrame, model: ResponseModel) -> DataFrame:
    """Rows of the panel and what the response says about them.

    Args:
        panel: gold.demand_panel, open and closed rows of whole pairs and categories.
        model: fitted.

    Returns:
        columns of ``with_price_surprise`` and ``elasticity`` (size at the usual list price), ``ELASTICITY_SDS``,
        ``identification``, ``log_price`` (own price over the usual list price, limited to ±1.5),
        ``log_reference`` (the same of the reference price), ``price_effect`` (log units at the own price against those
        at the usual one), ``reference_effect`` (the same at the reference price), ``promotion_effect`` (log units with
        the row's promotions against those without), ``cross_elasticity`` and ``cross_elasticity_sd`` (what log units
        gain by the log prices of the category's others, each by its share, and its standard error), and the shape of
        the curve around the reference price (:mod:`pricelake.demand.curve`): ``elasticity_low``, ``elasticity_high``,
        ``bend``, ``steepness``.
    """
    spark = panel.sparkSession
    products = spark.createDataFrame(model.products, PRODUCTS_SCHEMA)
    found = panel.join(products, "product_id", how="left")
    is_member = F.col("elasticity").isNotNull()
    deviations = with_deviations(found, F.lit(model.learnt_until), is_member, model.price.instruments)
    rows = with_price_surprise(deviations, model.price)
    known = _with_kinds(rows, spark, model)
    own = limited(F.col("dev_target") + F.col("log_discount"))
    usual = F.log(F.col("list_price").cast("double")) - F.col("dev_target")
    reference = limited(F.log(F.col("reference_price").cast("double")) - usual)
    promotion = sum((F.col(f"__{name}") * F.expr(sql) for name, sql in PROMOTION_SQL.items()), F.lit(0.0))
    low, high = F.col("elasticity") * (1.0 - model.rise), F.col("elasticity") * (1.0 + model.rise)

    def effect_at(log_price: str) -> Column:
        return response_column(F.col(log_price), low, high, F.lit(0.0), F.lit(STEEPNESS))

    priced = known.withColumns({"log_price": own, "log_reference": reference, "promotion_effect": promotion})
    named = {f"__{OTHERS_PRICE}": "cross_elasticity", f"__{CROSS_SD}": "cross_elasticity_sd"}
    crossed = priced.withColumnsRenamed(named).drop(*(f"__{name}" for name in PROMOTION_SQL))
    return crossed.withColumns(
        {
            "price_effect": effect_at("log_price"),
            "reference_effect": effect_at("log_reference"),
            "elasticity_low": low,
            "elasticity_high": high,
            "bend": -F.col("log_reference"),
            "steepness": F.lit(STEEPNESS),
        }
    )


def with_usual_units(rows: DataFrame) -> DataFrame:
    """Rows of :func:`with_response` with ``usual_units``: sold in a full period at the usual price without promotion.

    Null while a period is open. What was sold while the product was in stock is scaled to the whole period.
    """
    usual = F.col("units_winsorised") / exposure() * F.exp(-F.col("price_effect") - F.col("promotion_effect"))
    return rows.withColumn("usual_units", usual)


def _with_kinds(rows: DataFrame, spark: SparkSession, model: ResponseModel) -> DataFrame:
    """Elasticities of products of the fit as they are; of others, and effects, those of their category, or of all."""
    found = (*ELASTICITY, "identification")
    kinds = spark.createDataFrame(model.kinds, KINDS_SCHEMA)
    named = kinds.where("category <> ''").select(
        "department", "category", *(F.col(name).alias(f"kind_{name}") for name in (*found, *EFFECTS))
    )
    others = model.kinds[model.kinds["category"] == ""].iloc[0]
    joined = rows.join(F.broadcast(named), ["department", "category"], how="left")
    filled = {name: F.coalesce(name, f"kind_{name}", F.lit(others[name])) for name in found}
    effects = {f"__{name}": F.coalesce(f"kind_{name}", F.lit(others[name])) for name in EFFECTS}
    return joined.withColumns(filled | effects).drop(*(f"kind_{name}" for name in (*found, *EFFECTS)))
