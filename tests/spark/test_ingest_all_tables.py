"""Every table a shop can bring through the whole job: typed values, every check of every contract, the files again."""

import hashlib
import hmac
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml
from pyspark.sql import SparkSession

from pricelake.settings.shop import SHOP_TABLE_NAMES
from pricelake.tables import Lake, contract_of
from pricelake.workflows.ingest import ingest
from pricelake.workflows.job import Job
from tests.spark.ingest_shop import job_of, quarantine, run, write_shop

MUST_HOLD = "; must hold: "


@dataclass(frozen=True)
class Brought:
    """One table's file: the header, line → row of the bronze table, line → rule and reason (less what must hold)."""

    header: str
    good: dict[str, tuple[Any, ...]]
    bad: dict[str, tuple[str, str]]


BROUGHT = {
    "products": Brought(
        "product_id,name,department,category,subcategory,brand,description,size_amount,size_unit,launched_on,image",
        {
            "p1,Bread,FOOD,BAKERY,BREAD,a,Rye,0.75,kg,2023-05-01,0.5 -0.25": (
                *("p1", "Bread", "FOOD", "BAKERY", "BREAD", "a", "Rye", 0.75, "kg", date(2023, 5, 1), [0.5, -0.25]),
            ),
            "p2,Soap,HOME,BATH,SOAP,b,,,,,": ("p2", "Soap", "HOME", "BATH", "SOAP", "b", *[None] * 5),
        },
        {
            "p3,Soap,HOME,BATH,SOAP,b,,0,kg,,": ("size_above_zero", "size_amount = 0.0"),
            "p4,,HOME,BATH,SOAP,b,,,,,": ("name_missing", "name is empty; it is required"),
            "p5,Soap,HOME,BATH,SOAP,b,,,,,0.5 x": (
                "image_embedding_not_array",
                "image_embedding is '[0.5, x]', which is not a array",
            ),
        },
    ),
    "order_lines": Brought(
        "order_id,line_id,customer_id,product_id,market_id,ordered_at,quantity,paid_amount,discount_amount",
        {
            "o1,1,c1,p1,m,2024-03-01 10:00:00,2,5.00,0.5": (
                *("o1", "1", "c1", "p1", "m", "2024-03-01 10:00:00", 2.0, Decimal("5.0000"), Decimal("0.5000")),
            ),
        },
        {
            "o2,1,c1,p1,m,2024-03-01,-1,5,": ("quantity_above_zero", "quantity = -1.0"),
            "o3,1,c1,p1,m,2024-03-01,1,0,": ("paid_amount_above_zero", "paid_amount = 0.0000"),
            "o4,1,c1,p1,m,2024-03-01,1,5,-0.01": ("discount_not_negative", "discount_amount = -0.0100"),
            "o5,1,c1,p1,m,2024-03-01,1001,5,": (
                "quantity_absurd",
                "quantity = 1001.0, above the shop's limit of 1000",
            ),
            "o6,1,c1,p1,m,2024-03-01,2,200001,": (
                "unit_price_absurd",
                "unit price = 100000.5, above the shop's limit of 100000",
            ),
        },
    ),
    "sales_panel": Brought(
        "product_id,market_id,period_start,units,revenue_amount,list_price,"
        "availability_rate,display_rate,feature_rate,coupon_rate",
        {
            "p1,m,2024-02-19,0,0,,,,,": ("p1", "m", date(2024, 2, 19), 0.0, Decimal("0.0000"), *[None] * 5),
            "p1,m,2024-02-26,4,9.5,2.5,1,0,0.5,1": (
                *("p1", "m", date(2024, 2, 26), 4.0, Decimal("9.5000"), Decimal("2.5000"), 1.0, 0.0, 0.5, 1.0),
            ),
        },
        {
            "p2,m,2024-02-26,-1,0,,,,,": ("units_not_negative", "units = -1.0"),
            "p2,m,2024-02-19,1,-1,,,,,": ("revenue_not_negative", "revenue_amount = -1.0000"),
            "p2,m,2024-02-12,0,1,,,,,": ("revenue_only_with_units", "units = 0.0, revenue_amount = 1.0000"),
            "p2,m,2024-02-05,1,1,0,,,,": ("list_price_above_zero", "list_price = 0.0000"),
            "p2,m,2024-01-29,1,1,,1.1,,,": ("availability_is_rate", "availability_rate = 1.1"),
            "p2,m,2024-01-22,1,1,,,-0.1,,": ("display_is_rate", "display_rate = -0.1"),
            "p2,m,2024-01-15,1,1,,,,2,": ("feature_is_rate", "feature_rate = 2.0"),
            "p2,m,2024-01-08,1,1,,,,,9": ("coupon_is_rate", "coupon_rate = 9.0"),
        },
    ),
    "customers": Brought(
        "customer_id string, age_band string, segment string, attributes map<string,string>",
        {
            '{"customer_id": "c1", "age_band": "30+", "segment": "vip", "attributes": {"city": "Bonn", "pet": "1"}}': (
                *("c1", "30+", "vip", {"city": "Bonn", "pet": "1"}),
            ),
            '{"customer_id": "c2", "attributes": {"city": "Köln", "pet": null}}': ("c2", None, None, {"city": "Köln"}),
            '{"customer_id": "c3", "age_band": " "}': ("c3", None, None, None),
        },
        {
            '{"customer_id": "", "age_band": "30+"}': ("customer_id_missing", "customer_id is empty; it is required"),
            '{"customer_id": "c4", "attributes": {"pet": "1"}}': (
                *("duplicate_key", "rows with different content share customer_id = c4; none can be preferred"),
            ),
            '{"customer_id": "c4", "attributes": {"pet": "2"}}': (
                *("duplicate_key", "rows with different content share customer_id = c4; none can be preferred"),
            ),
        },
    ),
    "events": Brought(
        "event_id,customer_id,product_id,event_type,occurred_at,query",
        {
            "e1,c1,p1,view,2024-03-01 10:00:00,": ("e1", "c1", "p1", "view", "2024-03-01 10:00:00", None),
            "e2,c2,,search,2024-03-01 10:00:00+02:00,rye": ("e2", "c2", None, "search", "2024-03-01 08:00:00", "rye"),
        },
        {
            "e3,c1,p1,buy,2024-03-01,": ("event_type_known", "event_type = buy"),
            "e4,c1,p99,cart,2024-03-01,": ("unknown_product", "product_id = p99 is not in products"),
            "e5,,p1,wish,2024-03-01,": ("customer_id_missing", "customer_id is empty; it is required"),
            "e6,c1,p1,wish,2199-01-01,": ("in_future", "occurred_at = 2199-01-01 00:00:00 lies in the future"),
        },
    ),
    "reviews": Brought(
        "review_id,customer_id,product_id,stars,text,reviewed_at",
        {'r1,c1,p1,4,"Good, firm",2024-03-02': ("r1", "c1", "p1", 0.75, "Good, firm", "2024-03-02 00:00:00")},
        {
            "r2,c1,p1,6,,2024-03-02": ("rating_is_rate", "rating = 1.25"),
            "r3,c1,p99,5,,2024-03-02": ("unknown_product", "product_id = p99 is not in products"),
        },
    ),
    "list_prices": Brought(
        "product_id,market_id,valid_from,list_price",
        {
            "p1,m,2024-01-01,2.99": ("p1", "m", date(2024, 1, 1), Decimal("2.9900")),
            "p1,m,2199-01-01,1.23455": ("p1", "m", date(2199, 1, 1), Decimal("1.2346")),
        },
        {
            "p2,m,2024-01-01,0": ("list_price_above_zero", "list_price = 0.0000"),
            "p2,m,2024-01-02,100000.5": (
                "unit_price_absurd",
                "unit price = 100000.5, above the shop's limit of 100000",
            ),
            "p2,m,2024,3": ("valid_from_not_date", "valid_from is '2024', which is not a date"),
        },
    ),
    "costs": Brought(
        "product_id,market_id,valid_from,unit_cost",
        {"p1,m,2024-01-01,1.5": ("p1", "m", date(2024, 1, 1), Decimal("1.5000"))},
        {
            "p2,m,2024-01-01,-1": ("unit_cost_above_zero", "unit_cost = -1.0000"),
            "p2,m,2024-01-02,200000": ("unit_price_absurd", "unit price = 200000.0, above the shop's limit of 100000"),
        },
    ),
    "promotions": Brought(
        "product_id,market_id,kind,starts_on,ends_on,depth_rate,coverage_rate",
        {
            "p1,m,display,2024-02-05,2024-02-11,0.2,": (
                *("p1", "m", "display", date(2024, 2, 5), date(2024, 2, 11), 0.2, None),
            ),
        },
        {
            "p2,m,tv,2024-02-05,2024-02-11,,": ("kind_known", "kind = tv"),
            "p2,m,feature,2024-02-05,2024-02-04,,": (
                "ends_after_start",
                "starts_on = 2024-02-05, ends_on = 2024-02-04",
            ),
            "p2,m,coupon,2024-02-05,2024-02-11,1.01,": ("depth_is_rate", "depth_rate = 1.01"),
            "p2,m,discount,2024-02-05,2024-02-11,,-0.5": ("coverage_is_rate", "coverage_rate = -0.5"),
        },
    ),
    "competitor_prices": Brought(
        "product_id,competitor_id,market_id,observed_at,price,in_stock,match_confidence",
        {
            "p1,rival,m,2024-03-01 06:00:00,1.89,false,0.9": (
                *("p1", "rival", "m", "2024-03-01 06:00:00", Decimal("1.8900"), False, 0.9),
            ),
            "p1,rival,m,2024-03-02 06:00:00,1.79,,": (
                *("p1", "rival", "m", "2024-03-02 06:00:00", Decimal("1.7900"), None, None),
            ),
        },
        {
            "p2,rival,m,2024-03-01,0,true,1": ("price_above_zero", "price = 0.0000"),
            "p2,rival,m,2024-03-01,1,true,1.5": ("confidence_is_rate", "match_confidence = 1.5"),
            "p2,rival,m,2024-03-01,100001,true,1": (
                "unit_price_absurd",
                "unit price = 100001.0, above the shop's limit of 100000",
            ),
            "p2,rival,m,2024-03-01,1,maybe,1": ("in_stock_not_boolean", "in_stock is 'maybe', which is not a boolean"),
        },
    ),
    "inventory": Brought(
        "product_id,market_id,date,on_hand_units,availability_rate",
        {
            "p1,m,2024-03-01,12,": ("p1", "m", date(2024, 3, 1), 12.0, None),
            "p2,m,2024-03-01,,0.5": ("p2", "m", date(2024, 3, 1), None, 0.5),
        },
        {
            "p1,m,2024-03-02,-1,": ("on_hand_not_negative", "on_hand_units = -1.0"),
            "p2,m,2024-03-02,,2": ("availability_is_rate", "availability_rate = 2.0"),
        },
    ),
    "calendar": Brought(
        "market_id,date,holiday,event",
        {"m,2024-03-01,,Spring fair": ("m", date(2024, 3, 1), None, "Spring fair")},
        {
            "m,1 March,,Fair": ("date_not_date", "date is '1 March', which is not a date"),
            ",2024-03-01,,Fair": ("market_id_missing", "market_id is empty; it is required"),
        },
    ),
    "weather": Brought(
        "market_id,date,temperature_c,precipitation_mm",
        {"m,2024-03-01,-3.5,": ("m", date(2024, 3, 1), -3.5, None)},
        {
            "m,2024-03-02,61,0": ("temperature_on_earth", "temperature_c = 61.0"),
            "m,2024-03-02,5,-1": ("precipitation_on_earth", "precipitation_mm = -1.0"),
            "m,2024-03-03,5,1e308": ("precipitation_on_earth", "precipitation_mm = 1.0E308"),
        },
    ),
}
EXPRESSIONS = {"image": ("image_embedding", "split(image, ' ')"), "stars": ("rating", "(stars - 1) / 4")}
# the first customer once more, the attributes the other way round
COPY = '{"customer_id": "c1", "age_band": "30+", "segment": "vip", "attributes": {"pet": "1", "city": "Bonn"}}'


