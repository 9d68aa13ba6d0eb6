"""The rules that bind every contender alike, read from the rules file that PriceLake itself prices under."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pricelake.errors import SettingsError
from pricelake.evaluation.contenders.interface import Feasible, Floats
from pricelake.settings.rules import EndingBand, EndingRule, FloorRule, HistoryRule, RuleSet, StepRule

CENT = 0.01
CENTS_IN_ENDINGS = 1000
"""An ending says no more than the last three digits."""


@dataclass(frozen=True)
class HardRules:
    """Largest change, least margin and price endings.

    Attributes:
        max_raise_rate: of the price in force, 0–1.
        max_lower_rate: of the price in force, 0–1.
        min_margin_rate: of the new price that must stay after the cost, 0–1.
        bands: endings by price, ascending.
    """

    max_raise_rate: float
    max_lower_rate: float
    min_margin_rate: float
    bands: tuple[EndingBand, ...]

    def feasible(self, price_now: Floats, unit_cost: Floats) -> Feasible:
        """Allowed prices of each offer; the price in force is always allowed, since nothing need be changed.

        Args:
            price_now: shape ``(n_offers,)``, above 0.
            unit_cost: same shape.
        """
        rows = [self._allowed(now, cost) for now, cost in zip(price_now, unit_cost, strict=True)]
        width = max(len(row) for row in rows)
        return Feasible(np.array([np.pad(row, (0, width - len(row)), constant_values=np.nan) for row in rows]))

    def _allowed(self, now: float, cost: float) -> Floats:
        low, high = now * (1.0 - self.max_lower_rate), now * (1.0 + self.max_raise_rate)
        cents = np.arange(np.ceil(low / CENT - 1e-9), np.floor(high / CENT + 1e-9) + 1.0)
        price = (cents * CENT).round(2)
        margin = price * (1.0 - self.min_margin_rate) >= cost - 1e-9
        return np.asarray(np.unique(np.append(price[self._ends_well(price) & margin], now)))

    def _ends_well(self, price: Floats) -> npt.NDArray[np.bool_]:
        limits = [band.below for band in self.bands if band.below is not None]
        number = np.searchsorted(np.array(limits), price, side="right")
        digits = np.char.zfill(((price / CENT).round().astype(np.int64) % CENTS_IN_ENDINGS).astype(str), 3)
        well = np.zeros(len(price), dtype=bool)
        for index, band in enumerate(self.bands):
            for ending in band.endings:
                wanted = ending.replace("X", "").replace(".", "")
                well |= (number == index) & np.char.endswith(digits, wanted)
        return well


def hard_rules(rules: RuleSet) -> HardRules:
    """The rules as every contender has to keep them.

    Args:
        rules: one floor by margin, one step rule and one ending rule, for all products. A history rule asks PriceLake
            for evidence and binds nobody else.

    Raises:
        SettingsError: another kind of rule, or one of these missing or for some products only.
    """
    found: dict[type, FloorRule | StepRule | EndingRule] = {}
    for rule in rules.rules:
        if isinstance(rule, HistoryRule):
            continue
        scope = rule.scope
        if not isinstance(rule, FloorRule | StepRule | EndingRule) or type(rule) in found:
            raise SettingsError(f"The scoreboard cannot hold all contenders to rule '{rule.name}' of '{rules.name}'.")
        if scope.departments or scope.categories or scope.products:
            raise SettingsError(f"Rule '{rule.name}' of '{rules.name}' is not for all products.")
        found[type(rule)] = rule
    floor, step, ending = found.get(FloorRule), found.get(StepRule), found.get(EndingRule)
    if not (
        isinstance(floor, FloorRule)
        and floor.min_margin_rate is not None
        and floor.min_price is None
        and isinstance(step, StepRule)
        and isinstance(ending, EndingRule)
    ):
        raise SettingsError(f"The scoreboard's rules '{rules.name}' need a floor by margin, a step and an ending rule.")
    return HardRules(step.max_raise_rate, step.max_lower_rate, floor.min_margin_rate, ending.bands)
