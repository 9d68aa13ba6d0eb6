"""One pass of the network per product, market and period: the level of its demand curve, whose shape is known."""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import DoubleType, StructField, StructType

from pricelake.demand.curve import CURVE_COLUMNS, SHAPE
from pricelake.demand.curve_columns import elasticity_column, response_column
from pricelake.demand.diversion import with_diversion_ratio
from pricelake.demand.inputs import LEVEL_SQL, ROW_KEY, encode
from pricelake.demand.model import DemandModel, factors_frame, vocabulary_frame
from pricelake.demand.network import NetworkSpec, build_network
from pricelake.demand.response.model import ELASTICITY, ELASTICITY_SDS, ResponseModel, with_response, with_usual_units
from pricelake.demand.uncertainty import period_sd
from pricelake.demand.usual import with_usual_history

if TYPE_CHECKING:
    from pyspark import Broadcast

NETWORK_OUTPUTS = ("log_units", "dispersion")
CURVE_OUTPUTS = (*CURVE_COLUMNS, "dispersion")
MAX_ROWS_PER_CALL = 16_384

_LOADED: dict[str, Any] = {}
"""Networks of this Python worker by :func:`network_key`; workers are reused over batches and stages."""


def with_curve(encoded: DataFrame, model: DemandModel) -> DataFrame:
    """Encoded rows with their curve.

    Args:
        encoded: rows of ``inputs.encode``.
        model: trained.

    Returns:
        all columns of ``encoded`` but the network's own inputs, and ``NETWORK_OUTPUTS`` (double); with the shape that
        the rows carry, these are ``CURVE_OUTPUTS``.
    """
    read = [name for name, _ in model.spec.inputs]
    kept = [field for field in encoded.schema.fields if field.name not in read]
    schema = StructType([*kept, *(StructField(name, DoubleType(), nullable=False) for name in NETWORK_OUTPUTS)])
    weights = encoded.sparkSession.sparkContext.broadcast(model.weights)
    run = network_runner(model.spec, weights, network_key(model.spec, model.weights), [field.name for field in kept])
    return encoded.select(*(field.name for field in kept), *read).mapInPandas(run, schema)


