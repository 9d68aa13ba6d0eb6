"""The pipeline cannot read the truth: what its jobs load when they run, and what the contract forbids."""

import subprocess
import sys
from pathlib import Path

import pytest

from pricelake.workflows.catalogue import JOBS

ROOT = Path(__file__).parents[2]
LOAD = """
import sys
from pricelake.workflows.catalogue import job_entry
job_entry(sys.argv[1]).workflow()
hidden = ("pricelake.simulator", "pricelake.evaluation.simulated")
print(",".join(name for name in sys.modules if name.startswith(hidden)))
"""


@pytest.mark.parametrize("job", [entry.name for entry in JOBS])
def test_no_job_loads_the_simulator_or_its_truth(job: str) -> None:
    done = subprocess.run([sys.executable, "-c", LOAD, job], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == ""


def test_the_contract_names_every_job_since_the_catalogue_imports_them_by_name() -> None:
    contracts = (ROOT / "pyproject.toml").read_text()
    contract = contracts[contracts.index("Only evaluation knows the simulated shop") :]
    contract = contract[: contract.index("[[")]
    for entry in JOBS:
        assert f'"pricelake.workflows.{entry.name}"' in contract
    assert '"pricelake.evaluation.simulated"' in contract
