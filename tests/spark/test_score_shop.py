"""What PriceLake's jobs left in the lake, read back as a contender; tables made by hand."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from pricelake.errors import PriceLakeError, SettingsError
from pricelake.evaluation.contenders.interface import History
from pricelake.evaluation.scoring.effort import Effort
from pricelake.settings import LakeSettings, Settings
from pricelake.sources import pseudonym_of
from pricelake.tables import Lake
from pricelake.workflows.scoreboard.pricelake import CURVE, SHARED, UPLIFT, read_pricelake, read_recommendations
from pricelake.workflows.scoreboard.shop import MODEL_JOBS, ScoredShop
from tests.report_lake import AS_OF, frame_of, made_up_tables, write_tables
from tests.spark.ingest_shop import write_shop

KEY = b"the key of the shop that is scored"
TABLES = made_up_tables(products=8, periods=2)
CUSTOMERS = ("c1", "c2", "c3")


@dataclass(frozen=True)
class Market:
    """Knows the tastes of two customers of its one market."""

    shop: Path
    name: str = "corner shop"
    as_of: date = AS_OF

    def tastes(self, market: str) -> pd.DataFrame:
        assert market == "chain"
        return pd.DataFrame(1.0, index=list(CUSTOMERS[:2]), columns=["p1", "p2"])


@pytest.fixture
def shop(tmp_path: Path) -> ScoredShop:
    path = write_shop(tmp_path / "shop")
    offers = pd.DataFrame({"product_id": ["p1"], "market_id": "chain"})
    history = History(pd.DataFrame(), pd.DataFrame(), offers, pd.Series(dtype=float), pd.DataFrame())
    settings = Settings(lake=LakeSettings(root=str(tmp_path / "lake")), shop=path, rules=Path("rules.yaml"))
    return ScoredShop(Market(path), history, settings, Effort(2.0, 3.0), MODEL_JOBS)  # type: ignore[arg-type]


def hold_key(shop: ScoredShop, key: bytes) -> None:
    path = shop.market.shop.parent / "customer.key"
    path.write_bytes(key)
    path.chmod(0o600)


def recommend(lake: Lake, customers: Sequence[str]) -> None:
    rows = [
        {"customer_id": pseudonym_of(KEY, one), "position": place, "product_id": f"p{place}"}
        | {"score": 1.0, "source": "als", "model_version": "1"}
        for one in customers
        for place in (1, 2, 10, 11)
    ]
    write_tables(lake, {"gold.recommendations": rows})


def test_curves_and_prices_of_the_day_are_read_as_they_were_written(lake: Lake, shop: ScoredShop) -> None:
    names = ("gold.demand_curves", "gold.price_recommendations")
    earlier = AS_OF - timedelta(weeks=1)
    write_tables(lake, {name: [*TABLES[name], TABLES[name][0] | {"as_of_date": earlier}] for name in names})
    read = read_pricelake(lake, shop)
    assert (read.error, read.effort, read.interval_rate) == (None, shop.effort, shop.settings.pricing.interval_rate)
    for name, columns, found in zip(
        names, (CURVE, ("price_recommended", *UPLIFT, *SHARED)), (read.curves, read.decided), strict=True
    ):
        assert list(found.drop(columns="identification", errors="ignore")) == list(columns)
        assert len(found) == len(TABLES[name])
        for row in TABLES[name]:
            expected = [float("nan") if row[column] is None else float(row[column]) for column in columns]
            read_back = found.loc[(row["product_id"], row["market_id"])]
            assert read_back[list(columns)].tolist() == pytest.approx(expected, nan_ok=True)
            assert read_back.get("identification") == row.get("identification")


def test_prices_that_are_not_there_are_a_failure_that_says_why(lake: Lake, shop: ScoredShop) -> None:
    read = read_pricelake(lake, shop)
    assert read.effort == shop.effort
    with pytest.raises(PriceLakeError, match=r"^gold\.demand_curves has not been written yet"):
        read.fit(shop.history)
    told = read_pricelake(lake, replace(shop, error="Gate 2 was not passed."))
    assert (told.error, told.effort) == ("Gate 2 was not passed.", shop.effort)


def test_recommendations_come_under_the_names_that_the_market_knows(lake: Lake, shop: ScoredShop) -> None:
    recommend(lake, CUSTOMERS)
    hold_key(shop, KEY)
    failed_later = replace(shop, finished=MODEL_JOBS[:1], error="Gate 2 was not passed.")
    for one in (shop, failed_later):
        found = read_recommendations(lake, one).sort_values(["customer_id", "position"])
        expected = [(name, f"p{place}", place) for name in CUSTOMERS[:2] for place in (1, 2, 10)]
        assert list(found.itertuples(index=False, name=None)) == expected


def test_a_shop_without_recommendations_has_none(lake: Lake, shop: ScoredShop) -> None:
    columns = ["customer_id", "product_id", "position"]

    def read(one: ScoredShop) -> Any:
        found = read_recommendations(lake, one)
        assert list(found.columns) == columns
        return len(found)

    assert read(shop) == 0  # no table, and no key either: no customers
    lake.replace("gold.recommendations", frame_of(lake.spark, "gold.recommendations", []))
    assert read(shop) == 0
    recommend(lake, CUSTOMERS)
    assert read(replace(shop, finished=(), error="ALS failed.")) == 0


def test_recommendations_under_another_key_are_never_taken_for_wrong_ones(lake: Lake, shop: ScoredShop) -> None:
    recommend(lake, CUSTOMERS)
    with pytest.raises(SettingsError, match=r"customer\.key is gone"):
        read_recommendations(lake, shop)
    hold_key(shop, b"a key that came later and fits nobody")
    with pytest.raises(PriceLakeError) as raised:
        read_recommendations(lake, shop)
    assert str(raised.value) == (
        "None of the 3 customers in gold.recommendations is one of the 2 whose tastes corner shop knows: their "
        f"pseudonyms were made under another key than file:{shop.market.shop.parent}/customer.key holds now, and "
        "recommendations that nobody is known to have got would all count as wrong. Put back the key that ingest ran "
        "with, or run all jobs again in an empty folder."
    )
