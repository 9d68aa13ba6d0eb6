"""The scoreboard's names as code has them and as docs/scoreboard.md explains them."""

import re
from pathlib import Path

import numpy as np
import pytest

from pricelake.evaluation.figures import change_groups
from pricelake.evaluation.rows import FIGURES
from pricelake.evaluation.scoring.demand import IN_FORCE
from pricelake.settings.loading import load_file
from pricelake.settings.scoreboard import ScoreboardFile
from pricelake.settings.simulation import Switches
from pricelake.workflows.scoreboard.rounds import BUILT_IN

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/scoreboard.md").read_text(encoding="utf-8")
NAME = re.compile(r"`([^`\n]+)`")


def named(text: str) -> set[str]:
    """What stands in backticks."""
    return set(NAME.findall(text))


def first_cells(heading: str) -> set[str]:
    """Names in the first column of the first table under a heading."""
    table = PAGE.split(f"\n## {heading}\n")[1].lstrip().split("\n\n")[0]
    return named("".join(line.split(" | ")[0] for line in table.splitlines()[2:]))


@pytest.mark.parametrize(
    ("what", "names"),
    [
        ("figures", {figure for figures in FIGURES.values() for figure in figures}),
        ("contenders", BUILT_IN),
        ("switches", set(Switches.model_fields)),
        ("groups of products", {*map(str, np.unique(change_groups(np.arange(20)))), IN_FORCE}),
    ],
)
def test_every_name_of_a_record_stands_on_the_page(what: str, names: set[str]) -> None:
    assert names - named(PAGE) == set(), what


def test_the_tables_of_sections_and_contenders_have_all_of_them_and_nothing_else() -> None:
    assert first_cells("What is measured") == set(FIGURES)
    assert first_cells("Contenders") == BUILT_IN


def test_recommendations_are_judged_where_the_page_says() -> None:
    cases = load_file(ScoreboardFile, ROOT / "conf/scoreboards/full.yaml").scoreboard.cases
    (judged,) = [case.name for case in cases if "recommendation" in case.parts]
    assert f"`make score` judges it in the case `{judged}` alone" in PAGE
