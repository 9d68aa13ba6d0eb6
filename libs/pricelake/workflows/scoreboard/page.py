"""The scoreboard's page, drawn from its figures."""

import json
from pathlib import Path

from pricelake.errors import SettingsError
from pricelake.report.scoreboard.page import render_scoreboard
from pricelake.workflows.whole_file import whole_file


def write_page(figures: Path) -> Path:
    """Draw the page beside the figures.

    Args:
        figures: what ``pricelake score`` wrote.

    Returns:
        the page, an HTML file.

    Raises:
        SettingsError: there are no figures.
    """
    if not figures.is_file():
        raise SettingsError(f"There is no {figures}. Run 'pricelake score --out {figures}' first.")
    page = figures.with_suffix(".html")
    with whole_file(page) as file:
        file.write(render_scoreboard(json.loads(figures.read_text(encoding="utf-8"))))
    return page
