"""The demand panel by brute force: one row at a time, from the definitions in the contract."""

import math
from collections import defaultdict
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from statistics import mean, median
from zoneinfo import ZoneInfo

import holidays
import pandas as pd

WEEK = timedelta(weeks=1)
ON_SALE_WEEKS = 26
PROMOTED = ("display_rate", "feature_rate", "coupon_rate", "price_cut_rate")
RATE_OF_KIND = dict(zip(("display", "feature", "coupon", "discount"), PROMOTED, strict=True))


def monday_of(day: date) -> date:
    return day - timedelta(days=day.weekday())


def local_date(moment: pd.Timestamp, zone: str) -> date:
    return moment.tz_localize("UTC").tz_convert(ZoneInfo(zone)).date()


def money(value: float | Decimal) -> float:
    return float(Decimal(str(value)).quantize(Decimal("0.0001"), ROUND_HALF_UP))


class Oracle:
    def __init__(
        self, tables: dict[str, pd.DataFrame], as_of: date, zone: str, history: int, since: date | None = None
    ) -> None:
        self.tables, self.zone, self.as_of = tables, zone, as_of
        self.open = monday_of(as_of)
        self.history_start = self.open - history * WEEK
        self.read_start = self.history_start - 26 * WEEK
        if since is not None:
            self.read_start = max(self.read_start, monday_of(since + timedelta(days=6)))
        self.products = tables["products"].set_index("product_id")
        self.by_pair = {
            name: dict(list(rows.groupby(["product_id", "market_id"])))
            for name, rows in tables.items()
            if {"product_id", "market_id"} <= set(rows.columns)
        }
        public = holidays.country_holidays("US", years=range(self.read_start.year, as_of.year + 2))
        self.public = sorted(public)
        self._sum_sales()
        self._count_views()

    def rows_of(self, name: str, pair: tuple[str, str]) -> list[dict]:
        found = self.by_pair.get(name, {}).get(pair)
        return [] if found is None else found.astype(object).where(found.notna(), None).to_dict("records")

    def _sum_sales(self) -> None:
        self.sales: dict[tuple[str, str], dict[date, dict[str, float]]] = defaultdict(dict)
        lines = self.tables["order_lines"]
        for line in lines.itertuples():
            week = monday_of(local_date(line.ordered_at, self.zone))
            if not self.read_start <= week < self.open:
                continue
            cell = self.sales[(line.product_id, line.market_id)].setdefault(
                week, {"units": 0.0, "revenue": 0.0, "regular": 0.0, "regular_units": 0.0}
            )
            cell["units"] += line.quantity
            cell["revenue"] += line.paid_amount
            if not pd.isna(line.discount_amount):
                cell["regular"] += line.paid_amount + line.discount_amount
                cell["regular_units"] += line.quantity

    def _count_views(self) -> None:
        self.views: dict[tuple[str, date], int] = defaultdict(int)
        for event in self.tables["events"].itertuples() if "events" in self.tables else ():
            week = monday_of(local_date(event.occurred_at, self.zone))
            if event.event_type == "view" and self.read_start <= week < self.open:
                self.views[event.product_id, week] += 1
        weeks = {week for _, week in self.views}
        self.views_recorded = weeks - {min(weeks, default=None)}

    def on_sale_from(self, pair: tuple[str, str]) -> set[date]:
        weeks = set(self.sales.get(pair, {}))
        launched = self.products.loc[pair[0], "launched_on"]
        if launched is not None and self.read_start <= monday_of(launched) <= self.open:
            weeks.add(monday_of(launched))
        return weeks

    def brought(self, name: str, column: str, pair: tuple[str, str], week: date) -> float | None:
        until = self.as_of - timedelta(days=1) if week == self.open else min(week, self.as_of - timedelta(days=1))
        known = [r for r in self.rows_of(name, pair) if r["valid_from"] <= until]
        return max(known, key=lambda r: r["valid_from"])[column] if known else None

    def promotion(self, pair: tuple[str, str], week: date) -> dict[str, float]:
        days = [week + timedelta(days=n) for n in range(7)]
        found = dict.fromkeys((*PROMOTED, "promotion_depth_rate", "announced"), 0.0)
        for promo in self.rows_of("promotions", pair):
            ran = sum(promo["starts_on"] <= day <= promo["ends_on"] for day in days)
            if not ran:
                continue
            share = (1.0 if promo["coverage_rate"] is None else promo["coverage_rate"]) * ran / 7
            depth = promo["depth_rate"] or 0.0
            found[RATE_OF_KIND[promo["kind"]]] += share
            if promo["kind"] != "coupon":
                found["announced"] = max(found["announced"], depth * share)
            found["promotion_depth_rate"] = max(found["promotion_depth_rate"], depth)
        return {name: min(value, 1.0) for name, value in found.items()}

    def competitor(self, pair: tuple[str, str], week: date) -> float | None:
        latest: dict[str, dict] = {}
        for seen in self.rows_of("competitor_prices", pair):
            day = local_date(seen["observed_at"], self.zone)
            if seen["match_confidence"] is not None and seen["match_confidence"] < 0.7:
                continue
            if not week - timedelta(days=28) <= day < week:
                continue
            rival = seen["competitor_id"]
            if rival not in latest or latest[rival]["observed_at"] < seen["observed_at"]:
                latest[rival] = seen
        prices = [seen["price"] for seen in latest.values() if seen["in_stock"] is not False]
        return median(prices) if prices else None

    def availability(self, pair: tuple[str, str], week: date) -> float | None:
        rates = []
        for row in self.rows_of("inventory", pair):
            if week <= row["date"] < week + WEEK and week < self.open:
                if row["availability_rate"] is not None:
                    rates.append(row["availability_rate"])
                elif row["on_hand_units"] is not None:
                    rates.append(1.0 if row["on_hand_units"] > 0 else 0.0)
        return mean(rates) if rates else None

    def calendar(self, market: str, week: date) -> tuple[int, int]:
        shop_days = {}
        if "calendar" in self.tables:
            rows = self.tables["calendar"]
            for row in rows[rows["market_id"] == market].itertuples():
                if row.holiday is not None or row.event is not None:
                    shop_days[row.date] = row.holiday
        special = set(self.public) | set(shop_days)
        inside = sum(week <= day < week + WEEK for day in special)
        named = [day for day, holiday in shop_days.items() if holiday is not None and day not in set(self.public)]
        ahead = [(day - week).days for day in [*self.public, *named] if day >= week]
        return inside, min([*ahead, 28])

    def weather(self, market: str, week: date) -> tuple[float, float, bool]:
        if "weather" not in self.tables:
            return 0.0, 0.0, True
        rows = self.tables["weather"]
        before = rows[(rows["market_id"] == market) & (rows["date"] >= week - WEEK) & (rows["date"] < week)]
        if before.empty:
            return 0.0, 0.0, True
        return before["temperature_c"].mean(), before["precipitation_mm"].mean(), False

    def pair_rows(self, pair: tuple[str, str], mads: float) -> list[dict]:
        """Rows of one pair, oldest first, with everything but the category's features."""
        starts, sales, rows = self.on_sale_from(pair), self.sales.get(pair, {}), []
        shelf = paid = None
        for number in range((self.open - self.read_start).days // 7 + 1):
            week = self.read_start + number * WEEK
            cell = sales.get(week)
            if cell:
                regular = cell["regular"] / cell["regular_units"] if cell["regular_units"] else None
                shelf = money(regular if regular else cell["revenue"] / cell["units"])
                paid = money(cell["revenue"] / cell["units"])
            brought = self.brought("list_prices", "list_price", pair, week)
            list_price = shelf if brought is None else brought
            if list_price is None or not any(timedelta(0) <= week - s <= ON_SALE_WEEKS * WEEK for s in starts):
                continue
            rows.append(self._row(pair, week, cell, list_price, paid, min(starts)))
            self._add_history(rows, mads)
        return rows

    def _row(self, pair, week, cell, list_price, paid, start) -> dict:  # type: ignore[no-untyped-def]
        promo, is_open = self.promotion(pair, week), week == self.open
        promo["announced_discount_rate"] = promo.pop("announced")
        planned = money(list_price * (1 - promo["announced_discount_rate"]))
        unit_price = planned if is_open or paid is None else paid
        cost = self.brought("costs", "unit_cost", pair, week)
        department, category = self.products.loc[pair[0], ["department", "category"]]
        rate = {"BREAD": 0.5}.get(category, {"HOME": 0.4, "FOOD": 0.55}[department])
        rival, available = self.competitor(pair, week), self.availability(pair, week)
        if available == 0 and cell:
            available = None
        holiday_days, days_to_holiday = self.calendar(pair[1], week)
        warm, wet, no_weather = self.weather(pair[1], week)
        angle = 2 * math.pi * (week.timetuple().tm_yday - 1) / 365.25
        return {
            "product_id": pair[0],
            "market_id": pair[1],
            "period_start": week,
            "is_open": is_open,
            **self.products.loc[pair[0], ["department", "category", "subcategory", "brand"]].to_dict(),
            "units": None if is_open else (cell["units"] if cell else 0.0),
            "revenue_amount": None if is_open else (cell["revenue"] if cell else 0.0),
            "unit_price": unit_price,
            "is_price_observed": bool(cell),
            "list_price": list_price,
            "discount_rate": max(0.0, 1 - unit_price / list_price),
            "unit_cost": money(list_price * rate) if cost is None else cost,
            "cost_source": "assumed" if cost is None else "brought",
            **promo,
            "availability_rate": 1.0 if available is None else available,
            "is_availability_missing": available is None,
            "holiday_days": holiday_days,
            "days_to_holiday": days_to_holiday,
            "season_sin_1": math.sin(angle),
            "season_cos_1": math.cos(angle),
            "season_sin_2": math.sin(2 * angle),
            "season_cos_2": math.cos(2 * angle),
            "temperature_c": warm,
            "precipitation_mm": wet,
            "is_weather_missing": no_weather,
            "competitor_index": 1.0 if rival is None else list_price / rival,
            "is_competitor_missing": rival is None,
            "age_periods": (week - start).days // 7,
            "views": self.views[pair[0], week] if week in self.views_recorded else None,
        }

    @staticmethod
    def _add_history(rows: list[dict], mads: float) -> None:
        """Everything about the last row that follows from the rows before it."""
        row, earlier = rows[-1], rows[:-1]
        week = row["period_start"]

        def last(periods: int, name: str) -> list[float]:
            return [r[name] for r in earlier if 0 < (week - r["period_start"]).days <= 7 * periods]

        in_stock = [r for r in earlier if r["availability_rate"] > 0]
        past = [math.log1p(r["units"]) for r in in_stock if 0 < (week - r["period_start"]).days <= 7 * 26]
        if row["is_open"]:
            row["is_availability_missing"] = earlier[-1]["is_availability_missing"] if earlier else True
        row["is_outlier"], row["units_winsorised"] = False, row["units"]
        if len(past) >= 8 and not row["is_open"]:
            centre = median(past)
            level = math.expm1(centre)
            mad = median(abs(x - centre) for x in past)
            reach = mads * max(1.4826 * mad, math.sqrt(level + 0.375) / (1 + level), 0.25)
            x = math.log1p(row["units"])
            lowest = centre - reach if row["availability_rate"] == 1 else -math.inf
            row["is_outlier"] = not lowest <= x <= centre + reach
            row["units_winsorised"] = max(0.0, math.expm1(min(max(x, lowest), centre + reach)))
        own = "units_winsorised"
        for k in (1, 2, 3, 4):
            row[f"units_lag_{k}"] = next((r[own] for r in earlier if r["period_start"] == week - k * WEEK), 0.0)
        for k in (4, 8, 13):
            row[f"units_mean_{k}"] = mean(last(k, own)) if last(k, own) else 0.0
        row["units_mean_all"] = mean(r[own] for r in earlier) if earlier else 0.0
        row["units_max_8"] = max(last(8, own), default=0.0)
        seen = {k: [views for views in last(k, "views") if views is not None] for k in (1, 4, 13)}
        row["views_lag_1"], row["views_mean_4"], row["views_mean_13"] = (mean(s) if s else 0.0 for s in seen.values())
        row["is_views_missing"] = not seen[13]
        prices = last(8, "unit_price")
        row["reference_price"] = money(mean(Decimal(str(price)) for price in prices)) if prices else row["unit_price"]
        row["price_lag_ratio"] = last(1, "unit_price")[0] / row["reference_price"] if last(1, "unit_price") else 1.0
        row["revenue_rate_8"] = math.log1p(row["units_mean_8"] * row["reference_price"])
        rates = [max(r[n] for n in (*PROMOTED, "promotion_depth_rate")) for r in earlier[-1:]]
        adjacent = bool(last(1, "units"))
        row["promotion_lag_1"] = rates[0] if adjacent else 0.0
        row["sold_periods"] = sum(r["units"] > 0 for r in earlier)
        sold = [r["period_start"] for r in earlier if r["units"] > 0]
        row["periods_since_sale"] = min(52, (week - sold[-1]).days // 7 if sold else row["age_periods"])
        moves = pairwise(earlier)
        row["price_changes"] = sum(abs(b["unit_price"] / a["unit_price"] - 1) > 0.01 for a, b in moves)

    def panel(self, mads: float = 6.0) -> pd.DataFrame:
        pairs = set(self.sales) | set(self.by_pair.get("list_prices", {}))
        rows = [row for pair in sorted(pairs) for row in self.pair_rows(pair, mads)]
        totals: dict[tuple, dict[date, list[float]]] = defaultdict(lambda: defaultdict(lambda: [0.0, 0.0, 0.0]))
        for row in rows:
            if row["units"]:
                cell = totals[row["market_id"], row["department"], row["category"]][row["period_start"]]
                cell[0] += row["units"]
                cell[1] += row["revenue_amount"]
                cell[2] += row["units"] * row["list_price"]
        for row in rows:
            weeks = totals[row["market_id"], row["department"], row["category"]]
            week = row["period_start"]
            before = [week - k * WEEK for k in range(1, 9) if weeks and week - k * WEEK >= min(weeks)]
            units = [weeks[w][0] if w in weeks else 0.0 for w in before]
            row["category_units_lag_1"] = units[0] / mean(units) if sum(units) > 0 else 1.0
            revenue, at_list = weeks[week - WEEK][1:] if week - WEEK in weeks else (0.0, 0.0)
            row["category_discount_rate"] = max(0.0, 1 - revenue / at_list) if at_list else 0.0
        panel = pd.DataFrame(rows).drop(columns="views")
        panel = panel[panel["period_start"] >= self.history_start]
        return panel.sort_values(["product_id", "market_id", "period_start"]).reset_index(drop=True)
