"""The report as a job and as a page: opened in headless Chromium, with hostile names, with tables missing."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from pyspark.sql import SparkSession
from scripts.screenshot import find_browser

from pricelake.errors import ContractError, PricingError, SettingsError
from pricelake.settings import ReportSettings, Settings
from pricelake.tables import Lake
from pricelake.workflows.job import run_job
from pricelake.workflows.write_report import write_page, write_report
from tests.report_lake import AS_OF, HOSTILE_NAME, made_up_tables, report_settings, write_made_up_lake, write_tables

SECTIONS = ("headline", "caveats", "opportunities", "curves", "changes", "rules", "forecast", "elasticities",
            "recommender", "quality", "provenance")  # fmt: skip


NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
PLOTLY = "application/vnd.plotly.v1+json"

pytestmark = pytest.mark.timeout(600)  # the first test waits for a lake and a report


def run(spark: SparkSession, settings: Settings):
    return run_job("write_report", write_report, spark, settings, AS_OF)


@pytest.fixture(scope="module")
def made_up(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return write_made_up_lake(spark, tmp_path_factory.mktemp("report"))


@pytest.fixture(scope="module")
def report(spark: SparkSession, made_up: Settings) -> Path:
    result = run(spark, made_up)
    assert result.rows_in == 24
    assert result.summary["curves"] == 12
    assert result.table_versions == {}
    path = Path(result.summary["report"])
    assert path.stat().st_size == result.summary["bytes"] < 8_000_000
    return path


def test_page_says_what_the_tables_say(report: Path) -> None:
    page = report.read_text(encoding="utf-8").replace("\u00a0", " ")
    prices = made_up_tables(24, 30)["gold.price_recommendations"]
    changed = [row for row in prices if row["is_changed"]]
    costed = [row for row in changed if row["profit_then_amount"] is not None]
    assert f"Change {len(changed)} of 24 prices" in page
    assert f"<b>+{sum(row['uplift_amount'] for row in costed):,.2f} EUR</b>" in page
    best = max(changed, key=lambda row: row["uplift_amount"])
    assert best["product_id"] in page
    assert best["reason"] in page
    trusted = [row for row in changed if row["confidence"] in ("medium", "high")]
    assert f"{len(trusted)} of the changes have at least medium confidence; together they bring" in page
    priced = sum(row["units_now"] is not None for row in prices)
    assert f"The totals cover the {priced} of 24 prices with a demand curve; the others are not in them." in page
    assert "so that having picked the best candidate does not inflate it" in page
    assert "<small>by construction</small>" in page
    assert "<code>aa</code>" in page
    assert "at the prices in force, learnt from all weeks before, and decide the prices; the medians under" in page
    assert "The same model version and panel version, under the same rules and settings, give the same prices." in page
    assert "only a keyed hash is kept, so that no customer id is stored: look for it in the source." in page
    paid = next(
        row["reference_price"]
        for row in made_up_tables(24, 30)["gold.demand_panel"]
        if row["is_open"] and row["product_id"] == best["product_id"]
    )
    cells = page[page.index(f"<small>{best['product_id']} · chain</small></td>") :].split("</td>")[1:3]
    assert [cell.split(">")[-1] for cell in cells] == [f"{best['price_now']:.2f}", f"{paid:.2f}"]
    # 30 weeks: the model cannot know the season
    assert "The forecast does not know season or holidays" in page
    assert "Tried: unit cost (F 4.2, too weak to use)." in page
    assert "The effect of price did not settle" in page
    assert "stopped after 40 rounds" in page
    category = {row["product_id"]: row["category"] for row in made_up_tables(24, 30)["bronze.products"]}
    weak = [
        row["product_id"] for row in made_up_tables(24, 30)["gold.demand_curves"] if row["identification"] == "weak"
    ]
    kinds = {category[product] for product in weak}
    assert f"by nothing in {len(kinds)} categories ({len(weak)} products)" in page
    unsure = [row for row in changed if "weakly_identified" in row["flags"]]
    assert f"{len(unsure)} of {len(changed)} changed prices rest on that, and their confidence is low." in page
    assert "<small>weakly identified</small>" in page
    assert "price response" not in page[page.index('id="forecast"') : page.index('id="elasticities"')]
    assert "5f2c9a01be7733d4" in page
    assert "2024-03-04" in page


def test_shop_text_never_becomes_markup(report: Path) -> None:
    page = report.read_text(encoding="utf-8")
    assert HOSTILE_NAME not in page
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert page.count("</script>") == 3


def test_same_tables_give_the_same_page(spark: SparkSession, made_up: Settings, report: Path) -> None:
    before = report.read_bytes()
    run(spark, made_up)
    assert report.read_bytes() == before


def test_killed_while_writing_leaves_the_old_page_and_the_next_run_replaces_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "out" / "report.html"
    write_page(path, "old")

    def killed(self: Path, target: Path) -> Path:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            write_page(path, "new")
    assert path.read_text() == "old"
    assert write_page(path, "newer") == 5
    assert [file.name for file in path.parent.iterdir()] == ["report.html"]


def test_date_without_recommendations_is_refused(spark: SparkSession, made_up: Settings) -> None:
    with pytest.raises(PricingError, match=r"Run recommend_prices for the same date first\.$"):
        run_job("write_report", write_report, spark, made_up, AS_OF + timedelta(days=7))


def test_uri_is_refused_before_any_table_is_read(spark: SparkSession, made_up: Settings) -> None:
    settings = made_up.model_copy(update={"report": ReportSettings(path="s3a://bucket/report.html")})
    with pytest.raises(SettingsError, match=r"^report\.path is s3a://bucket/report\.html, which is not a local path"):
        run(spark, settings)


def test_missing_recommendations_table_names_the_remedy(spark: SparkSession, tmp_path: Path) -> None:
    with pytest.raises(ContractError, match=r"gold\.price_recommendations has not been written yet"):
        run(spark, report_settings(tmp_path))


@pytest.fixture(scope="module")
def sparse_report(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop with weekly totals only, all of whose prices are held, and nothing judged or quarantined."""
    settings = report_settings(tmp_path_factory.mktemp("sparse"))
    tables = made_up_tables(12, 3)
    tables["gold.price_recommendations"] = [
        row
        | {name: None for name in row if name.endswith("_amount") or name.startswith("range_")}
        | {"elasticity": None}
        | {"units_now": None, "units_then": None, "units_then_low": None, "units_then_high": None,
           "price_recommended": row["price_now"], "is_changed": False, "decision": "hold", "rules": [],
           "held_back_reason": "no_demand_curve", "reason": "Hold: no curve.", "flags": [], "confidence": "none"}
        for row in tables["gold.price_recommendations"]
    ]  # fmt: skip
    kept = ("bronze.products", "gold.demand_panel", "gold.price_recommendations")
    write_tables(Lake(spark, settings.lake.root), {name: tables[name] for name in kept})
    return Path(run(spark, settings).summary["report"])


