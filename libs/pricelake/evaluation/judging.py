"""Judge contenders on one shop: every figure by branch, nothing left out because it failed."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from pricelake.evaluation.contenders.interface import DemandModel, Feasible, Floats, History, Policy
from pricelake.evaluation.contenders.truthful import Oracle, TrueOwnCurves
from pricelake.evaluation.figures import STEPS, capture, change_groups, curve_elasticities, elasticity_errors, wape
from pricelake.evaluation.rows import Measured, Setting
from pricelake.evaluation.simulated import SimulatedMarket

TWITCH = 0.01
"""Elasticities of a model are differences over one percent to either side."""
CHANGES = (0.05, 0.10, 0.20)
WEEKS = (1, 4, 13)


@dataclass(frozen=True)
class Stage:
    """A shop on which contenders are judged.

    Attributes:
        market: its truth.
        history: what contenders know.
        feasible: prices that the rules allow.
        setting: under which the shop was made.
    """

    market: SimulatedMarket
    history: History
    feasible: Feasible
    setting: Setting

    @property
    def branches(self) -> npt.NDArray[np.int64]:
        """Branch of each offer."""
        return np.array([self.market.branch_of(market) for market in self.history.offers["market_id"]])

    def seed(self, branch: int) -> int:
        """Seed of a branch."""
        return self.market.settings.seed + branch


def judge_model(stage: Stage, model: DemandModel) -> list[Measured]:
    """Own-price bias, errors after price changes, forecast error and failed fits of a fitted or unfitted model."""
    history, started = stage.history, time.monotonic()
    model.fit(history)
    seconds = time.monotonic() - started
    moves = np.array(sorted({*STEPS, *CHANGES, *(-change for change in CHANGES)}))
    said = model.units(history.price_now[:, None] * (1.0 + moves))
    true, true_slopes = stage.market.own_curves(history.offers, moves.tolist())
    slopes = np.column_stack([_slope(model, history.price_now * (1.0 + step)) for step in STEPS])
    errors = elasticity_errors(slopes, true_slopes[:, [int(np.flatnonzero(moves == step)[0]) for step in STEPS]])
    changes = change_groups(history.open["price_changes"].to_numpy(dtype=np.int64))
    branches, found = stage.branches, []
    for branch in np.unique(branches):
        rows = branches == branch
        tell = _Teller(stage, int(branch), model.name)
        found += tell.own_price_bias(errors[rows], None)
        for group in np.unique(changes[rows]):
            found += tell.own_price_bias(errors[rows & (changes == group)], str(group))
        for change in CHANGES:
            both = np.isin(moves, (-change, change))
            error = wape(said[rows][:, both], true[rows][:, both])
            found.append(tell("after_change", f"error_{round(100 * change)}", error))
        now = moves == 0.0
        found.append(tell("after_change", "forecast_wape", wape(said[rows][:, now], true[rows][:, now])))
        short = 1.0 - float(np.nansum(said[rows][:, now])) / float(true[rows][:, now].sum())
        found.append(tell("after_change", "soldout_underestimation", short))
        found.append(tell("run", "failed_fits", float(np.isnan(said[rows][:, now]).sum())))
        found.append(tell("run", "seconds", seconds / stage.market.settings.branches))
    return found


def _slope(model: DemandModel, prices: Floats) -> Floats:
    """Elasticity of a model at prices, shape ``(n_offers,)``."""
    around = prices[:, None] * np.array([1.0 - TWITCH, 1.0 + TWITCH])
    return curve_elasticities(model.units(around), around)[:, 0]


def judge_policies(stage: Stage, policies: Sequence[Policy], weeks: Sequence[int] = WEEKS) -> list[Measured]:
    """Profit capture, regret and violations of policies over the next weeks; a missing price stays as it is."""
    history, branches = stage.history, stage.branches
    proposed = {}
    for policy in policies:
        prices = policy.propose(history, stage.feasible)
        proposed[policy.name] = np.where(np.isnan(prices), history.price_now, prices)
    own_curves = TrueOwnCurves(stage.market).propose(history, stage.feasible)
    found = []
    for number in weeks:
        best = Oracle(stage.market, number, start=own_curves).propose(history, stage.feasible)
        earned = {name: _earned(stage, prices, number) for name, prices in (proposed | {"oracle": best}).items()}
        now = _earned(stage, history.price_now, number)
        for name, profit in earned.items():
            is_broken = ~stage.feasible.allows(proposed.get(name, best))
            for branch, value in enumerate(profit):
                tell = _Teller(stage, branch, name, number)
                found.append(tell("profit_capture", "capture", capture(value, now[branch], earned["oracle"][branch])))
                found.append(tell("profit_capture", "regret_amount", earned["oracle"][branch] - value))
                broken = float(is_broken[branches == branch].sum())
                found.append(tell("profit_capture", "violations", broken))
    return found


def _earned(stage: Stage, prices: Floats, weeks: int) -> Floats:
    """True profit of each branch."""
    total = np.zeros(stage.market.settings.branches)
    for market_id, rows in stage.history.groups():
        products = stage.history.offers["product_id"].to_numpy()[rows]
        profit = stage.market.profits(products, market_id, prices[rows][None], weeks)[0]
        total[stage.market.branch_of(market_id)] += profit
    return total


@dataclass(frozen=True)
class _Teller:
    """Makes figures of one contender on one branch."""

    stage: Stage
    branch: int
    contender: str
    weeks: int | None = None

    def __call__(self, section: str, figure: str, value: float, group: str | None = None) -> Measured:
        setting = replace(self.stage.setting, weeks=self.weeks, group=group)
        return Measured(section, figure, self.contender, setting, self.stage.seed(self.branch), value)

    def own_price_bias(self, errors: Floats, group: str | None) -> list[Measured]:
        if np.isnan(errors).all():
            return []
        return [
            self("own_price_bias", "mean", float(np.nanmean(errors)), group),
            self("own_price_bias", "mean_absolute", float(np.nanmean(np.abs(errors))), group),
        ]
