"""What contenders know of each offer, without Spark."""

from datetime import date, timedelta

import numpy as np
import pandas as pd

from pricelake.workflows.scoreboard.history import MONEY, OF_THE_PERIOD, assemble

WEEK = timedelta(days=7)
START = date(2024, 1, 1)

VIEWS = pd.DataFrame(
    {"product_id": ["a", "a", "b"], "period_start": [START, START + WEEK, START], "views": [3.0, 5.0, 2.0]}
)


def panel() -> pd.DataFrame:
    rows = []
    for week in range(3):
        for product in ("a", "b"):
            known = dict.fromkeys(MONEY, 2.0) | dict.fromkeys(OF_THE_PERIOD, float(week))
            known |= {"product_id": product, "market_id": "m", "category": "c", "brand": "x", "units": 1.0}
            rows.append(known | {"period_start": START + week * WEEK, "is_open": week == 2})
    return pd.DataFrame(rows)


def test_offers_without_a_history_have_their_names_and_the_period_and_nothing_else() -> None:
    offers = pd.DataFrame({"product_id": ["b", "new"], "market_id": "m", "category": "c"})
    brands = pd.Series({"a": "x", "b": "x", "new": "y"})
    closed, opened = assemble(panel(), offers, brands, VIEWS)
    assert opened["product_id"].tolist() == ["b", "new"]
    assert opened["brand"].tolist() == ["x", "y"]
    assert opened["temperature_c"].tolist() == [2.0, 2.0]
    assert opened["period_start"].tolist() == [START + 2 * WEEK] * 2
    assert np.isnan(opened.loc[1, "list_price"])
    assert np.isnan(opened.loc[1, "units"])
    assert opened["views"].isna().all()
    assert not closed["is_open"].any()


def test_views_stand_in_their_period() -> None:
    offers = pd.DataFrame({"product_id": ["a", "b"], "market_id": "m", "category": "c"})
    closed, _ = assemble(panel(), offers, pd.Series({"a": "x", "b": "x"}), VIEWS)
    views = closed.set_index(["product_id", "period_start"])["views"]
    assert views.to_dict() == {
        ("a", START): 3.0, ("a", START + WEEK): 5.0, ("b", START): 2.0, ("b", START + WEEK): 0.0
    }  # fmt: skip


def test_a_shop_without_events_has_no_views() -> None:
    offers = pd.DataFrame({"product_id": ["a"], "market_id": "m", "category": "c"})
    empty = pd.DataFrame({"product_id": pd.Series(dtype=object), "period_start": pd.Series(dtype=object),
                          "views": pd.Series(dtype="float64")})  # fmt: skip
    closed, _ = assemble(panel(), offers, pd.Series({"a": "x"}), empty)
    assert (closed["views"] == 0.0).all()
