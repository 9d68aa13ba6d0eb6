"""What a contender gets and gives."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]
HALF_CENT = 0.005


@dataclass(frozen=True)
class History:
    """All that a contender may know on the day it prices.

    Attributes:
        closed: closed rows of ``gold.demand_panel``, ordered by period, with ``views``: how often customers looked at
            the product in the period, in all markets together.
        open: rows of the period to price, one per offer and in their order; its features were known before. Offers that
            the panel does not know, such as products without a history, have their category and brand and what is
            known of the period; the rest is NaN. ``views`` of the period are not known.
        offers: what is to be priced, see :meth:`pricelake.evaluation.market.Market.offers`. Contenders get the number
            of an offer's ``world`` (0, 1, ... in order) in the place of its ``seed``, which would rebuild the truth.
        ratings: mean review rating in [0, 1] by product_id; NaN or absent where nobody wrote one.
        buyers: by product_id: ``age`` (years, middle of the band) and ``female_rate`` of those who bought it.
    """

    closed: pd.DataFrame
    open: pd.DataFrame
    offers: pd.DataFrame
    ratings: pd.Series
    buyers: pd.DataFrame

    def groups(self) -> list[tuple[str, npt.NDArray[np.intp]]]:
        """Offers that may take sales from each other, of one market and category: market_id and their rows."""
        found = self.offers.groupby(["market_id", "category"], sort=True).indices.values()
        return [(str(self.offers["market_id"].iloc[rows[0]]), np.asarray(rows)) for rows in found]

    @property
    def products(self) -> npt.NDArray[np.str_]:
        """The product_id of each offer, shape ``(n_offers,)``."""
        return self.offers["product_id"].to_numpy(dtype=np.str_)

    @property
    def price_now(self) -> Floats:
        """Prices in force, shape ``(n_offers,)``."""
        return self.offers["price_now"].to_numpy(dtype=np.float64)

    @property
    def unit_cost(self) -> Floats:
        """Cost per unit, shape ``(n_offers,)``."""
        return self.offers["unit_cost"].to_numpy(dtype=np.float64)


@dataclass(frozen=True)
class Feasible:
    """Prices that the rules allow, the same for every contender.

    Attributes:
        prices: ascending, padded with NaN, shape ``(n_offers, n_candidates)``; every row has at least one.
    """

    prices: Floats

    def nearest(self, wanted: Floats) -> Floats:
        """The allowed price nearest to what is wanted, shape ``(n_offers,)``; the lower of two as near.

        Raises:
            ValueError: nothing is wanted of an offer.
        """
        if np.isnan(wanted).any():
            raise ValueError("a wanted price is NaN")
        distance = np.abs(self.prices - wanted[:, None])
        return self._taken(np.nanargmin(distance, axis=1))

    def best(self, worth: Floats) -> Floats:
        """The allowed price of the highest worth, shape ``(n_offers,)``; NaN is worth nothing.

        Args:
            worth: shape of ``prices``; a row without any worth is refused.

        Raises:
            ValueError: nothing is known of an offer.
        """
        known = np.where(np.isnan(self.prices) | np.isnan(worth), -np.inf, worth)
        if np.isneginf(known.max(axis=1)).any():
            raise ValueError("no candidate of an offer has a worth")
        return self._taken(known.argmax(axis=1))

    def allows(self, prices: Floats) -> npt.NDArray[np.bool_]:
        """Whether each price is one of its offer's allowed ones, to half a cent, shape ``(n_offers,)``."""
        return np.asarray((np.abs(self.prices - prices[:, None]) < HALF_CENT).any(axis=1))

    def _taken(self, index: npt.NDArray[np.intp]) -> Floats:
        return np.asarray(np.take_along_axis(self.prices, index[:, None], axis=1)[:, 0])


class Policy(Protocol):
    """Sets prices."""

    @property
    def name(self) -> str:
        """As the scoreboard shows it."""

    def propose(self, history: History, feasible: Feasible) -> Floats:
        """One allowed price for each offer, shape ``(n_offers,)``; NaN where it has none, which counts as a failure."""


class DemandModel(Protocol):
    """Says what would be sold at other prices."""

    @property
    def name(self) -> str:
        """As the scoreboard shows it."""

    def fit(self, history: History) -> None:
        """Learn; called once before anything is asked."""

    def units(self, prices: Floats) -> Floats:
        """Expected units of the open period.

        Args:
            prices: shape ``(n_offers, n_prices)``, above 0 or NaN.

        Returns:
            shape of ``prices``, 0 or more; NaN for offers the model could not learn.
        """


@dataclass
class ModelPolicy:
    """The most profitable allowed price by a demand model, product by product, as every model is used here.

    Attributes:
        model: fitted.
    """

    model: DemandModel

    @property
    def name(self) -> str:
        """The model's."""
        return self.model.name

    def propose(self, history: History, feasible: Feasible) -> Floats:
        """See :class:`Policy`; NaN for offers that the model could not learn."""
        units = self.model.units(feasible.prices)
        profit = units * (feasible.prices - history.unit_cost[:, None])
        known = ~np.isnan(np.where(np.isnan(feasible.prices), 0.0, profit)).any(axis=1)
        chosen = np.full(len(known), np.nan)
        if known.any():
            chosen[known] = Feasible(feasible.prices[known]).best(profit[known])
        return chosen