def _write(folder: Path, names: Collection[str]) -> Path:
    sources, tables = {}, {}
    for name, brought in ((name, BROUGHT[name]) for name in names):
        lines = [*brought.good, *brought.bad]
        if name == "customers":
            form, options, lines = "json", {"schema": brought.header}, [*lines, COPY]
            columns = [field.split()[0] for field in brought.header.split(", ")]
        else:
            form, options, columns = "csv", {}, brought.header.split(",")
            lines = [brought.header, *lines]
        (folder / f"{name}.{form}").write_text("\n".join(lines) + "\n", encoding="utf-8")
        sources[name] = {"format": form, "path": str(folder / f"{name}.{form}"), "options": options}
        tables[name] = {"source": name, "columns": dict(EXPRESSIONS.get(c, (c, c)) for c in columns)}
    return write_shop(folder, sources=sources, tables=tables)


def _write_with_totals(folder: Path) -> Path:
    path = _write(folder, ("products", "sales_panel"))
    shop = yaml.safe_load(path.read_text(encoding="utf-8"))
    del shop["tables"]["order_lines"]
    path.write_text(yaml.safe_dump(shop), encoding="utf-8")
    return path


def _found(job: Any, name: str, customers: dict[str, str]) -> list[tuple[Any, ...]]:
    """The bronze table with times as UTC text and customers by the ids their pseudonyms were made from."""
    schema = contract_of(f"bronze.{name}").schema
    times = [
        f"cast({f.name} AS string) AS {f.name}" if f.dataType.typeName() == "timestamp" else f.name for f in schema
    ]
    rows = Lake(job.spark, job.lake.root).read(f"bronze.{name}").selectExpr(*times).collect()
    named = {customer: f"{customer} as received" for customer in customers.values()} | customers
    return _sorted(tuple(named.get(x, x) if isinstance(x, str) else x for x in row) for row in rows)


