"""Ratings and sequences against formulas recomputed in Python."""

import math
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta

import pandas as pd
import pytest
from pyspark.sql import Row, SparkSession

from pricelake.features.behaviour import collect_behaviour
from pricelake.features.interactions import aggregate_to_interactions, aggregate_to_sequences
from pricelake.features.periods import Periods
from pricelake.tables import contract_of
from tests.spark import features_shop as data

AS_OF = date(2024, 3, 4)
PERIODS = Periods("week", AS_OF, "America/New_York", 10)
MIDNIGHT = datetime(2024, 3, 4, 5, tzinfo=UTC)
JUST_BEFORE = pd.Timestamp("2024-03-04 04:59:59.999999")
WEIGHTS = {"purchase": 1.0, "cart": 0.5, "wish": 0.4, "search": 0.2, "view": 0.1}


def tables() -> dict[str, pd.DataFrame]:
    lines = data.order_lines().iloc[::9].reset_index(drop=True)
    start = pd.Timestamp(MIDNIGHT).tz_localize(None)
    kinds = ("view", "search", "cart", "wish")
    events = pd.DataFrame(
        {
            "event_id": [f"e{n}" for n in range(300)],
            "customer_id": [f"c{n % 7:03d}" for n in range(300)],
            "product_id": [None if kinds[n % 4] == "search" and n % 3 else f"p{n % 12:02d}" for n in range(300)],
            "event_type": [kinds[n % 4] for n in range(300)],
            "occurred_at": [start - pd.Timedelta(hours=5 * n - 20) for n in range(300)],
        }
    )
    reviews = pd.DataFrame(
        {
            "review_id": [f"r{n}" for n in range(40)],
            "customer_id": [f"c{n % 9:03d}" for n in range(40)],
            "product_id": [f"p{n % 11:02d}" for n in range(40)],
            "rating": [(n % 5) / 4 for n in range(40)],
            "reviewed_at": [start - pd.Timedelta(days=9 * n - 3) for n in range(40)],
        }
    )
    return {"order_lines": lines, "events": events, "reviews": reviews}


def stream(rows: dict[str, pd.DataFrame]) -> list[tuple[str, str | None, str, datetime, str, float]]:
    found = [
        (r.customer_id, r.product_id, "purchase", r.ordered_at, f"{r.order_id}/{r.line_id}", 0.0)
        for r in rows["order_lines"].itertuples()
        if r.customer_id is not None
    ]
    found += [
        (r.customer_id, r.product_id, r.event_type, r.occurred_at, r.event_id, 0.0) for r in rows["events"].itertuples()
    ]
    found += [
        (r.customer_id, r.product_id, "review", r.reviewed_at, r.review_id, r.rating)
        for r in rows["reviews"].itertuples()
    ]
    return [(*row[:3], row[3].tz_localize("UTC").to_pydatetime(), *row[4:]) for row in found
            if row[3].tz_localize("UTC") < MIDNIGHT]  # fmt: skip


@pytest.fixture(scope="module")
def behaviour(spark: SparkSession):  # type: ignore[no-untyped-def]
    frames = {name: data.to_spark(spark, name, rows) for name, rows in tables().items()}
    return collect_behaviour(frames["order_lines"], frames["events"], frames["reviews"], PERIODS).cache()


def test_ratings_follow_the_formula(behaviour) -> None:  # type: ignore[no-untyped-def]
    expected = defaultdict(lambda: {"w": 0.0, "v": 0.0, "s": 0.0, "n": 0, "at": []})
    for customer, product, kind, moment, _, stars in stream(tables()):
        if product is None:
            continue
        cell = expected[customer, product]
        decay = 2 ** (-((MIDNIGHT - moment).total_seconds() / 86400) / 90)
        cell["at"].append(moment)
        cell["n"] += kind == "purchase"
        cell["w"] += WEIGHTS.get(kind, 0.0) * decay
        cell["v"] += decay if kind == "review" else 0.0
        cell["s"] += decay * stars
    frame = aggregate_to_interactions(behaviour, PERIODS, 90.0)
    contract = contract_of("gold.interactions")
    assert [(f.name, f.dataType.simpleString()) for f in frame.schema] == [
        (c.name, c.dataType.simpleString()) for c in contract.columns
    ]
    found = {(r.customer_id, r.product_id): r for r in frame.collect()}
    assert found.keys() == expected.keys()
    both = [c for c in expected.values() if c["v"] > 0 and c["n"] > 0]
    assert both, "no customer both bought and reviewed; the blend is not tested"
    for key, cell in expected.items():
        taste = 1 - math.exp(-cell["w"])
        rating = taste
        if cell["v"] > 0:
            rating = taste + (cell["s"] / cell["v"] - taste) * cell["v"] / (1 + cell["v"])
        row = found[key]
        assert row.rating == pytest.approx(rating, rel=1e-9)
        assert 0 <= row.rating <= 1
        assert row.interactions == pytest.approx(cell["w"] + cell["v"], rel=1e-9)
        assert row.purchases == cell["n"]
        assert (_utc(row.first_at), _utc(row.last_at)) == (min(cell["at"]), max(cell["at"]))


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


