"""What all sections of the scoreboard share: a shop, its truth where it was asked, and contenders at work on it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from pricelake.evaluation.asking import contributions, own_curves
from pricelake.evaluation.contenders.curves import recent_level
from pricelake.evaluation.contenders.interface import DemandModel, Feasible, Floats, History, ModelPolicy, Policy
from pricelake.evaluation.contenders.truthful import Optimum, TrueOwnCurves, find_optimum
from pricelake.evaluation.figures import STEPS, curve_elasticities
from pricelake.evaluation.market import Market
from pricelake.evaluation.rows import Measured, Setting
from pricelake.evaluation.scoring.effort import Effort, attempted
from pricelake.evaluation.scoring.failures import told

TWITCH = 0.05
"""Elasticities of a model are differences over five percent to either side: curves of trees are steps, and closer
points say nothing about them; for smooth curves it makes no difference that shows."""
CHANGES = (0.05, 0.10, 0.20)
MOVES = tuple(sorted({*STEPS, *CHANGES, *(-change for change in CHANGES)}))
AT_STEPS = [MOVES.index(step) for step in STEPS]


@dataclass(frozen=True)
class Stage:
    """A shop on which contenders are judged.

    Attributes:
        market: its truth.
        history: what contenders know, and the seeds of their worlds, which they do not (:meth:`copied_history`).
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

    def copied_history(self) -> History:
        """The history for a stranger to do with as it likes: worlds have numbers, for seeds would tell the truth."""
        known = self.history
        world = np.unique(self.seed_of_offer, return_inverse=True)[1]
        offers = known.offers.drop(columns="seed", errors="ignore").assign(world=world)
        return History(known.closed.copy(), known.open.copy(), offers, known.ratings.copy(), known.buyers.copy())

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

    @cached_property
    def first_profit_now(self) -> Floats:
        """True profit of each group in the first week at the prices in force, shape ``(groups,)``."""
        return np.asarray(self.profit(self.history.price_now, [1])[0])

    @cached_property
    def recent_profit(self) -> Floats:
        """What each group sold in a period lately would earn at the prices in force, shape ``(groups,)``.

        Everybody knows it before prices are set. See :func:`pricelake.evaluation.contenders.curves.recent_level`; what
        is new has sold nothing.
        """
        units = np.nan_to_num(recent_level(self.history)[0])
        earned = units * (self.history.price_now - self.history.unit_cost)
        return np.array([earned[rows].sum() for _, rows in self.groups])

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
        out_of: float | None = None,
        weeks: int | None = None,
        group: str | None = None,
    ) -> Measured:
        """One figure under the stage's setting; ``out_of`` as in :class:`pricelake.evaluation.rows.Measured`."""
        setting = replace(self.setting, weeks=weeks, group=group)
        whole = None if out_of is None else float(out_of)
        return Measured(section, figure, contender, setting, seed, float(value), whole)


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


@runtime_checkable
class KnowsItsGains(Protocol):
    """A contender that states the gain of its own prices, with its uncertainty."""

    def gains(self) -> tuple[Floats, Floats] | tuple[Floats, Floats, Floats]:
        """Expected gain of each offer in the first period and its standard deviation, currency, shape ``(n_offers,)``.

        NaN where no price was set. A third array of shape ``(parts, n_offers)``, if there is one, is what the offers of
        a category have in common of their deviations, with its sign, part by part: each is added up before it is
        squared. Beyond them offers are taken for independent of each other.
        """


@runtime_checkable
class KnowsItsLimits(Protocol):
    """A contender that says how well it knows its elasticities."""

    def elasticity_limits(self) -> tuple[Floats, npt.NDArray[np.bool_]]:
        """Standard deviation of each offer's elasticity at the price in force, and whether nothing identifies it.

        Both shape ``(n_offers,)``; NaN and false where it has no answer.
        """


@dataclass(frozen=True)
class Contestant:
    """A contender at work on one stage: fitted and asked once.

    Attributes:
        name: the contender's.
        effort: what its fit took; None: it learns nothing.
        units: said at ``MOVES`` of the price in force, shape ``(n_offers, moves)``, NaN where it has no answer; None:
            it has no demand model.
        slopes: said elasticities at ``STEPS``, shape ``(n_offers, steps)``; None as above.
        prices: that it sets, shape ``(n_offers,)``; those in force where it sets none or one that the rules forbid.
        forbidden: offers for which it wanted a price that the rules forbid.
        gains: expected gain of each offer, its standard deviation (NaN: not stated), both shape ``(n_offers,)``, and
            the parts of that which the offers of a category share, with their signs, shape ``(parts, n_offers)``;
            currency; 0 where it sets no price; None: it promises nothing.
        failed: offers it could not learn or price, or of which it says 0 units near one of ``STEPS`` where some are
            sold: 0 units have no elasticity.
        error: what went wrong with all of it; None where nothing did.
        limits: as of :class:`KnowsItsLimits`; None: it does not say.
    """

    name: str
    effort: Effort | None
    units: Floats | None
    slopes: Floats | None
    prices: Floats
    forbidden: npt.NDArray[np.bool_]
    gains: tuple[Floats, Floats, Floats] | None
    failed: npt.NDArray[np.bool_]
    error: str | None
    limits: tuple[Floats, npt.NDArray[np.bool_]] | None = None


@dataclass(frozen=True)
class Answer:
    """What a contender said, as it said it; NaN where it said nothing."""

    units: Floats | None
    slopes: Floats | None
    prices: Floats
    gains: tuple[Floats, Floats, Floats] | None
    limits: tuple[Floats, npt.NDArray[np.bool_]] | None = None


