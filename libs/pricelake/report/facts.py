"""What is recommended, as plain values: every list is bounded by the function that gathers it."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal


@dataclass(frozen=True)
class DecisionTotals:
    """All recommendations of one as-of date in figures; money in shop currency.

    Attributes:
        prices: recommendations; the four decisions add up to it.
        changed: prices that move.
        raised: prices that go up.
        lowered: prices that go down.
        kept: prices that are best as they are.
        held: prices that a rule stopped.
        period_first: first period priced.
        period_last: last period priced.
        profit_now: expected profit at today's prices, over all prices with a curve and a cost.
        profit_uplift: expected profit gained by the changed prices with a known or assumed cost.
        profit_uplift_low: lower end of its interval.
        profit_uplift_high: upper end.
        assumed_uplift: part of ``profit_uplift`` that rests on assumed costs.
        assumed_changed: changed prices whose cost is assumed.
        revenue_now: expected revenue at today's prices, over all prices with a curve.
        units_now: expected units at today's prices, over the same prices.
        revenue_uplift: expected revenue gained by the changed prices (may be negative when profit is the objective).
        costless_changed: changed prices without any cost, judged on revenue alone.
        low_confidence_changed: changed prices with confidence ``low`` or ``none``.
        trusted_uplift: part of ``profit_uplift`` that the other changed prices bring.
        changed_profit_now: expected profit at today's prices of the changed prices with a cost.
        changed_revenue_now: expected revenue at today's prices of the same prices.
        forced_changed: changed prices that broke a floor or ceiling; they move whatever it brings.
        forced_uplift: expected profit they gain, mostly below 0.
        forced_held: held prices that break a floor or ceiling; they stay.
        with_elasticity: prices whose elasticity is known: those with a curve.
        weakest: those of them within ``NEAR_WEAKEST`` of the weakest that one may be at the usual price.
    """

    prices: int
    changed: int
    raised: int
    lowered: int
    kept: int
    held: int
    period_first: date
    period_last: date
    profit_now: Decimal
    profit_uplift: Decimal
    profit_uplift_low: Decimal
    profit_uplift_high: Decimal
    assumed_uplift: Decimal
    assumed_changed: int
    revenue_now: Decimal
    units_now: float
    revenue_uplift: Decimal
    costless_changed: int
    low_confidence_changed: int
    trusted_uplift: Decimal
    changed_profit_now: Decimal
    changed_revenue_now: Decimal
    forced_changed: int
    forced_uplift: Decimal
    forced_held: int
    with_elasticity: int
    weakest: int


@dataclass(frozen=True)
class Count:
    """How often a code occurs.

    Attributes:
        code: as in the table.
        prices: recommendations with it.
        changed: those of them that change.
    """

    code: str
    prices: int
    changed: int


@dataclass(frozen=True)
class RuleCount:
    """How often a pricing rule applied.

    Attributes:
        rule: name in the rules file.
        kind: floor, ceiling, step, ending or hold.
        applied: prices it applied to; a rule with a lower and an upper limit counts once.
        bound: prices where the objective alone would have gone beyond it.
        decided: prices that it decided: a held price counts for the check that held it, any other one for its
            ``binding_rule``.
    """

    rule: str
    kind: str
    applied: int
    bound: int
    decided: int


@dataclass(frozen=True)
class PromotedShares:
    """Share of product-periods, 0–1, that are promoted in a way, and anyhow."""

    display: float
    feature: float
    coupon: float
    discount: float
    anyhow: float


@dataclass(frozen=True)
class RecentPeriods:
    """What the products with a demand curve brought in the last closed periods.

    Attributes:
        periods: how many.
        units: mean of a period, all products together.
        revenue: mean of a period, shop currency.
        promoted: how they were promoted then.
        planned: how they are promoted in the period that is priced.
    """

    periods: int
    units: float
    revenue: Decimal
    promoted: PromotedShares
    planned: PromotedShares


@dataclass(frozen=True)
class ChangeBucket:
    """Changed prices whose relative change lies between two rates, 0.02 = +2 %, the one farther from 0 included."""

    low_rate: float
    high_rate: float
    prices: int


@dataclass(frozen=True)
class Recommendation:
    """One row of ``gold.price_recommendations`` as far as the report shows it; null policy as in the contract."""

    product_id: str
    market_id: str
    period_start: date
    price_now: Decimal
    price_recommended: Decimal
    decision: str
    reason: str
    range_low: Decimal | None
    range_high: Decimal | None
    units_now: float | None
    units_then: float | None
    revenue_now_amount: Decimal | None
    revenue_then_amount: Decimal | None
    profit_now_amount: Decimal | None
    profit_then_amount: Decimal | None
    uplift_amount: Decimal | None
    uplift_low_amount: Decimal | None
    uplift_high_amount: Decimal | None
    elasticity: float | None
    confidence: str
    flags: tuple[str, ...]


@dataclass(frozen=True)
class ElasticityRange:
    """Own-price elasticities (below 0, dimensionless) of a category: 5, 25, 50, 75 and 95 % quantiles."""

    category: str
    prices: int
    p05: float
    p25: float
    p50: float
    p75: float
    p95: float


@dataclass(frozen=True)
class ObservedPeriod:
    """A past period of a product: price paid per unit, units sold, and whether it was promoted."""

    period_start: date
    unit_price: float
    units: float
    is_promoted: bool


@dataclass(frozen=True)
class DrawnCurve:
    """Expected units along the price ladder of one product in one market.

    Attributes:
        recommendation: what is recommended for it.
        prices: candidate prices, ascending, shape ``(n_steps,)``, shop currency.
        units: expected units at each price.
        units_low: lower end of the interval of the period's demand.
        units_high: upper end.
        observed: past periods.
    """

    recommendation: Recommendation
    prices: tuple[float, ...]
    units: tuple[float, ...]
    units_low: tuple[float, ...]
    units_high: tuple[float, ...]
    observed: tuple[ObservedPeriod, ...]
