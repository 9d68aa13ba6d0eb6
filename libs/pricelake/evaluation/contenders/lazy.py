"""Rules that need no model of demand: what most shops do, and what embarrasses clever systems."""

from dataclasses import dataclass

import numpy as np

from pricelake.evaluation.contenders.interface import Feasible, Floats, History


@dataclass(frozen=True)
class StatusQuo:
    """Leave every price."""

    name: str = "status_quo"

    def propose(self, history: History, feasible: Feasible) -> Floats:
        """The allowed price nearest to the one in force."""
        return feasible.nearest(history.price_now)


@dataclass(frozen=True)
class CostPlus:
    """Cost times one markup: the shop's own median in each category."""

    name: str = "cost_plus"

    def propose(self, history: History, feasible: Feasible) -> Floats:
        """Cost x the category's median of price over cost."""
        ratio = history.offers["price_now"] / history.offers["unit_cost"]
        usual = ratio.groupby(history.offers["category"]).transform("median")
        return feasible.nearest(history.unit_cost * usual.to_numpy())


@dataclass(frozen=True)
class CompetitorMedian:
    """Match the median of the competitors."""

    name: str = "competitor_median"

    def propose(self, history: History, feasible: Feasible) -> Floats:
        """The last median known, from the panel's competitor index; the price in force where there is none."""
        index = history.open["competitor_index"].to_numpy(dtype=np.float64)
        price = history.open["list_price"].to_numpy(dtype=np.float64)
        known = history.open["is_competitor_missing"].astype("float64").eq(0.0).to_numpy()
        return feasible.nearest(np.where(known, price / index, history.price_now))


@dataclass(frozen=True)
class RatingRule:
    """price = alpha x rating + beta, fitted to the prices in force within each category."""

    name: str = "rating_rule"

    def propose(self, history: History, feasible: Feasible) -> Floats:
        """The fitted line at the product's rating; the category's mean rating where it has none."""
        offers = history.offers
        rating = offers["product_id"].map(history.ratings)
        overall = float(rating.mean()) if rating.notna().any() else 0.5
        rating = rating.fillna(rating.groupby(offers["category"]).transform("mean")).fillna(overall)
        wanted = np.empty(len(offers))
        for rows in offers.groupby("category").indices.values():
            x, y = rating.to_numpy()[rows], history.price_now[rows]
            spread = np.var(x)
            alpha = np.mean((x - x.mean()) * (y - y.mean())) / spread if spread > 0.0 else 0.0
            wanted[rows] = y.mean() + alpha * (x - x.mean())
        return feasible.nearest(wanted)


USUAL_MOVE = 0.10


@dataclass(frozen=True)
class UniformMove:
    """Move every price by the same percentage.

    Attributes:
        rate: -0.10 … 0.20.
    """

    rate: float = USUAL_MOVE

    @property
    def name(self) -> str:
        """``uniform_move`` by 10 % more; any other rate stands behind it, as in ``uniform_move_-5``."""
        return "uniform_move" if self.rate == USUAL_MOVE else f"uniform_move_{round(100 * self.rate):+d}"

    def propose(self, history: History, feasible: Feasible) -> Floats:
        """The price in force times 1 + rate."""
        return feasible.nearest(history.price_now * (1.0 + self.rate))
