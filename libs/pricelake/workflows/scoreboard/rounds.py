"""Which shops a scoreboard judges on, and who brings a contender or a market of one's own."""

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

from pyspark.sql import SparkSession

from pricelake.errors import SettingsError
from pricelake.evaluation.market import Market
from pricelake.evaluation.rows import Setting
from pricelake.evaluation.scoring.stage import Contender
from pricelake.evaluation.simulated import SimulatedMarket
from pricelake.settings.scoreboard import Case, Part, ScoreboardSettings
from pricelake.settings.simulation import Instruments, Switches
from pricelake.workflows.job import Reporter
from pricelake.workflows.own_code import create
from pricelake.workflows.simulate import simulate

CONFOUNDING = {"confounding_visible", "confounding_hidden"}
EVERY_PART: tuple[Part, ...] = get_args(Part)
BUILT_IN = frozenset({
    "status_quo", "cost_plus", "competitor_median", "rating_rule", "true_own_curves",
    "uniform_move", "uniform_move_-10", "uniform_move_-5", "uniform_move_+5", "uniform_move_+15", "uniform_move_+20",
    "guessed_elasticity", "guessed_elasticity_-1.5", "guessed_elasticity_-2",
    "loglog_ols", "hierarchical_ols", "lightgbm", "double_ml", "mlp",
    "pricelake", "oracle", "popularity",
})  # fmt: skip
"""Names under which the scoreboard's own contenders stand, known before there is a shop to make them on."""
VARIANT = "pricelake_{}"
"""Name of the contender that is PriceLake under other settings."""
MARKET = ("name", "shop", "as_of", "offers", "expected_units", "unit_costs")
POLICY, DEMAND_MODEL = ("name", "propose"), ("name", "fit", "units")


@dataclass(frozen=True)
class Round:
    """One shop to judge on, and how to come by it.

    Attributes:
        name: of its folder and in the record.
        setting: under which its figures stand.
        parts: sections that are measured.
        is_usual: whether the shop is of the usual make, so that it may be compared with others of its switches.
        open: makes the market, with a folder for its files.
    """

    name: str
    setting: Setting
    parts: tuple[Part, ...]
    is_usual: bool
    open: Callable[[Path], Market]


def rounds_of(spark: SparkSession, settings: ScoreboardSettings, reporter: Reporter) -> list[Round]:
    """Simulated shops first, then the user's own markets.

    Raises:
        SettingsError: a market of one's own cannot be made, its name cannot be that of a folder of its own, or it
            states difficulties that the scoreboard does not know; said before anything runs.
    """

    def simulated(case: Case) -> Callable[[Path], Market]:
        def open_shop(folder: Path) -> Market:
            shop = settings.simulation(case)
            simulate(spark, shop, folder, reporter)
            return SimulatedMarket(shop, folder / "shop.yaml")

        return open_shop

    rounds = [
        Round(case.name, setting_of(case, settings), case.parts, not case.shop, simulated(case))
        for case in settings.cases
    ]
    for reference in settings.markets:
        one = _own_market(reference)
        if one.name in {other.name for other in rounds}:
            raise SettingsError(
                f"{reference} is named '{one.name}', like another case or market: their figures could not be told "
                "apart. Rename one of them."
            )
        rounds.append(one)
    return rounds


def _own_market(reference: str) -> Round:
    market: Market = create(reference, MARKET)
    name = str(market.name).replace(" ", "_")
    if not re.fullmatch("[a-z0-9_]+", name):  # a folder of this name is written and removed
        raise SettingsError(
            f"{reference} is named {market.name!r}. A market's name has lower-case letters, digits, spaces and _, and "
            "at least one of them."
        )
    return Round(name, _stated(reference, market, name), EVERY_PART, False, lambda _: market)


def _stated(reference: str, market: Market, name: str) -> Setting:
    """Where the figures of a market of one's own stand: what it says of its difficulties, by default none.

    Raises:
        SettingsError: it names switches or instruments that the scoreboard does not know.
    """
    switches, instruments = getattr(market, "switches", ()), getattr(market, "instruments", "none")
    if not isinstance(switches, list | tuple) or len({*map(str, switches)} & {*Switches.model_fields}) != len(switches):
        raise SettingsError(
            f"{reference} has the switches {switches!r}: a list of what makes the market hard, each once, of "
            f"{', '.join(Switches.model_fields)}."
        )
    if instruments not in get_args(Instruments):
        raise SettingsError(
            f"{reference} has the instruments {instruments!r}: they are {', '.join(get_args(Instruments))}."
        )
    return Setting(tuple(sorted(switches)), instruments, case=name)


def check_contenders(references: Sequence[str], variants: Iterable[str] = ()) -> None:
    """Make contenders of one's own, before an hour is spent, and see that each has a name of its own.

    Args:
        references: ``file.py:Name`` each.
        variants: of PriceLake.

    Raises:
        SettingsError: one cannot be made, or has no name or that of another.
    """
    taken = {*BUILT_IN, *(VARIANT.format(name) for name in variants)}
    for reference in references:
        name: object = own_contender(reference).name
        if not isinstance(name, str) or not name.strip():
            raise SettingsError(f"{reference} has the name {name!r}: a contender's name is text that is not empty.")
        if name in taken:
            raise SettingsError(
                f"{reference} is named '{name}', like another contender: their figures could not be told apart. Rename "
                f"it; the scoreboard's own names are {', '.join(sorted(BUILT_IN))}."
            )
        taken.add(name)


def setting_of(case: Case, settings: ScoreboardSettings) -> Setting:
    """Where a case's figures stand."""
    rate = settings.simulation(case).sold_out_rate if "sold_out" in case.switches else None
    return Setting(tuple(sorted(case.switches)), case.instruments, sold_out_rate=rate, case=case.name)


def twins_of(rounds: Sequence[Round]) -> dict[str, str]:
    """Names of cases and of their unconfounded twins, which differ in nothing else; only of shops of the usual make."""

    def make(one: Round, without: Collection[str] = ()) -> Setting:
        calm = tuple(name for name in one.setting.switches if name not in without)
        return replace(one.setting, switches=calm, case=None)

    usual = [one for one in rounds if one.is_usual]
    known = {make(one): one.name for one in usual}
    found = {one.name: known.get(make(one, CONFOUNDING)) for one in usual}
    return {name: twin for name, twin in found.items() if twin not in (None, name)}


def own_contender(reference: str) -> Contender:
    """A contender of one's own, unfitted; another one each time.

    Args:
        reference: ``file.py:Name``.

    Raises:
        SettingsError: it cannot be made or lacks what a contender needs.
    """
    contender: Contender = create(reference, POLICY, DEMAND_MODEL)
    return contender
