"""What a whole run of the tests leaves for ``make measurements``: how long it took, and a set-up after it."""

import json
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path

from pricelake.workflows.provenance import code_version, machine_facts

REPOSITORY = Path(__file__).parents[1]
RECORD = REPOSITORY / "build/test/test.json"


def write_suite_record(seconds: float, tests: int, path: Path = RECORD) -> None:
    """Write the record of a run in which every test passed."""
    started = time.perf_counter()
    subprocess.run(["bash", "scripts/setup.sh"], cwd=REPOSITORY, check=True, capture_output=True)
    record = {
        "code_version": code_version(),
        "finished_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine_facts(),
        "minutes": seconds / 60,
        "tests": tests,
        "set_up_again_seconds": time.perf_counter() - started,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record, indent=1), encoding="utf-8")
