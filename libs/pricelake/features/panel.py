"""The demand panel, put together from facts."""

from datetime import timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pricelake.features.calendar import (
    HORIZON_DAYS,
    aggregate_to_market_events,
    join_holidays,
    join_weather,
    public_holiday_periods,
    public_holidays,
    with_season,
)
from pricelake.features.category import aggregate_to_category_context, join_category_context
from pricelake.features.competitors import competitor_facts
from pricelake.features.facts import (
    aggregate_to_period_sales,
    availability_facts,
    conform_sales_panel,
    launches,
    price_facts,
    promotion_facts,
)
from pricelake.features.grid import fill_periods, merge_facts, with_known_prices
from pricelake.features.history import with_price_history, with_unit_history
from pricelake.features.outliers import with_outliers
from pricelake.features.periods import Periods
from pricelake.features.prices import with_period_facts, with_unit_cost, with_unit_price
from pricelake.features.views import aggregate_to_views, join_views
from pricelake.settings import FeatureSettings
from pricelake.settings.shop import Shop


def collect_known_periods(tables: dict[str, DataFrame], periods: Periods, settings: FeatureSettings) -> DataFrame:
    """Everything the bronze tables say, product × market × period, with prices carried forward; gaps not yet filled.

    Args:
        tables: bronze tables by name without layer; ``products`` and one of ``order_lines``, ``sales_panel`` at least.
        periods: calendar of the run.
        settings: ``features`` section.

    Returns:
        result of :func:`pricelake.features.grid.with_known_prices`; small next to the panel, and read twice by
        :func:`build_demand_panel`, hence worth persisting.
    """
    if "order_lines" in tables:
        sales = aggregate_to_period_sales(tables["order_lines"], periods)
    else:
        sales = conform_sales_panel(tables["sales_panel"], periods)
    products, list_prices = tables["products"], tables.get("list_prices")
    facts: list[DataFrame] = [sales, launches(sales, list_prices, products, periods)]
    if list_prices is not None:
        facts.append(price_facts(list_prices, "list_price", "brought_list_price", periods))
    if "costs" in tables:
        facts.append(price_facts(tables["costs"], "unit_cost", "brought_unit_cost", periods))
    if "promotions" in tables:
        facts.append(promotion_facts(tables["promotions"], periods))
    if "inventory" in tables:
        facts.append(availability_facts(tables["inventory"], periods))
    if "competitor_prices" in tables:
        facts.append(
            competitor_facts(
                tables["competitor_prices"],
                periods,
                settings.competitor_max_age_days,
                settings.competitor_min_confidence,
            )
        )
    return with_known_prices(merge_facts(facts, products))


def build_demand_panel(
    known: DataFrame, tables: dict[str, DataFrame], periods: Periods, settings: FeatureSettings, shop: Shop
) -> DataFrame:
    """The panel with all its features.

    Args:
        known: result of :func:`collect_known_periods`.
        tables: bronze tables by name; ``calendar``, ``events`` and ``weather`` are used where brought.
        periods: calendar of the run.
        settings: ``features`` section.
        shop: country for holidays and assumed cost rates.

    Returns:
        every column of ``gold.demand_panel`` and some more; one row per product, market and period while on sale, from
        ``periods.history_number`` to the open period.

    Raises:
        SettingsError: no holidays are known for the shop's country.
    """
    rows = with_unit_price(fill_periods(known, periods, settings.delisted_days))
    rows = with_period_facts(with_unit_cost(rows, shop.assumed_costs))
    rows = with_unit_history(with_outliers(with_price_history(rows), settings.winsorise_mads))
    views = aggregate_to_views(tables["events"], periods) if "events" in tables else None
    rows = join_views(rows, views).where(F.col("period_number") >= periods.history_number)
    rows = join_category_context(rows, aggregate_to_category_context(known))
    horizon = periods.open_start + timedelta(days=HORIZON_DAYS)
    days = public_holidays(shop.country, shop.subdivision, periods.first_start, horizon)
    events = aggregate_to_market_events(tables["calendar"], days, periods) if "calendar" in tables else None
    public = public_holiday_periods(known.sparkSession, days, periods)
    return with_season(join_weather(join_holidays(rows, public, events), tables.get("weather"), periods))
