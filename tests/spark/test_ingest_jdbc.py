"""A real PostgreSQL server: partitioned reads, credentials by reference, a server that goes away."""

import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pgserver
import pytest
from pyspark.sql import SparkSession

from pricelake.errors import SourceError
from pricelake.settings.shop import SourceSettings
from pricelake.sources.opening import open_source
from pricelake.workflows.ingest import ingest
from tests.spark.ingest_shop import content, job_of, quarantine, write_shop

PASSWORD = "s3cret-of-the-shop"
LINES = 3000


@pytest.fixture(scope="module")
def server() -> Iterator[dict[str, Any]]:
    # not below pytest's own folder: that is closed to the user the server runs as
    folder = Path(tempfile.mkdtemp(prefix="pricelake-postgres-"))
    database = pgserver.get_server(folder / "data", cleanup_mode="delete")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    user = database.system_user
    database.psql(
        f"""
        CREATE ROLE shop LOGIN PASSWORD '{PASSWORD}';
        CREATE TABLE lines AS SELECT i AS id, 'o' || i AS "order", '1' AS line, 'c' || i % 7 AS customer,
          'p' || (1 + i % 3) AS sku, timestamp '2024-01-01' + i * interval '1 minute' AS at,
          CASE WHEN i % 100 = 0 THEN -1 ELSE 1 END AS qty, 5.25::numeric(10, 2) AS paid, 'EUR' AS money
          FROM generate_series(1, {LINES}) AS i;
        GRANT SELECT ON lines TO shop;
        CREATE VIEW slow AS SELECT *, pg_sleep(0.02)::text AS nap FROM lines;
        GRANT SELECT ON slow TO shop;
        """
    )
    (folder / "data" / "pg_hba.conf").write_text("local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n")
    options = f"-h 127.0.0.1 -p {port} -k {folder / 'data'}"
    pgserver.pg_ctl(["-w", "-o", options, "restart"], pgdata=folder / "data", user=user)
    yield {"data": folder / "data", "user": user, "port": port, "socket": folder / "data"}
    database.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


def _source(server: dict[str, Any], table: str, **options: str) -> dict[str, Any]:
    url = f"jdbc:postgresql://127.0.0.1:{server['port']}/postgres"
    reference = {"user": "shop", "password": "env:SHOP_DB_PASSWORD"}
    return {"format": "jdbc", "options": {"url": url, "dbtable": table} | reference | options}


PARTITIONED = {"partitionColumn": "id", "lowerBound": "1", "upperBound": "3000", "numPartitions": "4"}


def test_a_table_is_read_in_parts_and_judged_like_a_file(
    spark: SparkSession, tmp_path: Path, server: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_DB_PASSWORD", PASSWORD)
    source = _source(server, "lines", fetchsize="500", **PARTITIONED)
    opened = open_source(spark, "orders", SourceSettings(**source))
    assert opened.frame.rdd.getNumPartitions() == 4
    job = job_of(spark, tmp_path, write_shop(tmp_path, sources={"orders": source}))
    assert ingest(job)["tables"]["order_lines"] == {
        "rows_in": LINES,
        "taken": LINES - 30,
        "quarantined": 30,
        "duplicates": 0,
        "after_as_of": 0,
    }
    rows = quarantine(job)
    assert {row["source_file"] for row in rows} == {None}
    assert {row["rule"] for row in rows} == {"quantity_above_zero"}
    assert {row["source_row"]["id"] for row in rows} == set(range(100, LINES + 1, 100))
    assert len(content(job, "bronze.order_lines")) == LINES - 30


def test_a_wrong_password_is_said_without_the_password(
    spark: SparkSession, server: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_DB_PASSWORD", "not-the-password")
    with pytest.raises(SourceError) as caught:
        open_source(spark, "orders", SourceSettings(**_source(server, "lines")))
    assert str(caught.value) == (
        "Source 'orders' (jdbc, lines) cannot be read: FATAL: password authentication failed for user \"shop\". Check "
        "the variables that the options user and password name."
    )


def test_a_table_that_is_not_there_is_named(
    spark: SparkSession, server: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_DB_PASSWORD", PASSWORD)
    with pytest.raises(
        SourceError, match=r"\(jdbc, nothing\) cannot be read: ERROR: relation \"nothing\" does not exist"
    ):
        open_source(spark, "orders", SourceSettings(**_source(server, "nothing")))


def test_a_server_that_goes_away_in_the_middle_of_a_read(
    spark: SparkSession, tmp_path: Path, server: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Runs last in this file: it stops the server."""
    monkeypatch.setenv("SHOP_DB_PASSWORD", PASSWORD)
    source = _source(server, "slow", fetchsize="10", **PARTITIONED)
    job = job_of(spark, tmp_path, write_shop(tmp_path, sources={"orders": source}))
    stopped = threading.Event()
    at_once = min(4, spark.sparkContext.defaultParallelism)  # parts that are read side by side

    def stop_once_it_reads() -> None:
        # Not Spark's query for the columns, which has WHERE 1=0; and every running part is connected, so that what
        # fails is a read under way rather than a connection.
        part = "usename = 'shop' AND state <> 'idle' AND query LIKE '%FROM slow%WHERE%\"id\"%'"
        for _ in range(1200):
            if int(_psql(server, f"SELECT count(*) FROM pg_stat_activity WHERE {part}")) >= at_once:
                time.sleep(1)  # some rows are on their way
                pgserver.pg_ctl(["-m", "immediate", "stop"], pgdata=server["data"], user=server["user"])
                stopped.set()
                return
            time.sleep(0.1)

    thread = threading.Thread(target=stop_once_it_reads)
    thread.start()
    with pytest.raises(SourceError) as caught:
        ingest(job)
    thread.join()
    assert stopped.is_set()
    said = str(caught.value)
    assert said.startswith("order_lines: source 'orders' (jdbc, slow) cannot be read: ")
    assert said.endswith(" went away; run again when it is back.")
    assert len(said.splitlines()) == 1
    assert PASSWORD not in said
    assert caught.value.__cause__ is not None
    assert not job.lake.exists("bronze.order_lines")


def _psql(server: dict[str, Any], query: str) -> str:
    arguments = ["-h", str(server["socket"]), "-p", str(server["port"]), "-U", "postgres", "-tAc", query]
    return str(pgserver.psql(arguments)).strip()
