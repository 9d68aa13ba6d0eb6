"""Numbers and codes as people read them: one format each, everywhere on the page."""

from decimal import ROUND_HALF_UP, Decimal

MINUS = "\u2212"
NOTHING = "\u2013"
SPACE = "\u00a0"  # does not break between a number and its unit
WITHOUT_CENTS = frozenset({"JPY", "KRW", "CLP", "VND", "ISK", "HUF", "IDR"})

CONTENDERS = {
    "pricelake": "PriceLake model",
    "mean_8_weeks": "Mean of last 8 weeks",
    "mean_8_weeks_in_stock": "Mean of last 8 weeks, by time in stock",
    "last_week": "Last week again",
    "lightgbm": "LightGBM",
    "als": "ALS (tastes)",
    "popularity": "Best sellers",
    "repeat": "Own repeat purchases",
}
HELD_BACK = {
    "excluded": "A rule leaves the price to others",
    "not_enough_evidence": "Too few sales or price moves to learn from",
    "no_demand_curve": "No demand curve (too few sales)",
    "no_cost": "No cost, but profit is the objective",
    "stale_input": "Not sold lately, or inputs too old",
    "absurd_input": "An input makes no sense",
    "rules_conflict": "No price within reach obeys every rule",
    "outside_trusted_range": "Today's price is outside the range the model knows",
}
FLAGS = {
    "assumed_cost": "Cost is assumed, not brought by the shop",
    "no_cost": "No cost is known; judged on revenue",
    "no_competitors": "No competitor prices",
    "no_availability": "Stock-outs are not recorded",
    "no_weather": "No weather",
    "short_history": "Short sales history",
    "few_price_changes": "Few price moves in the past",
    "weakly_identified": "History does not show how units answer the price",
    "hardly_in_stock": "Hardly in stock lately, so that sales do not show demand",
    "unusual_sales": "Sales far outside what is usual for the product lately",
    "planned_promotion": "A promotion is planned for the period",
    "price_now_breaks_rule": "Today's price breaks a floor or ceiling",
    "ceiling_overruled": "A ceiling gave way to a floor",
}
INSTRUMENTS = {"cost": "unit cost", "other_markets": "list prices in other markets"}
IDENTIFIED = {"instruments": "by instruments", "discounts": "by discounts", "weak": "by nothing"}
PURCHASES = {"all": "All purchases", "repeat": "Repeat purchases", "first_time": "First-time purchases"}


def words(code: str, known: dict[str, str]) -> str:
    """A code in words; one that is not known is spelt out as it is, never dropped."""
    return known.get(code, code.replace("_", " "))


def instrument_test(name: str, f: float, clusters: int, is_derived: bool, is_used: bool) -> str:
    """An instrument with the outcome of its test, such as ``unit cost (F 31.2, used)``.

    Args:
        name: code of the instrument.
        f: effective F; 0 where nothing can be said.
        clusters: what its standard error counts; 0 where the instrument does not vary.
        is_derived: whether it follows the list price so closely that it was worked out from it.
        is_used: whether it passed.
    """
    if clusters == 0:
        outcome = "none that moves"
    elif is_derived:
        outcome = "not used: it follows the list price so closely that it must have been worked out from it"
    elif f == 0:
        outcome = "too few products to test it"
    else:
        outcome = f"F {f:,.1f}, {'used' if is_used else 'too weak to use'}"
    return f"{words(name, INSTRUMENTS)} ({outcome})"


def _signed(text: str, is_negative: bool, plus: bool) -> str:
    # what rounds to nothing has no sign
    zero = not any(digit in "123456789" for digit in text)
    if zero:
        return text
    return (MINUS if is_negative else "+" if plus else "") + text


def amount(value: Decimal | float | None, currency: str, plus: bool = False, bare: bool = False) -> str:
    """A sum of money, such as ``12,340 USD``: no cents from 1 000 on.

    Args:
        value: shop currency; None gives a dash.
        currency: ISO code.
        plus: write a plus sign before gains.
        bare: leave the currency out, where a table's head names it.
    """
    if value is None:
        return NOTHING
    size = abs(Decimal(str(value)))
    digits = 0 if size >= 1000 or currency in WITHOUT_CENTS else 2
    size = size.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
    shown = _signed(f"{size:,}", value < 0, plus)
    return shown if bare else f"{shown}{SPACE}{currency}"


def price(value: Decimal | None, currency: str) -> str:
    """A price per unit without its currency, such as ``2.49``; further digits only where there are any."""
    if value is None:
        return NOTHING
    digits = 0 if currency in WITHOUT_CENTS else 2
    shortest = value.normalize().as_tuple().exponent
    digits = max(digits, -shortest if isinstance(shortest, int) else 0)
    return f"{value.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP):,}"


def to_cents(value: Decimal | None, currency: str) -> Decimal | None:
    """A mean of prices, rounded to what can be paid."""
    digits = 0 if currency in WITHOUT_CENTS else 2
    return None if value is None else value.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)


def count(value: float) -> str:
    """A whole number with thousands apart, such as ``3,387``."""
    return _signed(f"{abs(value):,.0f}", value < 0, plus=False)


def units(value: float | None) -> str:
    """Expected units: one digit after the point below 100."""
    if value is None:
        return NOTHING
    return f"{value:,.0f}" if value >= 100 else f"{value:,.1f}"


def share(part: float | Decimal, whole: float | Decimal) -> str:
    """A part of a whole in per cent; a dash where there is no whole, ``<1 %`` for a small but real part."""
    if whole == 0:
        return NOTHING
    rate = float(part) / float(whole)
    if 0 < rate < 0.01:
        return f"<1{SPACE}%"
    # 99.7 % is not all of them
    return f"99{SPACE}%" if 0.99 < rate < 1 else f"{rate * 100:.0f}{SPACE}%"


def rate(value: float | None, digits: int = 1, plus: bool = False) -> str:
    """A rate in per cent, such as ``+4.0 %``."""
    if value is None:
        return NOTHING
    return _signed(f"{abs(value) * 100:.{digits}f}", value < 0, plus) + f"{SPACE}%"


def number(value: float | None, digits: int = 2) -> str:
    """A dimensionless figure, such as an elasticity."""
    if value is None:
        return NOTHING
    return _signed(f"{abs(value):.{digits}f}", value < 0, plus=False)


def shortened(text: str, characters: int) -> str:
    """Text cut to a length, with an ellipsis where something was cut."""
    return text if len(text) <= characters else text[: characters - 1].rstrip() + "\u2026"
