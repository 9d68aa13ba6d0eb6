"""What README and the page on own shops say of tables, limits and history is what contracts and settings say."""

import re
from pathlib import Path

import yaml

from pricelake.settings.sections import DemandSettings, QualitySettings
from pricelake.settings.shop import Limits, TableMapping
from pricelake.tables.bronze import SHOP_TABLES

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
OWN_SHOP = (ROOT / "docs/own_shop.md").read_text(encoding="utf-8")
COLUMNS = {
    contract.name.removeprefix("bronze."): [(column.name, column.nullable) for column in contract.columns]
    for contract in SHOP_TABLES
}


def test_every_optional_table_stands_with_its_columns() -> None:
    head = OWN_SHOP.index("| optional table |")
    said = {}
    for line in OWN_SHOP[head : OWN_SHOP.index("\n\n", head)].splitlines()[2:]:
        name, columns = (cell.strip() for cell in line.strip("|").split("|"))
        optional = [word for group in re.findall(r"\((.*?)\)", columns) for word in re.findall(r"\w+", group)]
        said[name.strip("`")] = [(word, word in optional) for word in re.findall(r"\w+", columns)]
    required = ("products", "order_lines", "sales_panel")
    assert said == {name: columns for name, columns in COLUMNS.items() if name not in required}


def test_the_example_of_further_tables_maps_what_the_contracts_require() -> None:
    block = re.search(r"```yaml\n(sources:\n.*?)```", OWN_SHOP, re.DOTALL)
    assert block
    shop = yaml.safe_load(block.group(1))
    for name, mapping in shop["tables"].items():
        assert mapping["source"] in shop["sources"]
        columns = TableMapping.model_validate(mapping).columns
        assert list(columns) == [column for column, _ in COLUMNS[name]]
    assert list(shop["tables"]) == ["costs", "list_prices"]


def test_limits_and_gates_are_the_settings() -> None:
    demand, quality, limits = DemandSettings(), QualitySettings(), Limits()
    words = " ".join((README + OWN_SHOP).split())
    assert f"more than {quality.max_quarantined_rate:.0%}".replace("%", " %") in words
    assert (
        f"more than {limits.max_quantity:.0f} units or a unit price above {limits.max_unit_price:,.0f}".replace(
            ",", " "
        )
        in words
    )
    assert f"{demand.gate_max_wape_ratio:g} times that of the mean" in words
    assert f"at most {demand.gate_max_worse_rate:.0%} above the champion's".replace("%", " %") in words
    assert f"within ±{demand.gate_max_bias_rate:.0%}".replace("%", " %") in words
    for history in (
        f"{demand.min_sold_periods} periods with sales before the last {demand.holdout_periods} | `demand.min_sold",
        f"{demand.min_curve_periods} period with sales | `demand.min_curve_periods`",
        f"the {demand.validation_periods} before them tell",
    ):
        assert history in words, history


def test_every_room_is_named() -> None:
    folder = ROOT / "libs/pricelake"
    rooms = {path.parent.name for path in folder.glob("*/__init__.py")}
    told = README[README.index("Rooms under `libs/pricelake`") :]
    named = set(re.findall(r"`(\w+)`", told[: told.index("Who may import")]))
    assert {"simulator", "evaluation", "cli"} <= rooms <= named