def _sorted(rows: Any) -> list[tuple[Any, ...]]:
    return sorted(rows, key=lambda row: repr(row[:4]))  # no key has more columns, and they come first


def _assert_judged(job: Job, summary: dict[str, Any], names: Collection[str], customers: dict[str, str]) -> None:
    bad: dict[str, Counter[tuple[str, str]]] = {name: Counter() for name in names}
    for row in quarantine(job):
        reason = row["reason"].partition(MUST_HOLD)[0]
        for pseudonym, customer in customers.items():
            reason = reason.replace(pseudonym, customer)
        bad[row["table_name"]][row["rule"], reason] += 1
        assert row["source_file"].rpartition("/")[2].startswith(f"{row['table_name']}.")
        assert row["source_row"].get("customer_id") in {*customers, None}
    for name in names:
        brought, copies = BROUGHT[name], 1 if name == "customers" else 0
        assert _found(job, name, customers) == _sorted(brought.good.values()), name
        assert bad[name] == Counter(brought.bad.values()), name
        assert {rule for rule, _ in bad[name]} >= contract_of(f"bronze.{name}").checks.keys(), name
        assert summary["tables"][name] == {
            "rows_in": len(brought.good) + len(brought.bad) + copies,
            "taken": len(brought.good),
            "quarantined": len(brought.bad),
            "duplicates": copies,
            "after_as_of": 0,
        }


