"""The one Spark session builder: Delta Lake, UTC, few partitions in local mode."""

import os
import sys
from pathlib import Path

from pyspark.sql import SparkSession

from pricelake.jars import jars_to_add
from pricelake.java import use_java
from pricelake.settings import SparkSettings


def build_session(settings: SparkSettings, name: str) -> SparkSession:
    """A session that reads and writes Delta tables, the running one where there is one.

    Args:
        settings: ``spark`` section; ``conf`` entries win over everything set here.
        name: application name shown in Spark's UI.

    Raises:
        MachineError: Delta's jars are nowhere to be found.
    """
    submitted = "PYSPARK_GATEWAY_PORT" in os.environ
    conf = {
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": str(settings.shuffle_partitions),
        "spark.sql.execution.arrow.pyspark.enabled": "true",
        "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
        "spark.databricks.delta.schema.autoMerge.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
    }
    builder = SparkSession.builder.appName(name)
    if not submitted:
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        os.environ.setdefault("PYSPARK_DRIVER_PYTHON", sys.executable)
        use_java()
        jars = jars_to_add(settings.jars_directory)
        if jars:
            conf["spark.jars"] = ",".join(str(jar) for jar in jars)
        log4j = Path(__file__).with_name("log4j2.properties")
        conf["spark.driver.extraJavaOptions"] = f"-Dlog4j2.configurationFile=file:{log4j}"
        conf |= {"spark.driver.memory": settings.driver_memory, "spark.ui.enabled": "false"}
        builder = builder.master(settings.master or "local[2]")
    if (settings.master or "local").startswith("local"):
        conf |= {"spark.databricks.delta.snapshotPartitions": "2", "spark.driver.host": "localhost"}
    for key, value in (conf | settings.conf).items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel(settings.log_level)
    return session
