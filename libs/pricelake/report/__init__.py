"""What people look at: facts gathered from the tables, plots, and the page."""

from pricelake.report.curves import draw_curve
from pricelake.report.findings import Findings
from pricelake.report.page import render

__all__ = ["Findings", "draw_curve", "render"]
