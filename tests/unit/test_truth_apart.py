"""The pipeline cannot read the truth: what its jobs load when they run, and what the contract forbids."""

import subprocess
import sys
import tomllib
from pathlib import Path

import grimp
import pytest
from importlinter.contracts.protected import ProtectedContract

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


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("pricelake", "jobs", cache_dir=None)


def truth_contract() -> ProtectedContract:
    told = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    (options,) = (one for one in told["contracts"] if one["type"] == "protected")
    assert options["protected_modules"] == ["pricelake.simulator.truth"]
    session = {"root_packages": told["root_packages"]}
    return ProtectedContract(options["name"], session_options=session, contract_options=options)


def test_the_truth_is_imported_by_evaluation_alone(graph: grimp.ImportGraph) -> None:
    assert truth_contract().check(graph, verbose=False).kept
    assert graph.find_modules_that_directly_import("pricelake.simulator.truth") == {"pricelake.evaluation.simulated"}


def test_whoever_else_imports_the_truth_breaks_the_contract(graph: grimp.ImportGraph) -> None:
    contract = truth_contract()
    others = {module for module in graph.modules if not module.startswith("pricelake.evaluation")}
    others -= {"pricelake.simulator.truth"}
    assert {
        "pricelake.simulator.history",
        "pricelake.workflows.scoreboard.score",
        "pricelake.demand.model",
        "jobs",
    } <= others
    for importer in sorted(others):
        graph.add_import(importer=importer, imported="pricelake.simulator.truth", line_number=1, line_contents="")
        assert not contract.check(graph, verbose=False).kept, importer
        graph.remove_import(importer=importer, imported="pricelake.simulator.truth")
