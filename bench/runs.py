"""Several runs of one stage as one record, alike for every stage."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

DIGITS = 6


def summarise(by_run: Sequence[Mapping[str, float]]) -> dict[str, Any]:
    """Medians with the number and the spread of the runs behind them.

    Args:
        by_run: the same figures of each run, by name; at least one run.

    Returns:
        every figure's median under its name, ``runs`` (how many), ``spread`` (figure → [smallest, largest] of the
        runs), and ``by_run`` (the figures of each run, in order); numbers with six digits.
    """
    columns = {name: [run[name] for run in by_run] for name in by_run[0]}
    return {
        **{name: _rounded(statistics.median(values)) for name, values in columns.items()},
        "runs": len(by_run),
        "spread": {name: [_rounded(min(values)), _rounded(max(values))] for name, values in columns.items()},
        "by_run": [{name: _rounded(value) for name, value in run.items()} for run in by_run],
    }


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")