def test_shop_with_little_gets_a_page_that_says_what_is_missing(sparse_report: Path) -> None:
    page = sparse_report.read_text(encoding="utf-8")
    for sentence in (
        "Change nothing: of 12 prices, 0 are best as they are and 12 are held back.",
        "No product has a demand curve for this date.",
        "No held-out comparison is stored for this date or before.",
        "They need sales by customer; a shop that brings only totals has none.",
        "No row was set aside.",
        "No rule applied to any price.",
    ):
        assert sentence in page, sentence


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    from playwright.sync_api import sync_playwright

    path = find_browser()
    if path is None:
        assert "CI" not in os.environ, "the report must be looked at in a browser: install Chromium"
        pytest.skip("no Chromium or Chrome on this machine")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield chromium
        chromium.close()


def opened(browser, path: Path, width: int, height: int, scheme: str):
    """The page once all plots are drawn, and everything it complained about or asked the network for."""
    page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
    trouble: list[str] = []
    page.on("console", lambda message: trouble.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("dialog", lambda dialog: (trouble.append(f"dialog {dialog.message}"), dialog.dismiss()))
    page.on(
        "request",
        lambda request: trouble.append(request.url) if not request.url.startswith(("file:", "data:")) else None,
    )
    page.goto(path.resolve().as_uri())
    page.wait_for_selector("html[data-drawn]", state="attached", timeout=60_000)
    return page, trouble


@pytest.mark.browser
@pytest.mark.parametrize(
    ("width", "height", "scheme"), [(1280, 800, "light"), (390, 844, "light"), (1280, 800, "dark")]
)
def test_page_opens_whole_on_laptop_and_phone(browser, report: Path, width: int, height: int, scheme: str) -> None:
    page, trouble = opened(browser, report, width, height, scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for section in SECTIONS:
        assert page.locator(f"section#{section} h2").is_visible(), section
        drawn = page.locator(f"section#{section} .plot").count()
        assert drawn > 0, section
        assert page.locator(f"section#{section} .plot:has(svg.main-svg)").count() == drawn, section
    assert page.locator("#curves .plot path.point").count() > 100
    # every box that scrolls stays inside the page
    for box in page.locator(".scroll").all():
        bounds = box.bounding_box()
        assert bounds["x"] >= 0
        assert bounds["x"] + bounds["width"] <= width
    assert trouble == []
    page.close()


def until(page, condition: str) -> None:
    """Wait for a condition, asked from outside: Playwright's own waiting needs eval, which the page forbids."""
    for _ in range(200):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(50)
    pytest.fail(f"never became true: {condition}")


@pytest.mark.browser
def test_colours_follow_the_scheme_while_the_page_is_open_and_print_is_light(browser, report: Path) -> None:
    page, trouble = opened(browser, report, 1280, 800, "light")
    bar = "document.querySelector('[data-plot=rule-bars] .bars path').style.fill"
    light = page.evaluate(bar)
    page.emulate_media(color_scheme="dark")
    until(page, f"{bar} !== {light!r}")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    until(page, f"{bar} === {light!r}")
    assert trouble == []
    page.close()


@pytest.mark.browser
def test_hostile_name_is_shown_as_text(browser, report: Path) -> None:
    page, trouble = opened(browser, report, 390, 844, "light")
    names = page.locator("#opportunities td.name").all_inner_texts()
    assert HOSTILE_NAME in [name.split("\n")[0] for name in names]
    ticks = page.locator("#opportunities .yaxislayer-above text").all_text_contents()
    assert any(tick.startswith(HOSTILE_NAME[:23] + "…") for tick in ticks)
    assert trouble == []
    page.close()


@pytest.mark.browser
def test_sparse_page_opens_without_complaint(browser, sparse_report: Path) -> None:
    page, trouble = opened(browser, sparse_report, 390, 844, "light")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert trouble == []
    page.close()


@pytest.mark.browser
def test_screenshot_script_takes_a_picture_of_the_asked_width(browser, report: Path, tmp_path: Path) -> None:
    script, picture = Path(__file__).parents[2] / "scripts" / "screenshot.py", tmp_path / "docs" / "report.png"
    subprocess.run([sys.executable, script, report, picture, "--width", "800"], check=True, timeout=120)
    header = picture.read_bytes()[:24]
    assert header[:8] == b"\x89PNG\r\n\x1a\n"
    assert int.from_bytes(header[16:20], "big") == 800 * 1.5

    failed = subprocess.run(
        [sys.executable, script, "none.html", picture], capture_output=True, text=True, timeout=120, check=False
    )
    assert (failed.returncode, failed.stderr) == (1, "none.html does not exist. Run write_report first.\n")


def printed(notebook: nbformat.NotebookNode) -> str:
    return "".join(
        output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", []) if "text" in output
    )


def test_notebooks_are_stored_without_outputs() -> None:
    assert NOTEBOOKS
    for path in NOTEBOOKS:
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            assert not cell.get("outputs"), path.name
            assert cell.get("execution_count") is None, path.name


def test_product_story_runs_on_a_lake(made_up: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = made_up_tables(24, 30)["gold.price_recommendations"][0]
    monkeypatch.setenv("PRICELAKE_LAKE", made_up.lake.root)
    monkeypatch.setenv("PRICELAKE_PRODUCT", first["product_id"])
    monkeypatch.setenv("PRICELAKE_CURRENCY", "EUR")
    notebook = nbformat.read(NOTEBOOKS[0], as_version=4)
    NotebookClient(notebook, timeout=240, resources={"metadata": {"path": str(tmp_path)}}).execute()

    said = printed(notebook)
    assert f"{HOSTILE_NAME} ({first['product_id']}) in chain" in said
    assert first["reason"] in said
    shown = [output["data"] for cell in notebook.cells for output in cell.get("outputs", []) if "data" in output]
    plots = [data[PLOTLY] for data in shown if PLOTLY in data]
    assert [len(plot["data"]) for plot in plots] == [2, 7]
    assert sum("text/html" in data for data in shown) >= 2
