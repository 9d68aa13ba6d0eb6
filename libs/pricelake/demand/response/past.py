"""Demand before each row, and what of it is known by price and promotion.

Base units are what was sold, at the usual price and without promotion. They are a function of the parameters: what was
sold less what price and promotion did to it. Hence :meth:`PastDemand.slopes`. Demand per full period is base units over
time in stock, and of several periods the sum over the sum: each counts by how long the product was there to be sold.
"""

from dataclasses import dataclass

import numpy as np

from pricelake.demand.response.pack import Floats, Indices, Pack, Response

MEMORIES = (0.5, 0.2)
"""Weights of the last period in the exponentially weighted means of base units."""
LEAST_EXPOSURE = 0.05
"""Share of the weighted past in stock below which it says nothing, and demand is taken to have been the usual one."""
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
        exposure: periods in stock, above 0 and at most 1, same shape.
        usual: base units of the row's pair per period in stock, same shape.
        means: exponentially weighted means of base units per period in stock over the usual ones, one array for each of
            ``MEMORIES``.
        columns: ``PAST``, logs of ``means`` and of the same of the category; shape ``(n_rows, 3)``.
    """

    pack: Pack
    promoted: Floats
    base: Floats
    exposure: Floats
    usual: Floats
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
        moved = (self.base / self.usual)[:, None] * centred
        found = [
            -_before(moved, self.exposure, pair, self.pack.period, memory, nothing=0.0) / (mean + UNITS_FLOOR)[:, None]
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
    base, exposure = pack.units * np.exp(-effect - promoted), np.exp(pack.log_exposure)
    usual = np.maximum(np.bincount(pack.pair, base) / np.bincount(pack.pair, exposure), 1e-9)[pack.pair]
    means = tuple(_before(base / usual, exposure, pack.pair, pack.period, memory) for memory in MEMORIES)
    category = _of_category(pack, base, exposure * usual)
    columns = np.column_stack([np.log(one + UNITS_FLOOR) for one in (*means, category)])
    return PastDemand(pack, promoted, base, exposure, usual, means, columns)


def _of_category(pack: Pack, base: Floats, expected: Floats) -> Floats:
    """Exponentially weighted mean of what the row's category sold before, over what its products there usually sell."""
    first = int(pack.period.min())
    periods = int(pack.period.max()) - first + 1
    categories = int(pack.category.max()) + 1
    place = pack.category * periods + pack.period - first
    sold, usual = (np.bincount(place, values, minlength=categories * periods) for values in (base, expected))
    largest = np.maximum(usual.reshape(categories, periods).max(axis=1), 1e-9).repeat(periods)
    series, period = np.divmod(np.arange(categories * periods), periods)
    return np.asarray(_before(sold / largest, usual / largest, series, period, CATEGORY_MEMORY)[place])


def _before(
    values: Floats, exposure: Floats, series: Indices, period: Indices, memory: float, nothing: float = 1.0
) -> Floats:
    """Values of the periods before each row over their exposure, both summed with exponential weights.

    Args:
        values: shape ``(n_rows,)`` or ``(n_rows, n)``, sorted by series and period.
        exposure: what each row counts, 0–1, shape ``(n_rows,)``.
        series: number of each row's series.
        period: number of each row's period.
        memory: weight of the last period.
        nothing: what stands where there was no period, or hardly any exposure.
    """
    total, exposed, weights = np.zeros(values.shape), np.zeros(len(values)), np.zeros(len(values))
    for back in range(1, min(PERIODS_BACK, len(values) - 1) + 1):
        apart = period[back:] - period[:-back]
        is_known = (series[back:] == series[:-back]) & (apart <= PERIODS_BACK)
        weight = np.where(is_known, (1.0 - memory) ** (np.maximum(apart, 1) - 1.0), 0.0)
        total[back:] += (weight * values[:-back].T).T
        exposed[back:] += weight * exposure[:-back]
        weights[back:] += weight
    is_told = (weights > 0.0) & (exposed >= LEAST_EXPOSURE * weights)
    mean = total.T / np.where(is_told, exposed, 1.0)
    return np.asarray(np.where(is_told, mean, nothing).T)