def test_every_table_is_taken_and_judged_by_its_own_checks(spark: SparkSession, tmp_path: Path) -> None:
    assert BROUGHT.keys() == set(SHOP_TABLE_NAMES)
    names = BROUGHT.keys() - {"sales_panel"}
    job, summary = run(spark, tmp_path, lambda folder: _write(folder, names))
    key = (tmp_path / "customer.key").read_bytes()
    ids = ("", "c1", "c2", "c3", "c4")
    customers = {hmac.new(key, x.encode(), hashlib.sha256).hexdigest(): x for x in ids}
    _assert_judged(job, summary, names, customers)
    # the same files again, but for one entry of one customer's attributes
    tables = {*names, "quarantine"}
    before, versions = quarantine(job), {name: job.lake.version(f"bronze.{name}") for name in tables}
    file = tmp_path / "customers.json"
    file.write_text(file.read_text(encoding="utf-8").replace("Köln", "Ulm"), encoding="utf-8")
    again = job_of(spark, tmp_path, tmp_path / "shop.yaml")
    assert ingest(again) == summary
    assert sorted(quarantine(again), key=repr) == sorted(before, key=repr)
    assert again.lake.journal.rows_written == {"bronze.customers": 1}
    versions["customers"] += 1
    assert {name: again.lake.version(f"bronze.{name}") for name in tables} == versions
    changed = [row if row[0] != "c2" else (*row[:3], {"city": "Ulm"}) for row in BROUGHT["customers"].good.values()]
    assert _found(again, "customers", customers) == _sorted(changed)


def test_totals_in_place_of_orders_are_judged_by_their_own_checks(spark: SparkSession, tmp_path: Path) -> None:
    job, summary = run(spark, tmp_path, _write_with_totals)
    _assert_judged(job, summary, ("products", "sales_panel"), {})
