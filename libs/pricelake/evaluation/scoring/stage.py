"""What all sections of the scoreboard share: a shop, its truth where it was asked, and contenders at work on it."""

import traceback
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from pricelake.evaluation.asking import contributions, own_curves
from pricelake.evaluation.contenders.interface import DemandModel, Feasible, Floats, History, ModelPolicy, Policy
from pricelake.evaluation.contenders.truthful import Optimum, TrueOwnCurves, find_optimum
from pricelake.evaluation.figures import STEPS, curve_elasticities
from pricelake.evaluation.market import Market
from pricelake.evaluation.rows import Measured, Setting
from pricelake.evaluation.scoring.effort import Effort, measured

TWITCH = 0.01
"""Elasticities of a model are differences over one percent to either side."""
CHANGES = (0.05, 0.10, 0.20)
MOVES = tuple(sorted({*STEPS, *CHANGES, *(-change for change in CHANGES)}))


@dataclass(frozen=True)
class Stage:
    """A shop on which contenders are judged.

    Attributes:
        market: its truth.
        history: what contenders know.
        feasible: prices that the rules allow.
        setting: under which the shop was made.
        weeks: how long prices are held where profit is counted, ascending.
    """

    market: Market
    history: History
    feasible: Feasible
    setting: Setting
    weeks: tuple[int, ...] = (1, 4, 13)

    @cached_property
    def seed_of_offer(self) -> npt.NDArray[np.int64]:
        """Seed of the world that each offer belongs to."""
        offers = self.history.offers
        return offers["seed"].to_numpy(dtype=np.int64) if "seed" in offers else np.zeros(len(offers), dtype=np.int64)

    @property
    def seeds(self) -> list[int]:
        """All of them, ascending."""
        return [int(seed) for seed in np.unique(self.seed_of_offer)]

    @cached_property
    def groups(self) -> list[tuple[str, npt.NDArray[np.intp]]]:
        """Offers that may take sales from each other: market_id and rows."""
        return self.history.groups()

    @cached_property
    def seed_of_group(self) -> npt.NDArray[np.int64]:
        """Seed of each group."""
        return np.array([self.seed_of_offer[rows[0]] for _, rows in self.groups])

    @cached_property
    def own_truth(self) -> tuple[Floats, Floats]:
        """True units and own-price elasticities at ``MOVES``, shape ``(n_offers, moves)``."""
        return own_curves(self.market, self.history.offers, MOVES)

    @cached_property
    def optimum(self) -> Optimum:
        """The best allowed prices for each number of weeks."""
        start = TrueOwnCurves(self.market).propose(self.history, self.feasible)
        return find_optimum(self.market, self.history, self.feasible, self.weeks, start)

    def profit(self, prices: Floats, weeks: Sequence[int] | None = None) -> Floats:
        """True profit of each group.

        Args:
            prices: shape ``(n_offers,)``.
            weeks: how long they are held, ascending; None: the stage's.

        Returns:
            shape ``(len(weeks), groups)``.
        """
        found = [
            contributions(self.market, self.history.products[rows], market_id, prices[rows][None], weeks or self.weeks)
            for market_id, rows in self.groups
        ]
        return np.stack([one[:, 0].sum(axis=-1) for one in found], axis=1)

    def tell(
        self,
        section: str,
        figure: str,
        contender: str,
        seed: int,
        value: float,
        *,
        weeks: int | None = None,
        group: str | None = None,
    ) -> Measured:
        """One figure under the stage's setting."""
        setting = replace(self.setting, weeks=weeks, group=group)
        return Measured(section, figure, contender, setting, seed, float(value))


@runtime_checkable
class Learns(Protocol):
    """A contender that is fitted before it is asked."""

    def fit(self, history: History) -> None:
        """See :class:`pricelake.evaluation.contenders.interface.DemandModel`."""


@runtime_checkable
class Proposes(Protocol):
    """A contender that sets prices itself."""

    def propose(self, history: History, feasible: Feasible) -> Floats:
        """See :class:`pricelake.evaluation.contenders.interface.Policy`."""


@runtime_checkable
class Answers(Protocol):
    """A contender with a demand model."""

    def units(self, prices: Floats) -> Floats:
        """See :class:`pricelake.evaluation.contenders.interface.DemandModel`."""


Contender = DemandModel | Policy
"""May also carry ``effort``, what its fit took, where it was fitted before the scoreboard met it."""


@dataclass(frozen=True)
class Contestant:
    """A contender at work on one stage: fitted and asked once.

    Attributes:
        name: the contender's.
        contender: itself.
        effort: what its fit took; None: it learns nothing.
        units: said at ``MOVES`` of the price in force, shape ``(n_offers, moves)``, NaN where it has no answer; None:
            it has no demand model.
        slopes: said elasticities at ``STEPS``, shape ``(n_offers, steps)``; None as above.
        prices: that it sets, shape ``(n_offers,)``; those in force where it sets none.
        failed: offers it could not learn or price.
        error: what went wrong with all of it; None where nothing did.
    """

    name: str
    contender: Contender
    effort: Effort | None
    units: Floats | None
    slopes: Floats | None
    prices: Floats
    failed: npt.NDArray[np.bool_]
    error: str | None


def enter(contender: Contender, stage: Stage) -> Contestant:
    """Fit and ask a contender. Whatever it raises makes it fail here, where it counts, and stops nobody else.

    Args:
        contender: a demand model (fit, units), a policy (propose), or both.
        stage: where.
    """
    history, offers = stage.history, len(stage.history.offers)
    units, slopes, prices = None, None, np.full(offers, np.nan)
    effort: Effort | None = getattr(contender, "effort", None)
    error: str | None = None
    if isinstance(contender, Answers):
        units, slopes = np.full((offers, len(MOVES)), np.nan), np.full((offers, len(STEPS)), np.nan)
    try:
        if isinstance(contender, Learns):
            took = measured(partial(contender.fit, history))
            effort = effort or took
        if isinstance(contender, Answers):
            units = said(contender, history.price_now[:, None] * (1.0 + np.array(MOVES)), history)
            slopes = np.column_stack([_slope(contender, history, 1.0 + step) for step in STEPS])
        policy = contender if isinstance(contender, Proposes) else ModelPolicy(contender)
        prices = policy.propose(history, stage.feasible)
    except Exception:  # noqa: BLE001 - a stranger's code may raise anything; it is counted and shown
        error = traceback.format_exc(limit=-3)
    failed = np.isnan(prices) if units is None else np.isnan(units).any(axis=1)
    held = np.where(np.isnan(prices), history.price_now, prices)
    return Contestant(contender.name, contender, effort, units, slopes, held, failed, error)


def said(model: Answers, prices: Floats, history: History) -> Floats:
    """Units, NaN for offers that the panel does not know: a model that still says something about them guesses.

    Args:
        model: fitted.
        prices: shape ``(n_offers, n_prices)``.
        history: it was fitted on.
    """
    return np.where(history.is_known[:, None], model.units(prices), np.nan)


def _slope(model: Answers, history: History, factor: float) -> Floats:
    """Elasticity of a model at a multiple of the prices in force, shape ``(n_offers,)``."""
    around = (history.price_now * factor)[:, None] * np.array([1.0 - TWITCH, 1.0 + TWITCH])
    return curve_elasticities(said(model, around, history), around)[:, 0]