def enter(contender: Contender, stage: Stage) -> Contestant:
    """Fit and ask a contender. Whatever it raises makes it fail here, where it counts, and stops nobody else.

    Args:
        contender: a demand model (fit, units), a policy (propose), or both.
        stage: where.
    """
    history, effort, error = stage.history, getattr(contender, "effort", None), None
    try:
        if isinstance(contender, Learns):
            took, failure = attempted(partial(contender.fit, stage.copied_history()))
            effort = effort or took
            if failure is not None:
                raise failure
        answer = _ask(contender, stage)
    except Exception as raised:  # noqa: BLE001 - a stranger's code may raise anything; it is counted and shown
        error = told(raised)
        answer = _silence(contender, len(history.offers))
    allowed = stage.feasible.allows(np.nan_to_num(answer.prices))
    forbidden = ~np.isnan(answer.prices) & ~allowed
    return Contestant(
        name=contender.name,
        effort=effort,
        units=answer.units,
        slopes=answer.slopes,
        prices=np.where(allowed, answer.prices, history.price_now),
        forbidden=forbidden,
        gains=answer.gains,
        failed=_failed(stage, answer),
        error=error,
        limits=answer.limits,
    )


def _ask(contender: Contender, stage: Stage) -> Answer:
    """Everything that is asked of a contender.

    Raises:
        ValueError: an answer has not the shape or the values it must have.
    """
    history = stage.copied_history()
    offers, now = len(history.offers), history.price_now
    units, slopes = None, None
    if isinstance(contender, Answers):
        units = _units(contender, now[:, None] * (1.0 + np.array(MOVES)))
        slopes = np.column_stack([_slope(contender, now * (1.0 + step)) for step in STEPS])
    policy = contender if isinstance(contender, Proposes) else ModelPolicy(contender)
    prices = _prices(policy.propose(history, Feasible(stage.feasible.prices.copy())), offers)
    if isinstance(contender, KnowsItsGains):
        gain, deviation, *others = (np.asarray(part, dtype=np.float64) for part in contender.gains())
        shared = others[0] if others else np.zeros((0, offers))
        fits = gain.shape == deviation.shape == (offers,) and shared.ndim == 2 and shared.shape[1] == offers
        if len(others) > 1 or not fits:
            raise ValueError(
                f"gains() must return two arrays of shape ({offers},) and, if it likes, one of (parts, {offers})"
            )
    elif isinstance(contender, Answers):
        both = np.column_stack([now, np.where(np.isnan(prices), now, prices)])
        profit = _units(contender, both) * (both - history.unit_cost[:, None])
        gain, deviation, shared = profit[:, 1] - profit[:, 0], np.full(offers, np.nan), np.zeros((0, offers))
    else:
        return Answer(units, slopes, prices, None)
    limits = _limits(contender, offers) if isinstance(contender, KnowsItsLimits) else None
    return Answer(units, slopes, prices, (np.nan_to_num(gain), deviation, np.nan_to_num(shared)), limits)


def _failed(stage: Stage, answer: Answer) -> npt.NDArray[np.bool_]:
    """See :class:`Contestant`; shape ``(n_offers,)``. The truth is asked only where units of 0 took an elasticity."""
    silent = np.isnan(answer.prices)
    if answer.units is None or answer.slopes is None:
        return silent
    silent |= np.isnan(answer.units).any(axis=1)
    lost = np.isnan(answer.slopes) & ~silent[:, None]
    if lost.any():
        lost &= ~np.isnan(stage.own_truth[1][:, AT_STEPS])
    return np.asarray(silent | lost.any(axis=1))


def _silence(contender: Contender, offers: int) -> Answer:
    """What a contender that failed as a whole says: nothing, and that its prices gain nothing."""
    nothing = np.full(offers, np.nan)
    no_gain = (np.zeros(offers), nothing, np.zeros((0, offers)))
    if not isinstance(contender, Answers):
        return Answer(None, None, nothing, no_gain if isinstance(contender, KnowsItsGains) else None)
    units, slopes = np.full((offers, len(MOVES)), np.nan), np.full((offers, len(STEPS)), np.nan)
    limits = (nothing, np.zeros(offers, dtype=bool)) if isinstance(contender, KnowsItsLimits) else None
    return Answer(units, slopes, nothing, no_gain, limits)


def _units(model: Answers, prices: Floats) -> Floats:
    found = np.asarray(model.units(prices), dtype=np.float64)
    if found.shape != prices.shape or np.isinf(found).any() or (found < 0.0).any():
        raise ValueError(f"units() must return finite numbers from 0 on, or NaN, in the shape {prices.shape} of prices")
    return found


def _limits(contender: KnowsItsLimits, offers: int) -> tuple[Floats, npt.NDArray[np.bool_]]:
    deviation, is_weak = contender.elasticity_limits()
    found = np.asarray(deviation, dtype=np.float64), np.asarray(is_weak, dtype=bool)
    if found[0].shape != (offers,) or found[1].shape != (offers,) or (found[0] < 0.0).any():
        raise ValueError(f"elasticity_limits() must return deviations from 0 on and flags, both of shape ({offers},)")
    return found


def _prices(proposed: Floats, offers: int) -> Floats:
    found = np.asarray(proposed, dtype=np.float64)
    if found.shape != (offers,) or np.isinf(found).any() or (found <= 0.0).any():
        raise ValueError(f"propose() must return a price above 0, or NaN, for each of {offers} offers")
    return found


def _slope(model: Answers, prices: Floats) -> Floats:
    """Elasticity of a model at prices, shape ``(n_offers,)``."""
    around = prices[:, None] * np.array([1.0 - TWITCH, 1.0 + TWITCH])
    return curve_elasticities(_units(model, around), around)[:, 0]
