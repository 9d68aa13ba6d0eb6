"""Ask a market for many prices at once, whether it has a fast answer or not."""

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
import pandas as pd

from pricelake.errors import ContractError
from pricelake.evaluation.market import Context, Floats, ManyPrices, Market, Names, own_elasticities

PERIOD = timedelta(days=7)


def expected_units(market: Market, prices: pd.Series, market_id: str, period: date, context: Context) -> pd.Series:
    """What a market answers, checked.

    Returns:
        units by the index of ``prices``, 0 or more.

    Raises:
        ContractError: a product has no units at its price, or fewer than 0.
    """
    found = market.expected_units(prices, market_id, period, context).reindex(prices.index)
    unknown = prices.index[~(np.isfinite(found) & (found >= 0.0))]
    if len(unknown):
        product = unknown[0]
        raise ContractError(
            f"Market '{market.name}' expects {found[product]} units of {product} at {prices[product]:.4g} in "
            f"{market_id} in the week of {period}. It has to answer every price that the rules allow: interpolate "
            f"between the prices that were tried, or allow no others (scoreboard.rules)."
        )
    return found


def own_curves(market: Market, offers: pd.DataFrame, moves: Sequence[float]) -> tuple[Floats, Floats]:
    """True units and own-price elasticities when one price moves and all others stay, in the first period.

    Args:
        market: whose truth.
        offers: rows of ``market.offers()``.
        moves: of the price in force, such as -0.1.

    Returns:
        units and elasticities, shape ``(n_offers, n_moves)``; an elasticity is NaN where nothing is sold.
    """
    if isinstance(market, ManyPrices):
        return market.own_curves(offers, moves)
    units, slopes = np.empty((len(offers), len(moves))), np.empty((len(offers), len(moves)))
    for rows in offers.groupby(["market_id", "category"]).indices.values():
        group = offers.iloc[rows]
        now = pd.Series(group["price_now"].to_numpy(dtype=np.float64), group["product_id"].to_numpy())
        market_id = str(group["market_id"].iloc[0])
        for row, product in zip(rows, now.index, strict=True):
            for column, move in enumerate(moves):
                tried = now.copy()
                tried[product] *= 1.0 + move
                units[row, column] = expected_units(market, tried, market_id, market.as_of, Context())[product]
                slope = own_elasticities(market, tried, market_id, market.as_of, Context(), products=[product])
                slopes[row, column] = slope[product]
    return units, slopes


def contributions(market: Market, products: Names, market_id: str, prices: Floats, periods: Sequence[int]) -> Floats:
    """Profit of each product of one category under price vectors held for some periods from ``as_of`` on.

    Args:
        market: whose truth.
        products: product_ids of all that is on sale of one category, the columns of ``prices``.
        market_id: in which of its markets.
        prices: shape ``(n, n_products)``, above 0.
        periods: how long prices are held, ascending.

    Returns:
        shape ``(len(periods), n, n_products)``.
    """
    if isinstance(market, ManyPrices):
        return market.contributions(products, market_id, prices, periods)
    found = np.empty((len(periods), *prices.shape))
    for row, values in enumerate(prices):
        held, total, last = pd.Series(values, products), np.zeros(len(products)), None
        for number in range(max(periods)):
            period = market.as_of + number * PERIOD
            units = expected_units(market, held, market_id, period, Context(last))
            costs = market.unit_costs(market_id, period)[held.index]
            total, last = total + ((held - costs) * units).to_numpy(dtype=np.float64), held
            if number + 1 in periods:
                found[list(periods).index(number + 1), row] = total
    return found
