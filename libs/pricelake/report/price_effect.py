"""How the effect of price was learnt and what identifies it, for the person who signs the prices."""

from pricelake.report.evidence_facts import ResponseFit
from pricelake.report.findings import Findings
from pricelake.report.wording import IDENTIFIED, count, instrument_test


def not_settled(findings: Findings) -> list[tuple[str, str]]:
    """A warning where the fit of the response was stopped while it still moved."""
    fit = findings.response_fit
    if fit is None or fit.converged:
        return []
    return [
        (
            "The effect of price did not settle",
            f"The fit of how units answer the price still moved when it was stopped after {fit.rounds} rounds. "
            "Elasticities, and the gains that rest on them, may be off by more than their intervals say, for every "
            "product. Change few prices on this model, and train it again on more history or cleaner prices.",
        )
    ]


def how_learnt(findings: Findings) -> str:
    """What the model allowed for, what it could not, and which instruments it had."""
    season = (
        ""
        if findings.knows_season
        else "The forecast does not know season or holidays, which take two years to learn. "
    )
    return (
        "The model compares past sales at different prices, allowing for promotions, for recent sales, and for season "
        "and holidays as far as all products share them: where a product has a season of its own and its price moved "
        f"with it, a part of the season is taken for the effect of price. {season}No price has been set at random yet. "
        "A list price that moved beyond what was to be expected may have followed demand, and counts for less unless "
        "an instrument moved it: something that moves the price and not demand. "
        f"{_instruments(findings.response_fit)} Discounts are taken to be free of that: where they were deeper because "
        "demand was about to change, for reasons that no table shows, a part of that change is taken for the effect of "
        "price. Treat the curves as good guesses, try some prices first, and measure."
    )


def _instruments(fit: ResponseFit | None) -> str:
    if fit is None:
        return "Which instruments the model found is not on record for its version."
    if not fit.instruments:
        return "None was tried."
    told = (
        instrument_test(one.instrument, one.f, one.clusters, one.is_derived, one.is_used) for one in fit.instruments
    )
    return f"Tried: {'; '.join(told)}."


def what_identifies(findings: Findings) -> list[tuple[str, str]]:
    """How much of the shop each thing identifies, and what rests on nothing."""
    found = {one.identification: one for one in findings.identified}
    if not found:
        return []
    listed = "; ".join(
        f"{text} in {_plural(found[name].categories, 'category', 'categories')} "
        f"({_plural(found[name].products, 'product', 'products')})"
        for name, text in IDENTIFIED.items()
        if name in found
    )
    weak = next((flag for flag in findings.flags if flag.code == "weakly_identified"), None)
    if weak is None:
        return [("What the effect of price rests on", f"Elasticities are identified {listed}.")]
    return [
        (
            "What the effect of price rests on",
            f"Elasticities are identified {listed}. Where nothing identifies them, history does not show how units "
            "answer the price: the elasticity rests on like products, on what is believed in general, and on price "
            "moves that may have followed demand. "
            f"{count(weak.changed)} of {count(findings.totals.changed)} changed prices rest on that, and their "
            "confidence is low.",
        )
    ]


def _plural(number_of: int, one: str, many: str) -> str:
    return f"{count(number_of)} {one if number_of == 1 else many}"
