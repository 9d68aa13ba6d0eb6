"""A demand model of the demo's size whose weights are drawn, not learnt: it costs what a trained one costs."""

from datetime import date

import numpy as np
import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pricelake.demand.inputs import CONTEXT_SQL, LEVEL_SQL, Encoding, fit_vocabulary
from pricelake.demand.model import DemandModel, network_spec
from pricelake.demand.network import build_network
from pricelake.settings import Settings

WEIGHT_DEVIATION = 0.1


def untrained_model(panel: DataFrame, settings: Settings, trained_until: date, seed: int = 5) -> DemandModel:
    """A model that knows every product of the open rows, with ALS factors and evidence on price for each.

    Args:
        panel: gold.demand_panel.
        settings: network and rank of the factors.
        trained_until: first day the model has not seen.
        seed: of weights and factors.
    """
    random = np.random.default_rng(seed)
    open_rows = panel.where("is_open")
    vocabulary = fit_vocabulary(open_rows).toPandas()  # one row per product and hierarchy value
    largest = vocabulary.groupby("level")["index"].max()
    products = vocabulary.loc[vocabulary["level"] == "product", "value"]
    rank = settings.recommender.rank
    factors = random.normal(size=(len(products), rank)).astype(np.float32)
    evidence = open_rows.select("product_id", "market_id", F.lit(0.5).alias("squared_deviation")).toPandas()
    encoding = Encoding(
        knows_season=False,
        means=(0.0,) * len(CONTEXT_SQL),
        deviations=(1.0,) * len(CONTEXT_SQL),
        default_log_price=1.0,
        vocabulary_sizes=tuple((level, int(largest[level]) + 1) for level in LEVEL_SQL),
        rank=rank,
        rows=len(evidence),
    )
    spec = network_spec(encoding, settings.demand)
    shapes = [weight.shape for weight in build_network(spec).get_weights()]
    return DemandModel(
        encoding=encoding,
        spec=spec,
        weights=tuple(random.normal(0.0, WEIGHT_DEVIATION, shape).astype(np.float32) for shape in shapes),
        vocabulary=vocabulary,
        factors=pd.DataFrame({"product_id": products.to_numpy(), "factors": list(factors)}),
        evidence=evidence,
        log_units_sd={"": 0.2},
        trained_until=trained_until,
        seed=seed,
    )
