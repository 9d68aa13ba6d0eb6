"""Small shops for the tests of ingest: files written as text, tables as dictionaries."""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import yaml
from pyspark.sql import SparkSession

from pricelake.settings import Settings
from pricelake.tables import Lake
from pricelake.workflows.ingest import ingest
from pricelake.workflows.job import Job

AS_OF = date(2024, 3, 4)
PRODUCTS_CSV = "sku,title,dept,brand\np1,Bread,FOOD,a\np2,Cheese,FOOD,b\np3,Soap,HOME,c\n"
ORDERS_HEADER = "order,line,customer,sku,at,qty,paid,money\n"
ORDERS_CSV = ORDERS_HEADER + "o1,1,c1,p1,2024-03-01 10:00:00,2,5.00,EUR\no1,2,c1,p2,2024-03-01 10:00:00,1,4.00,EUR\n"

PRODUCTS = {
    "source": "products",
    "columns": {
        "product_id": "sku",
        "name": "title",
        "department": "dept",
        "category": "dept",
        "subcategory": "dept",
        "brand": "brand",
    },
}
ORDER_LINES = {
    "source": "orders",
    "currency": "money",
    "columns": {
        "order_id": "`order`",
        "line_id": "line",
        "customer_id": "customer",
        "product_id": "sku",
        "market_id": "'m'",
        "ordered_at": "at",
        "quantity": "qty",
        "paid_amount": "paid",
    },
}


def write_shop(folder: Path, **changes: Any) -> Path:
    """The shop file of two csv sources; ``sources`` and ``tables`` are added to it, other keys replaced."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in {"products": PRODUCTS_CSV, "orders": ORDERS_CSV}.items():
        if not (folder / f"{name}.csv").exists():
            (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    shop: dict[str, Any] = {
        "name": "Small",
        "currency": "EUR",
        "customer_key": f"file:{folder}/customer.key",
        "sources": {n: {"format": "csv", "path": str(folder / f"{n}.csv")} for n in ("products", "orders")},
        "tables": {"products": PRODUCTS, "order_lines": ORDER_LINES},
    }
    for key in ("sources", "tables"):
        shop[key] |= changes.pop(key, {})
    shop |= changes
    path = folder / "shop.yaml"
    path.write_text(yaml.safe_dump(shop))
    return path


def job_of(spark: SparkSession, folder: Path, shop: Path, as_of: date = AS_OF, max_rate: float = 1.0) -> Job:
    """A job over the shop, with a lake beside it."""
    settings = Settings(
        lake={"root": str(folder / "lake")}, shop=shop, rules="unused.yaml", quality={"max_quarantined_rate": max_rate}
    )
    return Job(spark, Lake(spark, settings.lake.root, "test"), settings, as_of)


def quarantine(job: Job) -> list[dict[str, Any]]:
    """All quarantined rows, the source row parsed."""
    rows = [row.asDict() for row in Lake(job.spark, job.lake.root).read("bronze.quarantine").collect()]
    return [row | {"source_row": json.loads(row["source_row"])} for row in rows]


def content(job: Job, table: str) -> list[tuple[Any, ...]]:
    """All rows of a table in a fixed order."""
    return sorted((tuple(row) for row in Lake(job.spark, job.lake.root).read(table).collect()), key=repr)


def run(spark: SparkSession, folder: Path, change: Callable[[Path], Path] = write_shop, **options: Any) -> Any:
    """Write the shop, ingest it; returns job and summary."""
    job = job_of(spark, folder, change(folder), **options)
    return job, ingest(job)
