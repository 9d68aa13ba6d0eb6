"""Everything the page shows, in one value."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from pricelake.report.evidence_facts import (
    HeldOutFigures,
    IdentifiedBy,
    JobRun,
    Origin,
    PanelQuality,
    QuarantineCount,
    RankingQuality,
    ResponseFit,
)
from pricelake.report.facts import (
    ChangeBucket,
    Count,
    DecisionTotals,
    DrawnCurve,
    ElasticityRange,
    RecentPeriods,
    Recommendation,
    RuleCount,
)


@dataclass(frozen=True)
class Findings:
    """Everything the page shows.

    Attributes:
        shop: name of the shop.
        about: what its data covers, in a sentence; None: not said.
        currency: ISO code of all money.
        as_of: the run saw nothing from this day on.
        period: ``week`` or ``day``.
        interval_rate: coverage of the stated intervals, 0–1.
        weakest_elasticity: smallest size that an elasticity may have at the usual price.
        knows_season: the model was trained on two years or more, so that it reads the season and holidays.
        has_list_prices: the shop brings list prices; without, the price in force is worked out from payments.
        price_list: name of the file beside the page that lists every changed price.
        totals: all decisions in figures.
        recent: what the products with a curve brought lately; None: no earlier period.
        margin_paid: share of what the changed products bring that is profit, at the mean price paid in the 8 periods
            before; None: not known.
        held_back: reasons of the held prices.
        flags: what is assumed or missing, by flag.
        opportunities: changed prices with the largest uplift, best first.
        prices_paid: (product, market, period) of an opportunity → mean price paid in the 8 periods before.
        curves: drawn demand curves.
        changes: distribution of the changes.
        rules: rules by how often they bound.
        held_out: forecast figures; None: none stored.
        response_fit: how the response to price was learnt; None: not on record for the model that set the prices.
        identified: what identifies the elasticities of the curves; empty without curves.
        elasticities: by category, by expected revenue; the first entry is all products together.
        rankings: recommender figures; empty: none stored.
        quarantine: rows set aside, by table and rule.
        rows_taken: table → rows taken, for the tables with quarantined rows.
        panel: quality of the panel.
        runs: jobs in the order they finished.
        origins: versions behind the recommendations, one entry per combination found.
        table_versions: table → Delta version read for this page.
        names: product id → name as in the shop; ids without a product are absent.
    """

    shop: str
    about: str | None
    currency: str
    as_of: date
    period: str
    interval_rate: float
    weakest_elasticity: float
    knows_season: bool
    has_list_prices: bool
    price_list: str
    totals: DecisionTotals
    recent: RecentPeriods | None
    margin_paid: float | None
    held_back: tuple[Count, ...]
    flags: tuple[Count, ...]
    opportunities: tuple[Recommendation, ...]
    prices_paid: Mapping[tuple[str, str, date], Decimal]
    curves: tuple[DrawnCurve, ...]
    changes: tuple[ChangeBucket, ...]
    rules: tuple[RuleCount, ...]
    held_out: HeldOutFigures | None
    response_fit: ResponseFit | None
    identified: tuple[IdentifiedBy, ...]
    elasticities: tuple[ElasticityRange, ...]
    rankings: tuple[RankingQuality, ...]
    quarantine: tuple[QuarantineCount, ...]
    rows_taken: Mapping[str, int]
    panel: PanelQuality
    runs: tuple[JobRun, ...]
    origins: tuple[Origin, ...]
    table_versions: Mapping[str, int]
    names: Mapping[str, str]

    def name_of(self, product_id: str) -> str:
        """The product's name, or its id where the shop has none."""
        return self.names.get(product_id, product_id)

    def price_paid(self, one: Recommendation) -> Decimal | None:
        """Mean price paid for the product in the 8 periods before."""
        return self.prices_paid.get((one.product_id, one.market_id, one.period_start))
