"""What a manager must know before signing, worked out from the tables."""

from pricelake.report.findings import Findings
from pricelake.report.wording import FLAGS, amount, count, share, words


def caveats(findings: Findings) -> list[tuple[str, str]]:
    """Short title and one or two sentences each, most important first."""
    return [
        *_assumed_costs(findings),
        *_competitors(findings),
        ("How the effect of price was learnt", _identification()),
        *_low_confidence(findings),
        *_other_flags(findings),
        (
            "Each price is judged alone",
            "When one product becomes cheaper, customers may leave another one of yours. This version does not count "
            "such shifts, so the sum over all products can promise too much.",
        ),
        (
            "What the interval covers",
            f"Each product's interval covers its expected value in {findings.interval_rate * 100:.0f} % of cases if "
            "the model is right. The interval of the total adds up all lower and all upper ends: the case in which "
            f"every estimate errs the same way. Chance in a single {findings.period}'s sales comes on top.",
        ),
    ]


def _identification() -> str:
    return (
        "The model compares past sales at different prices, allowing for season, promotions and recent sales. No "
        "price has been set at random yet. Where the shop cut prices because demand was rising anyway, a part of that "
        "rise is taken for the effect of price. Treat the curves as good guesses, try some prices first, and measure."
    )


def _assumed_costs(findings: Findings) -> list[tuple[str, str]]:
    totals, currency = findings.totals, findings.currency
    told = []
    if totals.assumed_changed:
        told.append(
            (
                "Costs are assumed",
                f"{count(totals.assumed_changed)} of {count(totals.changed)} changed prices rest on a cost that the "
                "shop file assumes as a share of the list price. They carry "
                f"{amount(totals.assumed_uplift, currency, plus=True)} of the expected gain. A wrong cost rate shifts "
                "profit and the best price.",
            )
        )
    if totals.costless_changed:
        told.append(
            (
                "Costs are missing",
                f"{count(totals.costless_changed)} changed prices have no cost at all; they are judged on revenue and "
                "are not part of the expected profit.",
            )
        )
    return told


def _competitors(findings: Findings) -> list[tuple[str, str]]:
    blind = next((flag for flag in findings.flags if flag.code == "no_competitors"), None)
    if blind is None:
        return []
    everywhere = blind.prices == findings.totals.prices
    who = "No price was" if everywhere else f"{count(blind.prices)} prices were not"
    return [
        (
            "Competitors are not seen",
            f"{who} set with a competitor's price in view. A rise that looks safe here may send customers next door.",
        )
    ]


def _low_confidence(findings: Findings) -> list[tuple[str, str]]:
    totals = findings.totals
    if not totals.low_confidence_changed:
        return []
    return [
        (
            "Thin evidence behind some changes",
            f"{count(totals.low_confidence_changed)} of {count(totals.changed)} changed prices "
            f"({share(totals.low_confidence_changed, totals.changed)}) have low confidence: few price moves or a wide "
            "spread of the estimate. Review these first.",
        )
    ]


def _other_flags(findings: Findings) -> list[tuple[str, str]]:
    told_already = {"assumed_cost", "no_competitors", "no_cost"}
    rest = [flag for flag in findings.flags if flag.code not in told_already]
    if not rest:
        return []
    listed = "; ".join(
        f"{words(flag.code, FLAGS).lower()} ({share(flag.prices, findings.totals.prices)} of prices)" for flag in rest
    )
    return [("Also missing or assumed", f"{listed}.")]
