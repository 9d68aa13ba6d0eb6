"""Sources → bronze tables and quarantine, as the shop file says."""

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from pyspark import StorageLevel
from pyspark.sql import DataFrame, Observation
from pyspark.sql import functions as F

from pricelake.errors import QualityError, SourceError
from pricelake.quality import (
    TAKEN,
    VERDICT,
    BrokenRule,
    Horizon,
    Rule,
    TableCounts,
    check_balance,
    check_rules,
    check_share,
    column_rules,
    count_verdicts,
    currency_rules,
    filter_quarantined,
    future_rules,
    is_after_as_of,
    limit_rules,
    line_rules,
    repeated_keys,
    settle_duplicates,
    to_quarantine,
    with_verdict,
)
from pricelake.settings.shop import SHOP_TABLE_NAMES, Shop
from pricelake.sources import (
    CURRENCY,
    SOURCE,
    SOURCE_FILE,
    SOURCE_ROW,
    UNDECODABLE,
    UNPARSED_LINE,
    MappedTable,
    customer_key,
    key_pads,
    map_tables,
    maps_customers,
    reading,
    with_source_row,
)
from pricelake.tables import comparable, contract_of, differ
from pricelake.workflows.job import Job

NEEDED_ROWS = ("products", "order_lines", "sales_panel")
WITHOUT = {
    "order_lines": "sales come as totals: no customers, so no recommendations",
    "customers": "no customer attributes",
    "events": "recommendations learn from purchases alone",
    "reviews": "no ratings given by customers",
    "list_prices": "list prices are derived from what was paid",
    "costs": "unit costs are assumed where the shop file states a rate, else unknown",
    "promotions": "promotions are only seen as discounts on order lines",
    "competitor_prices": "no competitor index, no rule against competitors",
    "inventory": "sold-out periods cannot be told from low demand",
    "calendar": "public holidays alone, no events of the shop's own",
    "weather": "no weather",
}


def ingest(job: Job) -> dict[str, Any]:
    """Map, judge and write every table of the shop; products first, since the others refer to them.

    Rows that break a rule go to ``bronze.quarantine``. A table is changed in one commit, after its rows are counted and
    found good enough; the same files again change nothing. Rows already in a table and no longer in the source stay.

    Args:
        job: context.

    Returns:
        ``tables`` {name: rows in, taken, quarantined, duplicates, after the as-of date}, ``broken_rules`` {name: {rule:
        rows}}, ``quarantined_rows``, ``absent`` (tables the shop does not bring) and ``switched_off`` {table: what that
        means}.

    Raises:
        SourceError: a source cannot be read or an expression does not fit; all such problems of the shop file at once.
        SettingsError: the customer key cannot be used.
        QualityError: too many rows of a table were bad, none could be taken, or rows got lost.
    """
    shop = job.shop
    job.reporter.step("Open sources")
    pads = _pads(job)
    schemas = {name: contract_of(f"bronze.{name}").schema for name in shop.tables}
    mapped = map_tables(job.spark, shop, schemas, pads)
    horizon = Horizon(job.as_of, datetime.now(UTC), shop.time_zone, job.settings.features.period_days)
    job.lake.create("bronze.quarantine")
    names = ["products", *(name for name in mapped if name != "products")]
    counts: dict[str, TableCounts] = {}
    rules: dict[str, dict[str, int]] = {}
    for done, name in enumerate(names):
        job.reporter.step(f"Ingest {name}")
        counts[name], broken = _ingest_table(job, mapped[name], horizon, pads)
        rules[name] = {rule.name: rule.rows for rule in broken}
        job.reporter.advance(done + 1, len(names), f"{name}: {counts[name].taken:,} rows taken")
    return _summary(shop, counts, rules)


def _summary(shop: Shop, counts: dict[str, TableCounts], rules: dict[str, dict[str, int]]) -> dict[str, Any]:
    absent = [name for name in SHOP_TABLE_NAMES if name not in shop.tables]
    return {
        "tables": {name: count.as_dict() for name, count in counts.items()},
        "broken_rules": {name: broken for name, broken in rules.items() if broken},
        "quarantined_rows": sum(count.quarantined for count in counts.values()),
        "absent": absent,
        "switched_off": {name: WITHOUT[name] for name in absent if name in WITHOUT},
    }


def _pads(job: Job) -> DataFrame | None:
    """The padded customer key, where the shop has customers; a missing key file is only made for a new lake."""
    if not maps_customers(job.shop):
        return None
    tables = [name for name, mapping in job.shop.tables.items() if "customer_id" in mapping.columns]
    new = not any(job.lake.exists(f"bronze.{name}") for name in tables)
    return key_pads(job.spark, customer_key(job.shop.customer_key, may_create=new))


