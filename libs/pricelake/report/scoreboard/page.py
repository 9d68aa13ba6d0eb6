"""The scoreboard's page: the record into a self-contained HTML file that needs no network."""

from collections.abc import Mapping
from datetime import datetime
from statistics import fmean
from typing import Any

from pricelake.report.page import document
from pricelake.report.scoreboard import sentences
from pricelake.report.scoreboard.claims import LIMITS
from pricelake.report.scoreboard.figures import Figure
from pricelake.report.scoreboard.lines import holds
from pricelake.report.scoreboard.record import Case, Scoreboard, read_record
from pricelake.report.scoreboard.sections import heading, section_views
from pricelake.report.scoreboard.standing import OWN, REFERENCES, Board, boards_of, headline_boards, lost_figures
from pricelake.report.scoreboard.unlearnt import unlearnt_of
from pricelake.report.wording import number, rate
from pricelake.settings.scoreboard import DEVELOPMENT_SEEDS, REPORTED_SEEDS, SPENT_SEEDS


def render_scoreboard(record: Mapping[str, Any]) -> str:
    """The whole page as HTML; every rank and distance in it comes from the record.

    Args:
        record: ``scoreboard.json``, as ``pricelake score`` writes it; sections may be missing.

    Returns:
        about 5 MB of HTML, the same for the same record.

    Raises:
        PriceLakeError: the record has no rows, lacks a key, or has a figure that the page does not know.
    """
    board = read_record(record)
    boards = boards_of(board)
    headlines = headline_boards(boards)
    sections = section_views(board, boards)
    quality = {figure: found for figure, found in headlines.items() if figure.section != "run"}
    profit = next((found for figure, found in headlines.items() if figure.section == "profit_capture"), {})
    return document(
        "scoreboard.html",
        {plot.key: plot for section in sections for plot in section.plots},
        b=board,
        no_evidence=_no_evidence(board),
        seeds={"development": DEVELOPMENT_SEEDS, "spent": SPENT_SEEDS, "reported": REPORTED_SEEDS},
        overall=sentences.overall(boards),
        earned=sentences.earned(profit),
        headlines=quality,
        first_case=_most_judged(board, quality),
        lost=lost_figures(boards),
        sections=sections,
        unlearnt=unlearnt_of(board, boards),
        promises=_promises_kept(board),
        limits=limits_of(board),
        is_simulated=any(run.is_simulated for run in board.runs),
        references=REFERENCES,
        own=OWN,
        heading=heading,
        tell=sentences,
        started=datetime.fromisoformat(board.started_at),
    )


def limits_of(board: Scoreboard) -> list[tuple[str, str]]:
    """What the scoreboard cannot show, title and text; of the simulated shop only where a case is one."""
    is_simulated = any(run.is_simulated for run in board.runs)
    found = [(one.title, one.text) for one in LIMITS if is_simulated or not one.is_of_simulation]
    return [*found, ("A lucky guess", _lucky_guess(board))]


def _lucky_guess(board: Scoreboard) -> str:
    truths = sorted(run.true_elasticity for run in board.runs if run.true_elasticity is not None)
    if not truths:
        return "A guess for all products may come near the true mean by luck. In another shop nothing would say so."
    ends = list(dict.fromkeys(number(one) for one in (truths[0], truths[-1])))
    where = f"is {ends[0]}" if len(ends) == 1 else f"lies between {' and '.join(ends)} from case to case"
    return (
        f"The true mean elasticity at the prices in force {where}. A guess near it is about right on average, whoever "
        "made it and why. In a shop with other customers it is not, and nothing would say so."
    )


def _no_evidence(board: Scoreboard) -> list[str]:
    """What the page says of cases that touched seeds for development, and spent ones; empty where none is known to."""
    kinds = (
        (DEVELOPMENT_SEEDS, "are development seeds, on which rivals and models may be tuned"),
        (SPENT_SEEDS, "are spent: their figures were looked at while rivals and models still changed"),
    )
    return [told for seeds, why in kinds if (told := _touched(board, seeds, why))]


def _touched(board: Scoreboard, seeds: range, why: str) -> str:
    """That cases ran on some seeds, and why these are no evidence; empty where none is known to have.

    Args:
        board: the record.
        seeds: that are no evidence.
        why: what they are.
    """
    known = [(run, run.seeds) for run in board.runs if run.seeds]
    found = [(run, own) for run, own in known if own[0] <= seeds[-1] and own[1] >= seeds[0]]
    if not found:
        return ""
    first, last = min(own[0] for _, own in found), max(own[1] for _, own in found)
    these = f"seed {first}" if first == last else f"seeds {first}–{last}"
    where, whose = "The cases of this page", "the ranks on this page are"
    if len(found) < len(board.runs):
        where, whose = ", ".join(f"“{board.name_of(run.case)}”" for run, _ in found), "their ranks are"
    return f"{where} ran on {these}. Seeds {seeds[0]}–{seeds[-1]} {why}: {whose} no evidence."


def _most_judged(board: Scoreboard, headlines: Mapping[Figure, Mapping[Case, Board]]) -> Case | None:
    """The case that opens the page: the first of those in which most sections compare PriceLake with rivals.

    None where no section does.
    """
    if not headlines:
        return None
    cases = [run.case for run in board.runs]
    return max(cases, key=lambda case: (sum(case in found for found in headlines.values()), -cases.index(case)))


def _promises_kept(board: Scoreboard) -> str:
    """How many of PriceLake's promises held; empty without promises."""
    own = [one for one in board.promises if one.contender == OWN]
    if not own:
        return ""
    judged = [one for one in own if holds(one) is not None]
    held = sum(holds(one) is True for one in judged)
    short = sum(one.realised < one.promised for one in own)
    told = f"Of {len(own)} categories, {short} gained less than promised"
    losses = sum(one.realised < 0 for one in own)
    told += f" and {losses} earned less than before" if losses else ""
    told += f"; {held} of {len(judged)} lie in their 90 % interval." if judged else "."
    return " ".join([told, f"On average over categories, {_promised_and_realised(board)}.", *_left_out(board)])


def _left_out(board: Scoreboard) -> list[str]:
    """For how many categories each contender promises nothing, and why; empty where the record does not say."""
    said = [
        f"{sentences.contender_name(one.contender)} {one.without} of {one.promised + one.without} "
        f"({one.failed}, {one.no_price_moved} and {one.loses_money})"
        for one in sorted(board.left_out, key=lambda one: one.contender != OWN)
    ]
    if not said:
        return []
    why = (
        "because it could not learn them, because it moves none of their prices, and because what they sold lately "
        "earns nothing at the prices in force"
    )
    return [f"Categories without a promise ({why}): {'; '.join(said)}."]


def _promised_and_realised(board: Scoreboard) -> str:
    """Mean promised and realised gain of every contender, PriceLake first, then by how far the two lie apart."""
    means = {}
    for name in dict.fromkeys(one.contender for one in board.promises):
        mine = [one for one in board.promises if one.contender == name]
        means[name] = (fmean(one.promised for one in mine), fmean(one.realised for one in mine))
    order = sorted(means, key=lambda name: (name != OWN, abs(means[name][0] - means[name][1])))
    said = [
        f"{sentences.contender_name(name)} promised {rate(means[name][0], plus=True)} and "
        f"{rate(means[name][1], plus=True)} came true"
        for name in order
    ]
    return "; ".join(said)
