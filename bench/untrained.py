"""A demand model of the demo's size whose weights are drawn, not learnt: it costs what a trained one costs."""

from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd
from pyspark.sql import DataFrame

from pricelake.demand.inputs import CONTEXT_SQL, LEVEL_SQL, Encoding, fit_vocabulary
from pricelake.demand.model import DemandModel, network_spec
from pricelake.demand.network import build_network
from pricelake.demand.response.model import CROSS_SD, ResponseModel
from pricelake.demand.response.packing import PROMOTION_SQL
from pricelake.demand.response.price_model import CONTROLS, FOLDS, PriceModel
from pricelake.settings import Settings

WEIGHT_DEVIATION = 0.1


def untrained_model(panel: DataFrame, settings: Settings, trained_until: date, seed: int = 5) -> DemandModel:
    """A model that knows every product of the open rows, with ALS factors and an elasticity for each.

    Args:
        panel: gold.demand_panel.
        settings: network and rank of the factors.
        trained_until: first day that was not trained on.
        seed: of weights and factors.
    """
    random = np.random.default_rng(seed)
    open_rows = panel.where("is_open")
    vocabulary = fit_vocabulary(open_rows).toPandas()  # one row per product and hierarchy value
    largest = vocabulary.groupby("level")["index"].max()
    products = vocabulary.loc[vocabulary["level"] == "product", "value"]
    rank = settings.recommender.rank
    factors = random.normal(size=(len(products), rank)).astype(np.float32)
    encoding = Encoding(
        knows_season=False,
        means=(0.0,) * len(CONTEXT_SQL),
        deviations=(1.0,) * len(CONTEXT_SQL),
        default_log_price=1.0,
        vocabulary_sizes=tuple((level, int(largest[level]) + 1) for level in LEVEL_SQL),
        rank=rank,
        min_sold_periods=settings.demand.min_sold_periods,
    )
    spec = network_spec(encoding, settings.demand, len(products))
    shapes = [weight.shape for weight in build_network(spec).get_weights()]
    response = _response(products.to_numpy(), random, trained_until)
    return DemandModel(
        encoding=encoding,
        spec=spec,
        weights=tuple(random.normal(0.0, WEIGHT_DEVIATION, shape).astype(np.float32) for shape in shapes),
        vocabulary=vocabulary,
        factors=pd.DataFrame({"product_id": products.to_numpy(), "factors": list(factors)}),
        response=response,
        judged_response=response,
        log_units_sd={"": 0.2},
        trained_until=trained_until,
        seen_until=trained_until,
        seed=seed,
    )


def _response(products: npt.NDArray[np.object_], random: np.random.Generator, learnt_until: date) -> ResponseModel:
    """Elasticities between -4 and -1, and a list price that nothing is expected to move."""
    found = {
        "elasticity_sd": 0.5,
        "elasticity_kind_sd": 0.2,
        "elasticity_common_sd": 0.1,
        "identification": "discounts",
    }
    own = pd.DataFrame({"product_id": products, "elasticity": random.uniform(1.0, 4.0, len(products)), **found})
    effects = {**dict.fromkeys(PROMOTION_SQL, 0.1), CROSS_SD: 0.05}
    others = pd.DataFrame([{"department": "", "category": "", "elasticity": 2.0, **found, **effects}])
    expected = PriceModel((), tuple((0.0,) * len(CONTROLS) for _ in range(FOLDS)), (), 1.0)
    return ResponseModel(expected, 0.2, own, others, learnt_until)
