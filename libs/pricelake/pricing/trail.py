"""The rule trail of each row: which rules applied, where their limits lay, which of them bound."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pricelake.pricing.decision import Choice
from pricelake.pricing.inputs import HOLD_REASONS, Stop
from pricelake.pricing.limits import NO_LIMIT, Limit
from pricelake.pricing.money import TICKS_PER_UNIT, Mask, Ticks
from pricelake.pricing.rows import PricingRows
from pricelake.settings.rules import EndingRule, RuleSet

TRAIL_FIELDS = [
    pa.field("rule", pa.string()),
    pa.field("kind", pa.string()),
    pa.field("bound_price", pa.string()),
    pa.field("binding", pa.bool_()),
]


@dataclass(frozen=True)
class TrailEntry:
    """One rule over all rows, arrays of shape (n_rows,).

    Attributes:
        rule: name in the rules file, or the code of a check that always runs.
        kind: floor, ceiling, step, range, ending or hold.
        ticks: its limit; None for endings and holds.
        applies: rows it was for.
        binding: rows where it decided.
    """

    rule: str
    kind: str
    ticks: Ticks | None
    applies: Mask
    binding: Mask


def limit_entries(limits: Sequence[Limit], choice: Choice, has_choice: Mask) -> list[TrailEntry]:
    """Entries of limits; one binds where the price in force or the best price without rules lies beyond it.

    Args:
        limits: all limits of the rules.
        choice: what was chosen.
        has_choice: rows no input check stopped; elsewhere nothing binds.
    """
    entries = []
    for limit in limits:
        beyond = limit.exceeded_by(choice.free_price) | _broken_by(limit, choice)
        if limit.kind == "ceiling":
            # a ceiling that gave way to a floor did not bind
            beyond &= ~choice.decided.bounds.is_ceiling_overruled
        entries.append(TrailEntry(limit.rule, limit.kind, limit.ticks, limit.applies, beyond & has_choice))
    return entries


def broken_limit(limits: Sequence[Limit], choice: Choice, has_choice: Mask) -> npt.NDArray[np.int64]:
    """Number of the floor or ceiling that the price in force breaks, -1 where none; shape (n_rows,)."""
    number = np.full(len(has_choice), -1, dtype=np.int64)
    for kind in ("ceiling", "floor"):  # the floor is the one to name where both are broken
        for index, limit in enumerate(limits):
            if limit.kind == kind:
                number = np.where(_broken_by(limit, choice) & choice.is_forced & has_choice, index, number)
    return number


def _broken_by(limit: Limit, choice: Choice) -> Mask:
    if limit.kind not in ("floor", "ceiling"):
        return np.zeros(len(limit.applies), dtype=bool)
    return limit.exceeded_by(choice.decided.price_now)


def ending_entries(rows: PricingRows, rules: RuleSet, choice: Choice) -> list[TrailEntry]:
    """Entries of ending rules; never binding: an ending moves a price by cents, not its direction."""
    endings = [rule for rule in rules.rules if isinstance(rule, EndingRule)]
    number = choice.decided.bounds.grid.number
    nowhere = np.zeros(len(rows), dtype=bool)
    return [TrailEntry(rule.name, "ending", None, number == index + 1, nowhere) for index, rule in enumerate(endings)]


def hold_entries(stops: Sequence[Stop]) -> list[TrailEntry]:
    """Entries of input checks: those of the rules file wherever they applied, the others where they stopped a row."""
    merged: dict[str, TrailEntry] = {}
    for stop in stops:
        applies = stop.stopped if stop.rule in HOLD_REASONS else stop.applies
        if not applies.any():
            continue
        before = merged.get(stop.rule)
        if before is not None:
            merged[stop.rule] = TrailEntry(
                stop.rule, "hold", None, before.applies | applies, before.binding | stop.stopped
            )
        else:
            merged[stop.rule] = TrailEntry(stop.rule, "hold", None, applies, stop.stopped)
    return list(merged.values())


def tightest(limits: Sequence[TrailEntry], price: Ticks) -> npt.NDArray[np.int64]:
    """Number of the binding entry whose limit is nearest to ``price``, -1 where none binds; shape (n_rows,)."""
    best, number = np.full(len(price), np.iinfo(np.int64).max), np.full(len(price), -1, dtype=np.int64)
    for index, entry in enumerate(limits):
        if entry.ticks is not None:
            distance = np.abs(entry.ticks - price)
            nearer = entry.binding & (distance < best)
            best, number = np.where(nearer, distance, best), np.where(nearer, index, number)
    return number


def trail_array(entries: Sequence[TrailEntry], n_rows: int) -> pa.Array:
    """The ``rules`` column: a list of structs per row, in the order of ``entries``."""
    applies = np.zeros((n_rows, len(entries)), dtype=bool)
    for index, entry in enumerate(entries):
        applies[:, index] = entry.applies
    row, which = np.nonzero(applies)
    offsets = np.concatenate([[0], np.cumsum(applies.sum(axis=1))]).astype(np.int32)
    binding, ticks = np.zeros(len(row), dtype=bool), np.zeros(len(row), dtype=np.int64)
    for index, entry in enumerate(entries):
        mine = which == index
        binding[mine] = entry.binding[row[mine]]
        if entry.ticks is not None:
            ticks[mine] = entry.ticks[row[mine]]
    has_limit = np.array([entry.ticks is not None for entry in entries], dtype=bool)[which] & (ticks < NO_LIMIT)
    numbers = pa.array(which.astype(np.int32))
    columns = [
        pa.array([entry.rule for entry in entries], pa.string()).take(numbers),
        pa.array([entry.kind for entry in entries], pa.string()).take(numbers),
        pc.if_else(pa.array(has_limit), limit_text(ticks), ""),
        pa.array(binding),
    ]
    return pa.ListArray.from_arrays(pa.array(offsets), pa.StructArray.from_arrays(columns, fields=TRAIL_FIELDS))


def limit_text(ticks: Ticks) -> pa.Array:
    """Limits as decimals with four digits after the point, exact; ``ticks`` of 0 or more, shape (n,)."""
    whole = pa.array(ticks // TICKS_PER_UNIT).cast(pa.string())
    rest = pc.utf8_lpad(pa.array(ticks % TICKS_PER_UNIT).cast(pa.string()), 4, "0")
    return pc.binary_join_element_wise(whole, rest, ".")
