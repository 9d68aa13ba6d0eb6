"""Take a picture of a report: ``scripts/screenshot.py REPORT PNG [--width 1280] [--height 800] [--dark] [--full]``.

Needs Chromium or Chrome on the machine; Playwright drives it, and downloads nothing.
"""

import argparse
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from playwright.sync_api import sync_playwright

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find_browser() -> str | None:
    """The first installed browser, or None."""
    return next((found for found in map(shutil.which, BROWSERS) if found), None)


def take(report: Path, picture: Path, width: int, height: int, dark: bool, full: bool, browser: str) -> None:
    """Open the report, wait until every plot is drawn, save a PNG."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        page = chromium.new_page(
            viewport={"width": width, "height": height},
            device_scale_factor=1.5,
            color_scheme="dark" if dark else "light",
        )
        page.goto(report.resolve().as_uri())
        page.wait_for_selector("html[data-drawn]", state="attached")
        picture.parent.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=picture, full_page=full)
        chromium.close()


def main(argv: Sequence[str] | None = None) -> int:
    """0 when the picture was taken, 1 when the report or a browser is missing."""
    parser = argparse.ArgumentParser(description="Take a picture of a report.")
    parser.add_argument("report", type=Path)
    parser.add_argument("picture", type=Path)
    parser.add_argument("--width", type=int, default=1280, help="CSS pixels")
    parser.add_argument("--height", type=int, default=800, help="CSS pixels")
    parser.add_argument("--dark", action="store_true")
    parser.add_argument("--full", action="store_true", help="the whole page, not only what fits the window")
    given = parser.parse_args(argv)
    browser = find_browser()
    if browser is None:
        sys.stderr.write(f"No browser found. Install one of: {', '.join(BROWSERS)} (Debian: apt install chromium).\n")
        return 1
    if not given.report.is_file():
        sys.stderr.write(f"{given.report} does not exist. Run write_report first.\n")
        return 1
    take(given.report, given.picture, given.width, given.height, given.dark, given.full, browser)
    return 0


if __name__ == "__main__":
    sys.exit(main())