def network_runner(
    spec: NetworkSpec, weights: "Broadcast[Any]", key: str, kept: list[str]
) -> Callable[[Iterable[pd.DataFrame]], Iterator[pd.DataFrame]]:
    """A function for ``mapInPandas`` that loads the network once per worker, on one thread."""

    def run(batches: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for rows in batches:
            if len(rows):
                outputs = curve_outputs(_network(key, spec, weights.value), spec, rows)
                yield pd.concat([rows[kept], outputs], axis=1)

    return run


def curve_outputs(network: Any, spec: NetworkSpec, rows: pd.DataFrame) -> pd.DataFrame:
    """``NETWORK_OUTPUTS`` of encoded rows, float64, on the index of ``rows``."""
    parts = []
    for start in range(0, len(rows), MAX_ROWS_PER_CALL):
        piece = rows.iloc[start : start + MAX_ROWS_PER_CALL]
        outputs = network({name: piece[name].to_numpy(dtype=dtype) for name, dtype in spec.inputs})
        parts.append({name: np.asarray(value, dtype=np.float64) for name, value in outputs.items()})
    found = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    found["dispersion"] = np.exp(found.pop("log_dispersion"))
    return pd.DataFrame({name: found[name] for name in NETWORK_OUTPUTS}, index=rows.index)


def callable_network(spec: NetworkSpec, weights: Any) -> Any:
    """The network with its weights as one traced function of a dict of arrays of any length."""
    import tensorflow as tf

    network = build_network(spec)
    network.set_weights(list(weights))
    signature = {name: tf.TensorSpec((None,), dtype) for name, dtype in spec.inputs}
    traced = tf.function(lambda columns: network(columns, training=False), input_signature=[signature])
    return traced.get_concrete_function()  # a function traced per model would be taken for one that is traced anew


def network_key(spec: NetworkSpec, weights: Sequence[npt.NDArray[np.float32]]) -> str:
    """The same for the same network, whichever stage asks for it: the next one need not build it again."""
    digest = hashlib.sha256(repr(spec).encode())
    for weight in weights:
        digest.update(np.ascontiguousarray(weight).tobytes())
    return digest.hexdigest()


def _network(key: str, spec: NetworkSpec, weights: Any) -> Any:
    if key not in _LOADED:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
        os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
        import tensorflow as tf

        if not _LOADED:
            tf.config.threading.set_intra_op_parallelism_threads(1)
            tf.config.threading.set_inter_op_parallelism_threads(1)
        _LOADED.clear()
        _LOADED[key] = callable_network(spec, weights)
    return _LOADED[key]


def with_expected_units(curves: DataFrame, name: str, log_price_ratio: Column) -> DataFrame:
    """Rows with the expected units at a log price ratio, in Spark SQL: the closed form of ``curve.response``.

    Args:
        curves: rows with ``CURVE_OUTPUTS``.
        name: of the new column, units per period.
        log_price_ratio: where on the curve.
    """
    answered = response_column(log_price_ratio.cast("double"), *map(F.col, SHAPE))
    return curves.withColumn(name, F.exp(F.col("log_units") + answered))


def with_elasticity(curves: DataFrame, name: str, log_price_ratio: Column) -> DataFrame:
    """Rows with the own-price elasticity (below 0) at a log price ratio: ``curve.elasticity`` in Spark SQL."""
    return curves.withColumn(name, elasticity_column(log_price_ratio.cast("double"), *map(F.col, SHAPE)))


def at_usual_price(panel: DataFrame, response: ResponseModel, period_days: int) -> DataFrame:
    """Rows of the panel as the encoding reads them: with the response and what was sold at the usual price before.

    Args:
        panel: gold.demand_panel, whole pairs and categories with their history.
        response: fitted.
        period_days: length of a period.
    """
    return with_usual_history(with_usual_units(with_response(panel, response)), period_days)


def encoded_for(model: DemandModel, rows: DataFrame) -> DataFrame:
    """Rows of :func:`at_usual_price` encoded as the model was trained, see :func:`pricelake.demand.inputs.encode`."""
    spark = rows.sparkSession
    vocabulary, factors = vocabulary_frame(spark, model.vocabulary), factors_frame(spark, model.factors)
    return encode(rows, vocabulary, factors, model.encoding)


def draw_curves(
    panel: DataFrame, model: DemandModel, as_of: date, model_version: str, min_sold_periods: int, period_days: int
) -> DataFrame:
    """The curves of the open rows of a panel, by the contract of gold.demand_curves.

    Args:
        panel: gold.demand_panel.
        model: trained, from the registry.
        as_of: as-of date of the run.
        model_version: registered version of ``model``.
        min_sold_periods: products that sold in fewer periods get no curve.
        period_days: length of a period.

    Returns:
        one row per product, market and open period that the model covers.
    """
    rows = at_usual_price(panel, model.response, period_days)
    encoded = encoded_for(model, rows.where(F.col("is_open") & (F.col("sold_periods") >= min_sold_periods)))
    names = [name for name, _ in model.spec.inputs]
    category = F.expr(LEVEL_SQL["category"]).alias("category_value")
    needed = encoded.select(
        *ROW_KEY,
        "reference_price",
        "sold_periods",
        "age_periods",
        *("department", "category"),
        category,
        *SHAPE,
        *(*ELASTICITY, "identification", "cross_elasticity", "cross_elasticity_sd"),
        *names,
    )
    drawn = with_diversion_ratio(with_uncertainty(with_curve(needed, model), model))
    return drawn.select(
        F.lit(as_of).alias("as_of_date"),
        *ROW_KEY,
        "reference_price",
        *CURVE_OUTPUTS,
        *ELASTICITY_SDS,
        "log_units_sd",
        "diversion_ratio",
        "diversion_ratio_sd",
        "identification",
        F.lit(model_version).alias("model_version"),
    )


def with_uncertainty(curves: DataFrame, model: DemandModel) -> DataFrame:
    """Curves with ``ELASTICITY_SDS`` at the reference price and ``log_units_sd``.

    See :func:`pricelake.demand.uncertainty.period_sd`.

    Args:
        curves: rows with ``category_value``, ``sold_periods``, ``age_periods``, ``CURVE_OUTPUTS``, ``elasticity`` and
            its ``ELASTICITY_SDS`` at the usual price.
        model: with level uncertainty.
    """
    spark = curves.sparkSession
    levels = spark.createDataFrame(list(model.log_units_sd.items()), "category_value string, log_units_sd double")
    joined = with_elasticity(curves, "__here", F.lit(0.0)).join(F.broadcast(levels), "category_value", how="left")
    return joined.withColumns(
        {
            **{name: F.col(name) * -F.col("__here") / F.col("elasticity") for name in ELASTICITY_SDS},
            "log_units_sd": period_sd(
                F.coalesce("log_units_sd", F.lit(model.log_units_sd[""])), model.encoding.min_sold_periods
            ),
        }
    ).drop("__here")
