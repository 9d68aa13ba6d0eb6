"""Demand before each row, and what of it is known by price and promotion.

Base units are what was sold per full period in stock, at the usual price and without promotion. They are a function of
the parameters: what was sold less what price and promotion did to it. Hence :meth:`PastDemand.slopes`.
"""

from dataclasses import dataclass

import numpy as np

from pricelake.demand.response.pack import Floats, Indices, Pack, Response

MEMORIES = (0.5, 0.2)
"""Weights of the last period in the exponentially weighted means of base units."""
PERIODS_BACK = 12
UNITS_FLOOR = 0.1
CATEGORY_MEMORY = 0.3
PAST = ("past_units_fast", "past_units_slow", "past_category_units")
PAST_PRICE = ("past_price_fast", "past_price_slow")


@dataclass(frozen=True)
class PastDemand:
    """Past demand of each row.

    Attributes:
        pack: rows.
        promoted: log units with the rows' promotions against those without, by the effects of their categories, shape
            ``(n_rows,)``.
        base: base units, shape ``(n_rows,)``.
        relative: the same over the pair's mean.
        means: exponentially weighted means of ``relative``, one array for each of ``MEMORIES``.
        columns: ``PAST``, logs of past base units over the pair's, or the category's, own mean; shape ``(n_rows, 3)``.
    """

    pack: Pack
    promoted: Floats
    base: Floats
    relative: Floats
    means: tuple[Floats, ...]
    columns: Floats

    def slopes(self, effects: Floats) -> Floats:
        """What a unit of each of several effects takes off ``PAST`` of the product, in logs.

        Args:
            effects: on the log of units in their own period, shape ``(n_rows, n)``.

        Returns:
            shape ``(len(MEMORIES), n_rows, n)``; 0 where there is no past.
        """
        pair = self.pack.pair
        weighted = np.column_stack([np.bincount(pair, self.base * effect) for effect in effects.T])
        centred = effects - (weighted / np.maximum(np.bincount(pair, self.base), 1e-9)[:, None])[pair]
        moved = self.relative[:, None] * centred
        found = [
            -_before(moved, pair, self.pack.period, memory, nothing=0.0) / (mean + UNITS_FLOOR)[:, None]
            for memory, mean in zip(MEMORIES, self.means, strict=True)
        ]
        return np.stack(found)


def past_demand(pack: Pack, now: Response, effect: Floats) -> PastDemand:
    """What was sold before each row, at the usual price and without promotion.

    Args:
        pack: rows.
        now: where the fit stands.
        effect: :func:`price_effect` of the rows.
    """
    of_all = now.coefficients[: pack.promotions.shape[1]]
    promoted = np.sum(pack.promotions * (of_all + now.apart[now.category[pack.product]]), axis=1)
    base = pack.units * np.exp(-effect - promoted - pack.log_exposure)
    usual = np.bincount(pack.pair, base) / np.bincount(pack.pair)
    relative = base / np.maximum(usual, 1e-9)[pack.pair]
    means = tuple(_before(relative, pack.pair, pack.period, memory) for memory in MEMORIES)
    first = int(pack.period.min())
    periods = int(pack.period.max()) - first + 1
    table = np.zeros((int(pack.category.max()) + 1, periods))
    np.add.at(table, (pack.category, pack.period - first), base)
    table = table / np.maximum(table.mean(axis=1, keepdims=True), 1e-9)
    whole = np.repeat(np.arange(len(table)), periods), np.tile(np.arange(periods), len(table))
    of_category = _before(table.ravel(), whole[0], whole[1], CATEGORY_MEMORY).reshape(table.shape)
    category = of_category[pack.category, pack.period - first]
    columns = np.column_stack([np.log(one + UNITS_FLOOR) for one in (*means, category)])
    return PastDemand(pack, promoted, base, relative, means, columns)


def _before(values: Floats, series: Indices, period: Indices, memory: float, nothing: float = 1.0) -> Floats:
    """Exponentially weighted mean of the periods before each row; ``nothing`` where there are none.

    Args:
        values: shape ``(n_rows,)`` or ``(n_rows, n)``, sorted by series and period.
        series: number of each row's series.
        period: number of each row's period.
        memory: weight of the last period.
        nothing: what stands where there was no period.
    """
    total, weights = np.zeros(values.shape), np.zeros(len(values))
    for back in range(1, min(PERIODS_BACK, len(values) - 1) + 1):
        apart = period[back:] - period[:-back]
        is_known = (series[back:] == series[:-back]) & (apart <= PERIODS_BACK)
        weight = np.where(is_known, (1.0 - memory) ** (np.maximum(apart, 1) - 1.0), 0.0)
        total[back:] += (weight * values[:-back].T).T
        weights[back:] += weight
    mean = (total.T / np.where(weights > 0.0, weights, 1.0)).T
    return np.asarray(np.where(weights > 0.0, mean.T, nothing).T)