def test_hand_computed_rating(spark: SparkSession) -> None:
    """Two purchases, one today and one a half-life ago: w = 1.5; one five-star review today pulls half the way to 1."""
    lines = pd.DataFrame(
        {
            "order_id": ["a", "b"],
            "line_id": ["1", "1"],
            "customer_id": ["c", "c"],
            "product_id": ["p", "p"],
            "market_id": ["m", "m"],
            "ordered_at": [JUST_BEFORE, pd.Timestamp("2024-03-04 05:00") - pd.Timedelta(days=180)],
            "quantity": [1.0, 5.0],
            "paid_amount": [1.0, 5.0],
        }
    )  # fmt: skip
    reviews = pd.DataFrame(
        {"review_id": ["r"], "customer_id": ["c"], "product_id": ["p"], "rating": [1.0],
         "reviewed_at": [JUST_BEFORE]}
    )  # fmt: skip
    bought = data.to_spark(spark, "order_lines", lines)
    only = collect_behaviour(bought, None, None, PERIODS)
    row = aggregate_to_interactions(only, PERIODS, 180.0).first()
    assert row.rating == pytest.approx(0.7768698, abs=1e-6)
    assert row.interactions == pytest.approx(1.5, abs=1e-6)
    reviewed = collect_behaviour(bought, None, data.to_spark(spark, "reviews", reviews), PERIODS)
    assert aggregate_to_interactions(reviewed, PERIODS, 180.0).first().rating == pytest.approx(0.8884349, abs=1e-6)


def test_midnight_of_the_as_of_date_is_already_the_future(spark: SparkSession) -> None:
    def line(order: str, moment: str) -> dict[str, object]:
        return {"order_id": order, "line_id": "1", "customer_id": "c", "product_id": order, "market_id": "m",
                "ordered_at": pd.Timestamp(moment), "quantity": 1.0, "paid_amount": 1.0}  # fmt: skip

    lines = pd.DataFrame([line("before", str(JUST_BEFORE)), line("at", "2024-03-04 05:00:00")])
    known = collect_behaviour(data.to_spark(spark, "order_lines", lines), None, None, PERIODS)
    assert [row.product_id for row in known.collect()] == ["before"]


def test_sequences_keep_the_latest_events_in_order(behaviour) -> None:  # type: ignore[no-untyped-def]
    expected: dict[str, list] = defaultdict(list)
    for customer, product, kind, moment, source, _ in stream(tables()):
        expected[customer].append((moment, kind, product or "", source))
    frame = aggregate_to_sequences(behaviour, 25)
    contract = contract_of("gold.sequences")
    assert [(f.name, f.dataType.simpleString()) for f in frame.schema] == [
        (c.name, c.dataType.simpleString()) for c in contract.columns
    ]
    found: dict[str, Row] = {row.customer_id: row for row in frame.collect()}
    assert found.keys() == expected.keys()
    assert max(map(len, expected.values())) > 25
    for customer, events in expected.items():
        row, latest = found[customer], sorted(events)[-25:]
        assert row.event_count == len(latest)
        assert list(row.product_ids) == [e[2] for e in latest]
        assert list(row.event_types) == [e[1] for e in latest]
        assert [_utc(at) for at in row.occurred_at] == [e[0] for e in latest]
    assert any("" in row.product_ids for row in found.values())


def test_a_shop_without_behaviour_has_none() -> None:
    assert collect_behaviour(None, None, None, PERIODS) is None


def test_older_events_than_the_panel_still_count(spark: SparkSession) -> None:
    assert min(row.first_at for row in aggregate_to_interactions(
        collect_behaviour(data.to_spark(spark, "order_lines", data.order_lines()), None, None, PERIODS), PERIODS, 180.0
    ).collect()).astimezone(UTC) < MIDNIGHT - timedelta(weeks=40)  # fmt: skip
