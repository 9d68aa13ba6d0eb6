"""PriceLake as a contender: what its jobs left in the lake, read back."""

import hashlib
import hmac
from dataclasses import dataclass, field
from statistics import NormalDist

import numpy as np
import pandas as pd
from pyspark.sql import functions as F

from pricelake.demand.curve import expected_units
from pricelake.errors import PriceLakeError
from pricelake.evaluation.contenders.interface import Feasible, Floats, History
from pricelake.evaluation.market import KnownTastes
from pricelake.evaluation.scoring.effort import Effort
from pricelake.settings.shop import load_shop
from pricelake.sources import customer_key
from pricelake.tables import Lake
from pricelake.workflows.score_shop import KEY, ScoredShop

CURVE = ("reference_price", "log_units", "elasticity_low", "elasticity_high", "bend", "steepness")
UPLIFT = ("uplift_amount", "uplift_low_amount", "uplift_high_amount")
RECOMMENDED = 10


@dataclass
class PriceLakeCurves:
    """The demand model and the prices that it led to.

    Attributes:
        curves: ``gold.demand_curves`` of the as-of date by product and market.
        decided: ``price_recommended`` and the stated uplift by product and market; a held price is NaN.
        interval_rate: coverage of the stated uplift's interval.
        effort: what its training took.
        error: why there is nothing to read; None where there is.
    """

    curves: pd.DataFrame
    decided: pd.DataFrame
    interval_rate: float
    effort: Effort | None
    error: str | None = None
    name: str = "pricelake"
    _offers: pd.MultiIndex | None = field(default=None, repr=False)

    def fit(self, history: History) -> None:
        """Nothing is left to learn; remember what is asked about.

        Raises:
            PriceLakeError: its jobs failed.
        """
        if self.error is not None:
            raise PriceLakeError(self.error)
        self._offers = pd.MultiIndex.from_frame(history.offers[KEY])

    def units(self, prices: Floats) -> Floats:
        """Closed form along the prices; NaN for offers without a curve."""
        rows = self.curves.reindex(self._asked())
        curves = {name: rows[name].to_numpy(dtype=np.float64) for name in CURVE}
        return np.asarray(expected_units(curves, prices))

    def propose(self, history: History, feasible: Feasible) -> Floats:
        """The recommended prices; a held price is the one in force."""
        wanted = self.decided["price_recommended"].reindex(self._asked()).to_numpy(dtype=np.float64)
        return np.where(np.isnan(wanted), history.price_now, wanted)

    def gains(self) -> tuple[Floats, Floats]:
        """See :class:`pricelake.evaluation.scoring.promises.KnowsItsGains`: the stated uplift."""
        gain, low, high = self.decided.reindex(self._asked())[list(UPLIFT)].to_numpy(dtype=np.float64).T
        return gain, (high - low) / (2.0 * NormalDist().inv_cdf(0.5 + self.interval_rate / 2.0))

    def _asked(self) -> pd.MultiIndex:
        if self._offers is None:
            raise ValueError("fit the model first")
        return self._offers


def read_pricelake(lake: Lake, shop: ScoredShop) -> PriceLakeCurves:
    """Curves and prices of the shop's last run."""
    rate = shop.settings.pricing.interval_rate
    if shop.error is not None:
        return PriceLakeCurves(pd.DataFrame(), pd.DataFrame(), rate, None, shop.error)
    day = F.col("as_of_date") == F.lit(shop.market.as_of)
    curves = lake.read("gold.demand_curves").where(day).select(*KEY, *(F.col(name).cast("double") for name in CURVE))
    prices = lake.read("gold.price_recommendations").where(day)
    decided = prices.select(*KEY, *(F.col(name).cast("double") for name in ("price_recommended", *UPLIFT)))
    return PriceLakeCurves(curves.toPandas().set_index(KEY), decided.toPandas().set_index(KEY), rate, shop.effort)


def read_recommendations(lake: Lake, shop: ScoredShop) -> pd.DataFrame:
    """The first ten recommendations of customers whose tastes the market knows, under the names that it knows them by.

    Returns:
        customer_id, product_id, position; empty where PriceLake recommended nothing.
    """
    columns = ["customer_id", "product_id", "position"]
    if shop.error is not None or not isinstance(shop.market, KnownTastes):
        return pd.DataFrame(columns=columns)
    key = customer_key(load_shop(shop.settings.shop).customer_key, may_create=False)
    markets = shop.history.offers["market_id"].unique()
    names = {
        hmac.new(key, str(one).encode(), hashlib.sha256).hexdigest(): one
        for market in markets
        for one in shop.market.tastes(str(market)).index
    }
    lists = lake.read("gold.recommendations").where(F.col("position") <= RECOMMENDED).select(*columns).toPandas()
    return lists.assign(customer_id=lists["customer_id"].map(names)).dropna(subset=["customer_id"])
