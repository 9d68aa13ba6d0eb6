"""One Spark session for all tests; a fresh lake for each."""

import gc
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from pricelake.session import build_session
from pricelake.settings import SparkSettings
from pricelake.tables import Lake
from tests.suite_record import write_suite_record

# thousands of plans, a few hundred rows each: compiling them, and planning anew after each stage, takes longer than
# running them; jobs that are killed and the commands of people do both as users do
PLAIN_PLANS = {
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.adaptive.enabled": "false",
}


STARTED = time.monotonic()


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """A whole run that passed leaves how long it took."""
    is_whole = session.config.args_source == pytest.Config.ArgsSource.TESTPATHS
    if is_whole and exitstatus == 0 and session.testscollected > 100 and not session.config.option.keyword:
        write_suite_record(time.monotonic() - STARTED, session.testscollected)


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    settings = SparkSettings(
        master="local[2]",
        driver_memory="3g",
        shuffle_partitions=2,
        conf={
            "spark.sql.warehouse.dir": str(tmp_path_factory.mktemp("warehouse")),
            **PLAIN_PLANS,
        },
    )
    session = build_session(settings, "pricelake-tests")
    yield session
    session.stop()


@pytest.fixture(autouse=True, scope="module")
def _forget_tables() -> Iterator[None]:
    """Delta keeps every table it has met for an hour; hundreds of small lakes would fill the heap."""
    yield
    gc.collect()
    session = SparkSession.getActiveSession()
    if session is not None:
        session._jvm.org.apache.spark.sql.delta.DeltaLog.clearCache()


@pytest.fixture
def lake(spark: SparkSession, tmp_path: Path) -> Lake:
    return Lake(spark, str(tmp_path / "lake"), run_id="test")
