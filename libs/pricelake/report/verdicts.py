"""Who did best, in a sentence beside the figures; said whoever it is."""

from collections.abc import Callable, Mapping, Sequence

from pricelake.period_units import coverage_names
from pricelake.report.evidence_facts import HeldOutFigures, RankingQuality
from pricelake.report.wording import CONTENDERS, PURCHASES, number, rate, words

OWN_MODEL, OWN_TASTES = "pricelake", "als"


def forecast_verdict(held_out: HeldOutFigures) -> str:
    """Which contender forecasts best, over all periods and over those whose price somebody paid."""
    told = []
    for figure, where in (("wape", "over all periods"), ("wape_price_observed", "where a price was paid")):
        found = {name: values[figure] for name, values in held_out.values.items() if figure in values}
        if found:
            told.append(f"{where} {_first(found, OWN_MODEL, lowest=True, text=rate)}")
    return f"Best {', and '.join(told)}." if told else ""


def coverage_verdict(held_out: HeldOutFigures, period: str, interval_rate: float) -> str:
    """How often our intervals held on the held-out periods, beside how often they should; '' where it is not known."""
    own, (held, wanted) = held_out.values.get(OWN_MODEL, {}), coverage_names(interval_rate)
    if held not in own or wanted not in own:
        return ""
    return (
        f"What was sold lay in the model's {interval_rate * 100:g} % interval in {rate(own[held])} of all "
        f"product-{period}s. {rate(own[wanted])} would be right: customers buy in whole units, so that an "
        "interval that is not to hold too seldom holds more often where few are sold."
    )


def ranking_verdict(rankings: Sequence[RankingQuality]) -> str:
    """Which contender ranks best, by kind of purchase."""
    told = []
    for kind, name in PURCHASES.items():
        found = {one.contender: one.ndcg_at_10 for one in rankings if one.purchases == kind}
        if found:
            best = _first(found, OWN_TASTES, lowest=False, text=lambda value: number(value, 3))
            told.append(f"for {name.lower()}: {best}")
    return f"Best by NDCG@10 {'; '.join(told)}." if told else ""


def _first(found: Mapping[str, float], own: str, lowest: bool, text: Callable[[float], str]) -> str:
    """The best name with its value, and ours beside it where another one is best."""
    best = (min if lowest else max)(found, key=lambda name: found[name])
    ours = f" ({words(own, CONTENDERS)} {text(found[own])})" if own in found and own != best else ""
    return f"{words(best, CONTENDERS)} {text(found[best])}{ours}"
