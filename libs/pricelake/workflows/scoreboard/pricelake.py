"""PriceLake as a contender: what its jobs left in the lake, read back."""

from dataclasses import dataclass, field
from datetime import date
from statistics import NormalDist

import numpy as np
import numpy.typing as npt
import pandas as pd
from pyspark.sql import functions as F

from pricelake.demand.curve import CURVE_COLUMNS, SHAPE, elasticity, expected_units
from pricelake.demand.response.identification import WEAK
from pricelake.errors import PriceLakeError
from pricelake.evaluation.contenders.interface import Feasible, Floats, History
from pricelake.evaluation.market import KnownTastes
from pricelake.evaluation.scoring.effort import Effort
from pricelake.evaluation.scoring.failures import told
from pricelake.evaluation.scoring.tastes import K
from pricelake.settings.shop import load_shop
from pricelake.sources import customer_key, pseudonym_of
from pricelake.tables import Lake
from pricelake.workflows.scoreboard.history import KEY
from pricelake.workflows.scoreboard.shop import ScoredShop

CURVE = ("reference_price", *CURVE_COLUMNS, "elasticity_sd")
UPLIFT = ("uplift_amount", "uplift_low_amount", "uplift_high_amount")
SHARED = ("uplift_kind_sd_amount", "uplift_common_sd_amount", "uplift_diversion_sd_amount")


@dataclass
class PriceLakeCurves:
    """The demand model and the prices that it led to.

    Attributes:
        curves: ``gold.demand_curves`` of the as-of date by product and market.
        decided: ``price_recommended`` and the stated uplift by product and market; a held price is NaN.
        interval_rate: coverage of the stated uplift's interval.
        effort: what its jobs took.
        error: why there is nothing to read; None where there is.
    """

    curves: pd.DataFrame
    decided: pd.DataFrame
    interval_rate: float
    effort: Effort | None
    error: str | None = None
    name: str = "pricelake"
    _offers: pd.MultiIndex | None = field(default=None, repr=False)
    _prices_now: Floats = field(default_factory=lambda: np.zeros(0), repr=False)

    def fit(self, history: History) -> None:
        """Nothing is left to learn; remember what is asked about.

        Raises:
            PriceLakeError: its jobs failed.
        """
        if self.error is not None:
            raise PriceLakeError(self.error)
        self._offers = pd.MultiIndex.from_frame(history.offers[KEY])
        self._prices_now = history.price_now

    def units(self, prices: Floats) -> Floats:
        """Closed form along the prices; NaN for offers without a curve."""
        rows = self.curves.reindex(self._asked())
        curves = {name: rows[name].to_numpy(dtype=np.float64) for name in CURVE}
        return np.asarray(expected_units(curves, prices))

    def propose(self, history: History, feasible: Feasible) -> Floats:
        """The recommended prices; a held price is the one in force."""
        wanted = self.decided["price_recommended"].reindex(self._asked()).to_numpy(dtype=np.float64)
        return np.where(np.isnan(wanted), history.price_now, wanted)

    def gains(self) -> tuple[Floats, Floats, Floats]:
        """See :class:`pricelake.evaluation.scoring.stage.KnowsItsGains`: the stated uplift.

        Products of a category share the error of their kind, that of all, and that of what others of the category get.
        """
        decided = self.decided.reindex(self._asked())
        gain, low, high = decided[list(UPLIFT)].to_numpy(dtype=np.float64).T
        deviation = (high - low) / (2.0 * NormalDist().inv_cdf(0.5 + self.interval_rate / 2.0))
        return gain, deviation, decided[list(SHARED)].to_numpy(dtype=np.float64).T

    def elasticity_limits(self) -> tuple[Floats, npt.NDArray[np.bool_]]:
        """See :class:`pricelake.evaluation.scoring.stage.KnowsItsLimits`; the error is relative along a curve."""
        rows = self.curves.reindex(self._asked())
        shape = [rows[name].to_numpy(dtype=np.float64) for name in SHAPE]
        here = np.log(self._prices_now / rows["reference_price"].to_numpy(dtype=np.float64))
        relative = rows["elasticity_sd"].to_numpy(dtype=np.float64) / -elasticity(0.0, *shape)
        return relative * -elasticity(here, *shape), (rows["identification"] == WEAK).to_numpy(dtype=bool)

    def _asked(self) -> pd.MultiIndex:
        if self._offers is None:
            raise ValueError("fit the model first")
        return self._offers


def read_pricelake(lake: Lake, shop: ScoredShop, as_of: date | None = None) -> PriceLakeCurves:
    """Curves and prices of the shop's last run; where there are none to read, the error says why.

    Args:
        lake: of the shop.
        shop: after its jobs.
        as_of: day of the run that is read; None: that of the market.
    """
    rate, none, error = shop.settings.pricing.interval_rate, pd.DataFrame(), shop.error
    if error is None:
        try:
            return PriceLakeCurves(*_read_prices(lake, as_of or shop.market.as_of), rate, shop.effort)
        except Exception as raised:  # noqa: BLE001 - Spark may raise anything; it counts as PriceLake's failure
            error = told(raised)
    return PriceLakeCurves(none, none, rate, shop.effort, error)


def _read_prices(lake: Lake, as_of: date) -> tuple[pd.DataFrame, pd.DataFrame]:
    day = F.col("as_of_date") == F.lit(as_of)
    numbers = [F.col(name).cast("double") for name in CURVE]
    curves = lake.read("gold.demand_curves").where(day).select(*KEY, *numbers, "identification")
    prices = lake.read("gold.price_recommendations").where(day)
    decided = prices.select(*KEY, *(F.col(name).cast("double") for name in ("price_recommended", *UPLIFT, *SHARED)))
    return curves.toPandas().set_index(KEY), decided.toPandas().set_index(KEY)  # one row per offer of a scored shop


def read_recommendations(lake: Lake, shop: ScoredShop) -> pd.DataFrame:
    """The first ten recommendations of customers whose tastes the market knows, under the names that it knows them by.

    Returns:
        customer_id, product_id, position; empty where PriceLake recommended nothing: its recommender did not finish, or
        the shop's sales name no customers, for whom there is no key either.

    Raises:
        SettingsError: the key that customers got their pseudonyms under cannot be read.
        PriceLakeError: it is another key, so that no recommendation could be held against tastes.
    """
    columns = ["customer_id", "product_id", "position"]
    none = pd.DataFrame(columns=columns)
    if "train_recommender" not in shop.finished or not isinstance(shop.market, KnownTastes):
        return none
    if not lake.exists("gold.recommendations"):
        return none
    lists = lake.read("gold.recommendations").where(F.col("position") <= K).select(*columns).toPandas()
    if lists.empty:
        return none
    reference = load_shop(shop.settings.shop).customer_key
    key = customer_key(reference, may_create=False)
    markets = shop.history.offers["market_id"].unique()
    known = {pseudonym_of(key, str(one)): one for market in markets for one in shop.market.tastes(str(market)).index}
    named = lists.assign(customer_id=lists["customer_id"].map(known)).dropna(subset=["customer_id"])
    if named.empty:
        raise PriceLakeError(
            f"None of the {lists['customer_id'].nunique()} customers in gold.recommendations is one of the "
            f"{len(known)} whose tastes {shop.market.name} knows: their pseudonyms were made under another key than "
            f"{reference} holds now, and recommendations that nobody is known to have got would all count as wrong. "
            f"Put back the key that ingest ran with, or run all jobs again in an empty folder."
        )
    return named
