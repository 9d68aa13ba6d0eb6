"""Jobs in processes of their own, as ``spark-submit`` starts them."""

import os
import subprocess
import sys
from pathlib import Path

from tests.conftest import PLAIN_PLANS
from tests.jobs.conftest import REPOSITORY

BIN = Path(sys.executable).parent
# a process that lives for seconds is done before the second compiler pays; without it Java reserves too little room for
# compiled code, stops compiling when that is full and can crash
SHORT_LIVED = {"JDK_JAVA_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m"}


def submit(job: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """What an activated environment's spark-submit does; it sends all that Python says to its own output."""
    activated = {key: value for key, value in os.environ.items() if not key.startswith(("PYSPARK_", "SPARK_"))}
    activated["PATH"] = f"{BIN}{os.pathsep}{activated['PATH']}"
    program = [str(BIN / "spark-submit"), "--master", "local[2]", "--driver-memory", "1g"]
    conf = [word for key, value in PLAIN_PLANS.items() for word in ("--conf", f"{key}={value}")]
    command = [*program, *conf, f"jobs/{job}.py", *arguments]
    return subprocess.run(
        command, cwd=REPOSITORY, env=activated | SHORT_LIVED, capture_output=True, text=True, check=False
    )
