"""Where contenders are judged: a shop whose history they may read, and the truth they may not."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]
Names = npt.NDArray[np.str_]
STEP = 1e-4


@dataclass(frozen=True)
class Context:
    """What a period is like besides the shop's own prices.

    Attributes:
        last_prices: prices paid the period before by product_id, for rivals that react to them; None: those at the end
            of the history.
    """

    last_prices: pd.Series | None = None


class Market(Protocol):
    """A market in which every price has a known consequence.

    One file is enough to bring another one: a simulator, or a field experiment with its measured response. Products of
    one category may replace each other but do not support each other: units do not fall when another product gets
    dearer. The bound of the oracle (:mod:`pricelake.evaluation.oracle`) rests on that.

    Two attributes are optional and stand in every row: ``switches``, names of what makes the market hard (those of
    :class:`pricelake.settings.simulation.Switches`; none where it is absent), and ``instruments``, how strongly costs
    or other markets' prices move its prices without demand: strong, weak or none (which it is where it is absent).
    """

    @property
    def name(self) -> str:
        """As the scoreboard shows it."""

    @property
    def shop(self) -> Path:
        """Shop file of the history's bronze tables."""

    @property
    def as_of(self) -> date:
        """First day after the history; the first period that is priced begins on it."""

    def offers(self) -> pd.DataFrame:
        """What is on sale on ``as_of``.

        Returns:
            product_id, market_id, category (only products of one category take sales from each other), price_now (in
            force) and unit_cost (as the tables have it before ``as_of``; the period's own is in :meth:`unit_costs`), in
            currency. Optional: ``seed``, which independent world an offer belongs to (0 where it is absent; contenders
            get a number of the world instead), and ``periods_on_sale`` before ``as_of``, 0 for what is new.
        """

    def expected_units(self, prices: pd.Series, market: str, period: date, context: Context) -> pd.Series:
        """Expected units by product_id, without sampling noise.

        Args:
            prices: price paid by product_id, above 0, of whole categories of the market; others are not asked for.
            market: market_id.
            period: first day of the period, on or after ``as_of``.
            context: everything else.
        """

    def unit_costs(self, market: str, period: date) -> pd.Series:
        """Cost per unit by product_id in a period."""


@runtime_checkable
class ManyPrices(Protocol):
    """A market that answers for many price vectors at once; any other one is asked price by price."""

    def own_curves(self, offers: pd.DataFrame, moves: Sequence[float]) -> tuple[Floats, Floats]:
        """See :func:`pricelake.evaluation.asking.own_curves`."""

    def contributions(self, products: Names, market: str, prices: Floats, periods: Sequence[int]) -> Floats:
        """See :func:`pricelake.evaluation.asking.contributions`."""


@runtime_checkable
class KnownTastes(Protocol):
    """A market that knows what each customer likes."""

    def tastes(self, market: str) -> pd.DataFrame:
        """Expected purchases of each customer in one period at usual prices.

        Returns:
            customers in rows (customer_id as in the shop's tables), products on sale in columns.
        """


def own_elasticities(
    market: Market,
    prices: pd.Series,
    market_id: str,
    period: date,
    context: Context,
    products: Sequence[str] | None = None,
) -> pd.Series:
    """True own-price elasticities d log units_j / d log p_j by central differences.

    Args:
        market: whose truth.
        prices: at which, by product_id.
        market_id: in which of its markets.
        period: first day of the period.
        context: everything else.
        products: of which; None: all.

    Returns:
        by product_id; NaN where nothing is sold.
    """
    found = {}
    for product in prices.index if products is None else products:
        dearer, cheaper = prices.copy(), prices.copy()
        dearer[product] *= np.exp(STEP)
        cheaper[product] *= np.exp(-STEP)
        more = market.expected_units(dearer, market_id, period, context)[product]
        less = market.expected_units(cheaper, market_id, period, context)[product]
        found[product] = (np.log(more) - np.log(less)) / (2.0 * STEP) if more > 0.0 < less else np.nan
    return pd.Series(found, name="elasticity")
