"""A small simulated shop as the tests see it: its plans, its weeks and its truth as arrays."""

from typing import Any

import numpy as np

from pricelake.settings.simulation import SimulationSettings, Switches
from pricelake.simulator.draws import Array
from pricelake.simulator.history import set_stage
from pricelake.simulator.seller import Plans
from pricelake.simulator.truth import CategoryTruth, ShopTruth

SMALL: dict[str, Any] = {"seed": 11, "products": 32, "markets": 2, "weeks": 60, "customers": 3000}
ALL_OFF = Switches(**dict.fromkeys(Switches.model_fields, False))


def shop(**changes: Any) -> SimulationSettings:
    return SimulationSettings(**(SMALL | changes))


def truths(settings: SimulationSettings) -> list[CategoryTruth]:
    truth = ShopTruth(settings)
    return [truth.category(number) for number in range(settings.categories)]


def stacked(settings: SimulationSettings, name: str) -> Array:
    """One figure of every week, shape ``(weeks, markets, all products)``."""
    of = [[getattr(week, name) for week in truth.lived] for truth in truths(settings)]
    return np.concatenate([np.array(weeks) for weeks in of], axis=2)


def plans(settings: SimulationSettings) -> list[Plans]:
    return [set_stage(settings, number).plans for number in range(settings.categories)]


def correlation(left: Array, right: Array) -> float:
    """Within products and markets, over weeks, pooled."""
    left, right = left - left.mean(axis=0), right - right.mean(axis=0)
    return float((left * right).sum() / np.sqrt((left**2).sum() * (right**2).sum()))
