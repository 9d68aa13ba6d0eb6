"""The rows of a scoreboard's record, found by what they are of."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pricelake.evaluation.rows import HIGHER, worst
from pricelake.settings.simulation import Switches

ALL = tuple(Switches.model_fields)
CALM = tuple(name for name in ALL if not name.startswith("confounding"))
USUAL_INSTRUMENTS = "strong"
KNOWING = ("true_own_curves", "oracle")
"""They know the truth and are no rivals."""
NO_RIVALS = ("pricelake", *KNOWING)
VARIANT = "pricelake_"
"""What the names of PriceLake under other settings begin with."""
Row = Mapping[str, Any]


class Scores:
    """Rows of a record by what they are."""

    def __init__(self, record: Mapping[str, Any]) -> None:
        """Take the rows of a scoreboard.json, and which cases and share of weeks that sell out are the usual ones."""
        self.rows: list[Row] = list(record["rows"])
        self.usual_rate = float(record["usual_sold_out_rate"])
        self.usual_shops = {one["name"] for one in record["cases"] if one["usual_shop"]}

    def find(self, section: str, figure: str, contender: str, switches: Sequence[str] = ALL, **more: Any) -> Row | None:
        """The row of one figure.

        What is not named must be absent from the row; the instruments, the share of weeks that sell out, where any do,
        and the make of the shop (``case`` names another one) must then be the usual ones.
        """
        usual = {"instruments": USUAL_INSTRUMENTS, "sold_out_rate": self.usual_rate if "sold_out" in switches else None}
        wanted, keys = usual | more, ("instruments", "weeks", "group", "sold_out_rate")
        for row in self.rows:
            if (row["section"], row["figure"], row["contender"]) == (section, figure, contender) and (
                sorted(row["switches"]) == sorted(switches)
                and all(row.get(key) == wanted.get(key) for key in keys)
                and (row["case"] == more["case"] if "case" in more else row["case"] in self.usual_shops)
            ):
                return row
        return None

    def best(
        self, section: str, figure: str, among: Sequence[str] | None = None, switches: Sequence[str] = ALL, **more: Any
    ) -> Row | None:
        """The row of the best mean, known only afterwards; None where nothing was measured.

        Args:
            section: of the figure.
            figure: one of which more is better, or an error, of which less is.
            among: contenders; None: all rivals (:meth:`is_rival`).
            switches: as in :meth:`find`.
            **more: as in :meth:`find`.
        """
        names = [name for name in self.contenders() if self.is_rival(name)] if among is None else among
        found = [self.find(section, figure, name, switches, **more) for name in names]
        known = [row for row in found if row and row["mean"] is not None]
        pick = max if figure in HIGHER else min
        return pick(known, key=lambda row: row["mean"], default=None)

    def contenders(self, section: str | None = None) -> list[str]:
        """Everybody who has a row, of a section or at all, in the order of the record."""
        return list(dict.fromkeys(str(row["contender"]) for row in self.rows if section in (None, row["section"])))

    def is_rival(self, contender: str) -> bool:
        """Whether it is neither PriceLake, nor PriceLake under other settings, nor one that knows the truth."""
        return contender not in NO_RIVALS and not contender.startswith(VARIANT)

    def cases(self, section: str, figure: str) -> list[str]:
        """Cases of the usual make of shop in which a figure was measured, in the order of the record."""
        of = [row for row in self.rows if (row["section"], row["figure"]) == (section, figure)]
        return [name for name in dict.fromkeys(str(row["case"]) for row in of) if name in self.usual_shops]

    def of_case(self, section: str, figure: str, case: str) -> dict[str, Row]:
        """Contender → its row of a figure that is neither by weeks nor by group."""
        return {
            str(row["contender"]): row
            for row in self.rows
            if (row["section"], row["figure"], row["case"]) == (section, figure, case)
        }

    def worst(self, section: str, figure: str, contender: str | None = None) -> float | None:
        """The worst seed of a figure over all cases and contenders, or over one contender's.

        What is worse is the figure's own: more violations, less capture (:func:`pricelake.evaluation.rows.worst`). Rows
        whose worst seed is null, which is a seed without a value, are passed over; None where nothing else is left.
        """
        values = [
            float(row["worst"])
            for row in self.rows
            if (row["section"], row["figure"]) == (section, figure)
            and contender in (None, row["contender"])
            and row["worst"] is not None
        ]
        return worst(figure, np.array(values)) if values else None

    def weeks(self, section: str, figure: str) -> list[int]:
        """Numbers of weeks under which a figure was measured, ascending."""
        found = {row.get("weeks") for row in self.rows if (row["section"], row["figure"]) == (section, figure)}
        return sorted(number for number in found if number is not None)

    def rates(self, section: str, figure: str) -> list[tuple[str, dict[str, float]]]:
        """Shares of weeks sold out under which a figure was measured, ascending: heading, and what the row says."""
        of = [row for row in self.rows if (row["section"], row["figure"]) == (section, figure)]
        found = {float(row["sold_out_rate"]) for row in of if row.get("sold_out_rate") is not None}
        return [(f"{100 * rate:g} %", {"sold_out_rate": rate}) for rate in sorted(found | {self.usual_rate})]

    def fewest_seeds(self, *, grouped: bool) -> int | None:
        """The smallest number of seeds behind a figure of products that has a value; None where there is none.

        Args:
            grouped: of groups of price changes, or of everything else.

        Section ``run`` is left out: time and memory are one measurement of all seeds together.
        """
        return min(
            (
                int(row["seeds"])
                for row in self.rows
                if row["section"] != "run"
                and row["mean"] is not None
                and row.get("group", "").startswith("changes_") == grouped
            ),
            default=None,
        )


def said(row: Row | None) -> str:
    """Mean and interval of a row; a dash where there is none."""
    if row is None or row["mean"] is None:
        return "–"
    form = _form(row["mean"])
    ends = "" if row["low"] is None else f" ({form.format(row['low'])} … {form.format(row['high'])})"
    return form.format(row["mean"]) + ends


def said_worst(row: Row | None) -> str:
    """The worst seed of a row; a dash where there is none."""
    return "–" if row is None or row["worst"] is None else _form(row["worst"]).format(row["worst"])


def said_mean(row: Row | None) -> str:
    """Mean of a row without its interval; a dash where there is none."""
    return "–" if row is None or row["mean"] is None else _form(row["mean"]).format(row["mean"])


def _form(value: float) -> str:
    return "{:.2f}" if abs(value) < 100 else "{:,.0f}"
