"""What a manager must know before signing, worked out from the tables."""

from pricelake.report.findings import Findings
from pricelake.report.price_effect import how_learnt, not_settled, what_identifies
from pricelake.report.wording import FLAGS, amount, count, number, rate, share, words

ALMOST_ALL = 0.9
MANY_PROMOTIONS = 0.05  # share of the product-periods promoted lately from which their absence is told
HARDLY_ANY = 0.1  # of that share


def caveats(findings: Findings) -> list[tuple[str, str]]:
    """Short title and one or two sentences each, most important first."""
    return [
        *_no_promotions(findings),
        *_one_direction(findings),
        *_assumed_costs(findings),
        *_forced(findings),
        *_list_prices(findings),
        *_competitors(findings),
        *not_settled(findings),
        ("How the effect of price was learnt", how_learnt(findings)),
        *what_identifies(findings),
        *_low_confidence(findings),
        *_other_flags(findings),
        (
            "Other products stay as they are",
            "When one product becomes dearer, some customers turn to another of its category. Gains count that, by one "
            "number for each category and with the other prices as they are. Where many prices of a category move at "
            "once, and between categories, shifts are not counted, so the sum over all products can promise too much.",
        ),
        (
            "What the interval covers",
            f"The interval of a product's units, revenue or profit holds what the {findings.period} brings in "
            f"{findings.interval_rate * 100:.0f} % of cases or more if the model is right: how well its level and its "
            f"reaction to price are known, what moves demand in a {findings.period} and nobody foresees, and that "
            "customers buy in whole units, which makes 0 the lower end for products that sell few. The interval of a "
            f"gain is that of the expected gain, as no {findings.period} shows what the other price would have sold. "
            "The total's is narrower than its parts: their errors even out, but "
            "for those that the products of a category, or all products, share. A forecast that is too high or too low "
            "as a whole is not in it: see the bias under “Can the model forecast?”.",
        ),
    ]


def _no_promotions(findings: Findings) -> list[tuple[str, str]]:
    """The priced period is hardly promoted, the last ones were: expected and past totals are of different weeks."""
    recent, totals, period = findings.recent, findings.totals, findings.period
    if recent is None or recent.promoted.anyhow < MANY_PROMOTIONS:
        return []
    planned = recent.planned.anyhow
    if planned > HARDLY_ANY * recent.promoted.anyhow:
        return []
    was = recent.promoted
    ways = {"display": was.display, "feature or mailer": was.feature, "coupon": was.coupon, "discount": was.discount}
    told = ", ".join(f"{way} {share(rate, 1)}" for way, rate in ways.items() if rate > 0)
    now = f"{share(planned, 1)} with any of these" if planned else "none of these"
    almost = "almost " if planned else ""
    expected = f"{count(totals.units_now)} units and {amount(totals.revenue_now, findings.currency)} of revenue"
    brought = f"{count(recent.units)} units and {amount(recent.revenue, findings.currency)} a {period}"
    return [
        (
            f"The priced {period} has {almost}no promotions",
            f"In the {recent.periods} {period}s before, these shares of all product-{period}s had a promotion: {told}; "
            f"for the {period} that is priced the tables hold {now}. What is expected is therefore a {period} {almost}"
            f"without promotions: {expected} at today's prices, where the {recent.periods} {period}s before brought "
            f"{brought}. Both are of the {count(totals.with_elasticity)} of {count(totals.prices)} prices with a "
            "demand curve. If promotions are planned, bring them before you rely on the totals.",
        )
    ]


def _one_direction(findings: Findings) -> list[tuple[str, str]]:
    """A change of price pays where the elasticity is on one side of -revenue / profit (Lerner's condition)."""
    totals = findings.totals
    verb, moved = ("raise", totals.raised) if totals.raised >= totals.lowered else ("cut", totals.lowered)
    if not totals.changed or moved < ALMOST_ALL * totals.changed or totals.changed_profit_now <= 0:
        return []
    margin = float(totals.changed_profit_now / totals.changed_revenue_now)
    pays, risk = {"raise": ("more weakly", "more strongly"), "cut": ("more strongly", "more weakly")}[verb]
    typical = f" have a median of {number(findings.elasticities[0].p50)}" if findings.elasticities else " are not known"
    bound = (
        f"; {share(totals.weakest, totals.with_elasticity)} of them are about "
        f"{number(-findings.weakest_elasticity, 1)}, about the weakest that the settings allow"
        if totals.weakest
        else ""
    )
    return [
        (
            f"{'All' if moved == totals.changed else 'Almost all'} changes are {verb}s",
            f"At today's prices {share(margin, 1)} of what these products bring is profit{_paid(findings)}. At "
            f"{share(margin, 1)} a {verb} pays wherever demand reacts {pays} than at an elasticity of "
            f"{number(-1 / margin, 1)}, and the elasticities at today's prices{typical}{bound}. So the cost decides "
            f"the direction, and the largest change allowed decides how far. If customers react {risk} than the model "
            f"believes, these {verb}s lose money: start with a few and measure.",
        )
    ]


def _paid(findings: Findings) -> str:
    margin = findings.margin_paid
    if margin is None:
        return ""
    return f"; at the mean price paid in the 8 {findings.period}s before it is {rate(margin, 0)}, with the same units"


def _forced(findings: Findings) -> list[tuple[str, str]]:
    totals = findings.totals
    told = []
    if totals.forced_changed:
        told.append(
            f"{count(totals.forced_changed)} changed prices break a floor or ceiling today and move for that reason, "
            f"whatever it brings: {amount(totals.forced_uplift, findings.currency, plus=True)} expected profit."
        )
    if totals.forced_held:
        told.append(
            f"{count(totals.forced_held)} held prices break a floor or ceiling too and stay, because nothing supports "
            "a better one: look at them yourself."
        )
    return [("Prices outside the rules today", " ".join(told))] if told else []


def _list_prices(findings: Findings) -> list[tuple[str, str]]:
    if findings.has_list_prices:
        return []
    return [
        (
            "Today's prices are worked out",
            "The shop brings no list prices: the price in force is what customers last paid plus the discounts booked. "
            "Compare it with the shelf before you change it.",
        )
    ]


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
    is_most = totals.low_confidence_changed > 0.5 * totals.changed
    return [
        (
            f"Thin evidence behind {'most' if is_most else 'some'} changes",
            f"{count(totals.low_confidence_changed)} of {count(totals.changed)} changed prices "
            f"({share(totals.low_confidence_changed, totals.changed)}) have low confidence: few price moves, a wide "
            "spread of the estimate, a response that history does not show, recent sales that do not show demand, or a "
            "gain that may be a loss. " + ("Take the others first." if is_most else "Review these first."),
        )
    ]


def _other_flags(findings: Findings) -> list[tuple[str, str]]:
    told_already = {"assumed_cost", "no_competitors", "no_cost", "price_now_breaks_rule", "weakly_identified"}
    rest = [flag for flag in findings.flags if flag.code not in told_already]
    if not rest:
        return []
    listed = "; ".join(
        f"{words(flag.code, FLAGS).lower()} ({share(flag.prices, findings.totals.prices)} of prices)" for flag in rest
    )
    return [("Also missing or assumed", f"{listed}.")]