def _ingest_table(
    job: Job, mapped: MappedTable, horizon: Horizon, pads: DataFrame | None
) -> tuple[TableCounts, list[BrokenRule]]:
    """Judge every row once, kept on the executors; count, quarantine and write from there."""
    name, contract = mapped.name, contract_of(f"bronze.{mapped.name}")
    observed = Observation(f"{name}-{uuid.uuid4().hex}")
    rows = mapped.frame.observe(observed, F.count(F.lit(1)).alias("rows"))
    refers = name != "products" and "product_id" in contract.column_names
    products = job.lake.read("bronze.products") if refers else None
    alone = with_verdict(rows, _rules(job.shop, mapped, horizon), is_after_as_of(name, horizon), products)
    alone = alone.persist(StorageLevel.MEMORY_AND_DISK)
    repeated = repeated_keys(alone, contract.key).persist(StorageLevel.MEMORY_AND_DISK)
    try:
        with reading(f"{name}: {mapped.origin}", mapped.secrets):
            counts, broken = count_verdicts(alone)
        # an empty plan may be cut down to nothing, the observation with it, and its value would never come
        rows_in = int(observed.get["rows"]) if counts.rows_in else mapped.frame.count()
        judged = alone
        if repeated.count():
            content = [comparable(F.col(c.name), c.dataType).alias(c.name) for c in contract.columns]
            judged = settle_duplicates(alone, repeated, contract.key, content, (SOURCE, SOURCE_FILE))
            counts, broken = count_verdicts(judged)
        counts = replace(counts, rows_in=rows_in)
        job.rows_in += rows_in
        check_balance(name, counts)
        _refuse_empty(job, mapped, counts)
        _write_quarantine(job, mapped, judged, counts, pads)
        check_share(name, counts, broken, job.settings.quality.max_quarantined_rate)
        _write_table(job, contract.name, judged.where(F.col(VERDICT) == TAKEN).select(*contract.column_names), counts)
    finally:
        repeated.unpersist()
        alone.unpersist()
    return counts, broken


def _rules(shop: Shop, mapped: MappedTable, horizon: Horizon) -> list[Rule]:
    contract = contract_of(f"bronze.{mapped.name}")
    rules = line_rules(UNPARSED_LINE, UNDECODABLE) + column_rules(contract.schema, mapped.unfit)
    if CURRENCY in mapped.frame.columns:
        rules += currency_rules(CURRENCY, shop.currency)
    rules += check_rules(contract.checks, contract.column_names)
    rules += limit_rules(mapped.name, shop.limits.max_quantity, shop.limits.max_unit_price)
    return rules + future_rules(mapped.name, horizon)


def _refuse_empty(job: Job, mapped: MappedTable, counts: TableCounts) -> None:
    """Nothing can be priced without products and sales; an empty file is a broken export, not a shop without sales."""
    if mapped.name not in NEEDED_ROWS:
        return
    if counts.rows_in == 0:
        raise SourceError(f"{mapped.name}: {mapped.origin} has no rows; nothing can be priced. Check the export.")
    if counts.after_as_of == counts.rows_in:
        raise QualityError(
            f"{mapped.name}: all {counts.rows_in} rows lie on or after the as-of date {job.as_of}; none may be seen. "
            f"Choose a later as-of date."
        )


def _write_quarantine(
    job: Job, mapped: MappedTable, judged: DataFrame, counts: TableCounts, pads: DataFrame | None
) -> None:
    """Put the table's bad rows in place of those of the last run, unless they are the same."""
    here = f"table_name = '{mapped.name}'"
    present = job.lake.read("bronze.quarantine").where(here)
    if counts.quarantined == 0 and present.isEmpty():
        return
    bad = with_source_row(filter_quarantined(judged), mapped, pads)
    rows = to_quarantine(bad, mapped.name, SOURCE_ROW, SOURCE_FILE).persist(StorageLevel.MEMORY_AND_DISK)
    try:
        key = contract_of("bronze.quarantine").key
        if present.count() == counts.quarantined and _changed_rows(rows, present, key).isEmpty():
            return
        written = job.lake.replace("bronze.quarantine", rows, where=here)
    finally:
        rows.unpersist()
    if written != counts.quarantined:
        raise QualityError(
            f"{mapped.name}: {counts.quarantined} rows were to go to bronze.quarantine, {written} were written. "
            f"Run again."
        )


def _write_table(job: Job, table: str, taken: DataFrame, counts: TableCounts) -> None:
    """Fill a new table in one go; later, new and changed rows alone are merged, none of them in an unchanged file."""
    present = job.lake.read(table) if job.lake.exists(table) else None
    if present is not None and not present.isEmpty():
        changed = _changed_rows(taken, present, contract_of(table).key).persist(StorageLevel.MEMORY_AND_DISK)
        try:
            to_merge = changed.count()
            merged = job.lake.merge(table, changed) if to_merge else 0
        finally:
            changed.unpersist()
        if merged != to_merge:
            raise QualityError(
                f"{table}: {to_merge} rows were to be inserted or updated, {merged} were. Another run may have written "
                f"the table meanwhile. Run again."
            )
        return
    written = job.lake.replace(table, taken)
    if written != counts.taken:
        raise QualityError(f"{table}: {counts.taken} rows were to be taken, {written} were written. Run again.")


def _changed_rows(taken: DataFrame, present: DataFrame, key: Sequence[str]) -> DataFrame:
    """Rows of ``taken`` that ``present`` lacks or holds with another content."""
    alike = F.lit(True)
    for field in present.schema.fields:
        new, old = F.col(f"n.`{field.name}`"), F.col(f"o.`{field.name}`")
        alike = alike & ((new == old) if field.name in key else ~differ(new, old, field.dataType))
    return taken.alias("n").join(present.alias("o"), alike, "left_anti")
