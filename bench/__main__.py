"""``make bench``: measure every stage and write ``build/bench/bench.json``."""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from rich.console import Console

from bench import DEMO_SETTINGS
from bench.machine import machine_facts
from pricelake.session import build_session
from pricelake.settings import load_settings
from pricelake.workflows.provenance import code_version

STAGES = ("feed", "ranks", "als", "pricing", "cost", "simulator")
OUT = Path("build/bench/bench.json")
console = Console()


def measure_stage(name: str, folder: Path) -> dict[str, Any]:
    """One stage's figures, each in a process of its own so that no stage inherits another's heap."""
    result = folder / f"{name}.json"
    program = [sys.executable, "-m", "bench", "--stage", name, "--out", str(result)]
    # Petastorm's converter warns of old calls once per file and thread
    quiet = os.environ | {"PYTHONWARNINGS": "ignore"}
    subprocess.run(program, check=True, env=quiet)  # noqa: S603 - our own program
    figures: dict[str, Any] = json.loads(result.read_text())
    return figures


def run_stage(name: str, out: Path) -> None:
    """Measure one stage in this process."""
    folder = Path(tempfile.mkdtemp(prefix=f"pricelake-bench-{name}-"))
    try:
        spark = build_session(load_settings(DEMO_SETTINGS).spark, f"pricelake bench {name}")
        figures = import_module(f"bench.{name}").measure(spark, folder)
        out.write_text(json.dumps(figures))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main() -> int:
    """Measure all stages, or the one named by ``--stage``."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--stage", choices=STAGES)
    parser.add_argument("--out", type=Path, default=OUT)
    given = parser.parse_args()
    if given.stage:
        run_stage(given.stage, given.out)
        return 0
    OUT.parent.mkdir(parents=True, exist_ok=True)
    record: dict[str, Any] = {
        "code_version": code_version(),
        "date": datetime.now(UTC).date().isoformat(),
        "machine": machine_facts(),
    }
    with tempfile.TemporaryDirectory(prefix="pricelake-bench-") as folder:
        for name in STAGES:
            console.print(f"[bold]{name}[/bold] …")
            record[name] = measure_stage(name, Path(folder))
            console.print_json(data={key: value for key, value in record[name].items() if key != "by_run"})
    OUT.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    console.print(f"Written: {OUT}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
