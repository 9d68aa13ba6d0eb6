"""Allowed price endings as a ranked grid: neighbours, counts and thinning become integer arithmetic."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pricelake.pricing.money import Mask, Ticks
from pricelake.settings.rules import EndingRule

MAX_CENTS = 10**12


@dataclass(frozen=True)
class _Band:
    """Prices of ``[start, stop)`` cents whose remainder by ``modulus`` is one of ``residues`` (ascending)."""

    start: int
    stop: int
    modulus: int
    residues: Ticks

    def before(self, cents: Ticks) -> Ticks:
        """How many allowed numbers lie in ``[0, cents)``, the band's own limits aside."""
        full, rest = np.divmod(cents, self.modulus)
        return full * len(self.residues) + np.searchsorted(self.residues, rest, side="left")

    def up_to(self, cents: Ticks) -> Ticks:
        """How many of the band's prices are at most ``cents``."""
        inside = np.clip(cents + 1, self.start, self.stop)
        return self.before(inside) - self.before(np.int64(self.start))  # type: ignore[arg-type]

    def price(self, position: Ticks) -> Ticks:
        """The band's price number ``position`` from 0, in cents."""
        absolute = position + self.before(np.int64(self.start))  # type: ignore[arg-type]
        full, rest = np.divmod(absolute, len(self.residues))
        cents: Ticks = full * self.modulus + self.residues[rest]
        return cents


class EndingGrid:
    """All allowed prices of one ending rule, ranked from the lowest (rank 0).

    Without a rule every whole cent from 0.01 is allowed.
    """

    def __init__(self, rule: EndingRule | None = None) -> None:
        """Grid of ``rule``, or of all whole cents."""
        self.rule = rule
        self._bands = _bands(rule) if rule else [_Band(1, MAX_CENTS, 1, np.zeros(1, np.int64))]
        sizes = [int(band.up_to(np.int64(MAX_CENTS))) for band in self._bands]  # type: ignore[arg-type]
        self._offsets = np.concatenate([[0], np.cumsum(sizes)])

    def count_up_to(self, cents: Ticks) -> Ticks:
        """Allowed prices of at most ``cents``; the rank of the lowest allowed price above it."""
        count: Ticks = np.sum([band.up_to(cents) for band in self._bands], axis=0)
        return count

    def contains(self, cents: Ticks) -> Mask:
        """Whether ``cents`` is an allowed price."""
        return self.count_up_to(cents) > self.count_up_to(cents - 1)

    def price(self, rank: Ticks) -> Ticks:
        """Cents of the allowed price with that rank; ranks outside the grid are pulled to its ends."""
        inside = np.clip(rank, 0, self._offsets[-1] - 1)
        number = np.searchsorted(self._offsets, inside, side="right") - 1
        prices = np.zeros_like(inside)
        for index, band in enumerate(self._bands):
            mine = number == index
            if mine.any():
                prices[mine] = band.price(inside[mine] - self._offsets[index])
        return prices


class RowGrids:
    """The grid of each row; the same questions, asked of all rows at once."""

    def __init__(self, number: npt.NDArray[np.int64], grids: Sequence[EndingGrid]) -> None:
        """Row ``i`` has the grid ``grids[number[i]]``; ``number`` has shape (n_rows,)."""
        self.number = number
        self.grids = tuple(grids)

    def count_up_to(self, cents: Ticks) -> Ticks:
        """As :meth:`EndingGrid.count_up_to`, shape (n_rows,) or (n_rows, n_steps)."""
        return self._each(cents, EndingGrid.count_up_to)

    def price(self, rank: Ticks) -> Ticks:
        """As :meth:`EndingGrid.price`, shape (n_rows,) or (n_rows, n_steps)."""
        return self._each(rank, EndingGrid.price)

    def contains(self, cents: Ticks) -> Mask:
        """As :meth:`EndingGrid.contains`, shape (n_rows,) or (n_rows, n_steps)."""
        return self.count_up_to(cents) > self.count_up_to(cents - 1)

    def _each(self, values: Ticks, ask: Callable[[EndingGrid, Ticks], Ticks]) -> Ticks:
        answer = np.zeros_like(values)
        for index, grid in enumerate(self.grids):
            mine = self.number == index
            if mine.any():
                answer[mine] = ask(grid, values[mine])
        return answer


def _bands(rule: EndingRule) -> list[_Band]:
    bands, start = [], 1
    for band in rule.bands:
        stop = MAX_CENTS if band.below is None else round(band.below * 100)
        modulus = max(_modulus(ending) for ending in band.endings)
        bands.append(_Band(start, max(stop, start), modulus, _residues(band.endings, modulus)))
        start = max(stop, start)
    return bands


def _modulus(ending: str) -> int:
    return 10 if ending.startswith("X") else 1000 if "." in ending else 100


def _residues(endings: Sequence[str], modulus: int) -> Ticks:
    """All remainders in ``[0, modulus)`` that end in one of ``endings``."""
    numbers = np.arange(modulus)
    allowed = np.zeros(modulus, dtype=bool)
    for ending in endings:
        allowed |= numbers % _modulus(ending) == int(ending.removeprefix("X").replace(".", ""))
    return np.asarray(numbers[allowed], dtype=np.int64)
