from pathlib import Path

import pytest

from pricelake.errors import SettingsError
from pricelake.settings import configuration_hash, load_settings, settings_hash
from pricelake.settings.loading import load_file
from pricelake.settings.shop import load_shop
from pricelake.settings.simulation import SimulationFile
from pricelake.workflows.entry import as_of_date, parse_overrides

REPOSITORY = Path(__file__).parents[2]


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_shipped_settings_and_shops_are_valid() -> None:
    for path in [*REPOSITORY.glob("conf/*.yaml")]:
        assert load_settings(path).lake.root
    for path in REPOSITORY.glob("conf/shops/*.yaml"):
        assert load_shop(path).tables
    for path in REPOSITORY.glob("conf/simulations/*.yaml"):
        assert load_file(SimulationFile, path).simulation.switches.on()


def test_overlay_changes_single_keys_and_keeps_the_rest(tmp_path: Path) -> None:
    write(
        tmp_path,
        "base.yaml",
        "lake: {root: a}\nshop: s.yaml\nrules: r.yaml\nspark: {shuffle_partitions: 3, master: 'local[1]'}",
    )
    top = write(tmp_path, "top.yaml", "extends: base.yaml\nspark: {shuffle_partitions: 5}")
    settings = load_settings(top, parse_overrides(["lake.root=b", "demand.hidden_units=[8, 4]"]))
    assert (settings.spark.shuffle_partitions, settings.spark.master) == (5, "local[1]")
    assert (settings.lake.root, settings.demand.hidden_units) == ("b", (8, 4))


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        (["lake.root"], "--set lake.root is not of the form section.key=value."),
        (["lake.root=["], "--set lake.root=[: the value is not YAML; put it in quotes."),
        (["lake=1", "lake.root=x"], "--set lake.root=x names a key below lake, which another --set gives a value."),
    ],
)
def test_an_override_that_cannot_be_read_is_refused(pairs: list[str], message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse_overrides(pairs)
    assert str(caught.value) == message


def test_all_problems_are_reported_at_once_with_key_rule_and_value(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "bad.yaml",
        "lake: {root: a, rot: b}\nrules: r.yaml\nquality: {max_quarantined_rate: 2}\ntraining: {ranks: 0}",
    )
    with pytest.raises(SettingsError) as caught:
        load_settings(path)
    assert str(caught.value).splitlines() == [
        f"{path} has 4 problems:",
        '  lake.rot: Extra inputs are not permitted, got "b"',
        "  shop: Field required",
        "  quality.max_quarantined_rate: Input should be less than or equal to 1, got 2",
        "  training.ranks: Input should be greater than or equal to 1, got 0",
    ]


def test_a_file_that_extends_itself_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "a.yaml", "extends: b.yaml")
    b = write(tmp_path, "b.yaml", "extends: a.yaml")
    with pytest.raises(SettingsError, match="extends itself"):
        load_settings(b)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("- a\n- b", "holds list, expected a mapping"),
        ("a: [", "is not valid YAML"),
    ],
)
def test_files_that_are_no_mapping_are_refused(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        load_settings(write(tmp_path, "x.yaml", content))


def test_a_missing_file_names_the_place_it_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="does not exist"):
        load_settings(tmp_path / "none.yaml")


def test_hash_changes_exactly_when_a_setting_changes() -> None:
    demo = load_settings(REPOSITORY / "conf/demo.yaml")
    same = load_settings(REPOSITORY / "conf/demo.yaml")
    other = load_settings(REPOSITORY / "conf/demo.yaml", {"demand": {"trait_sd": 0.2}})
    assert settings_hash(demo) == settings_hash(same) != settings_hash(other)


def test_as_of_date_comes_from_the_command_line_first() -> None:
    demo = load_settings(REPOSITORY / "conf/demo.yaml")
    assert str(as_of_date(None, demo)) == "2018-01-01"
    assert str(as_of_date("2017-06-05", demo)) == "2017-06-05"
    with pytest.raises(SettingsError, match="--as-of June is not a date of the form YYYY-MM-DD"):
        as_of_date("June", demo)


def test_a_shop_must_bring_products_and_sales_once(tmp_path: Path) -> None:
    sources = "sources: {a: {format: csv, path: a.csv}}\nname: x\ncurrency: EUR\n"
    mapping = "{source: a, columns: {product_id: a}}"
    for tables, message in [
        (f"order_lines: {mapping}", "tables must map products"),
        (f"products: {mapping}", "tables must map order_lines or sales_panel"),
        (f"products: {mapping}, order_lines: {mapping}, sales_panel: {mapping}", "sales would count twice"),
        (f"products: {mapping}, order_lines: {{source: b, columns: {{a: b}}}}", "names 'b', known sources: a"),
    ]:
        path = write(tmp_path, "shop.yaml", f"{sources}tables: {{{tables}}}")
        with pytest.raises(SettingsError, match=message):
            load_shop(path)


def test_configuration_hash_follows_what_the_files_say(tmp_path: Path) -> None:
    def written(name: str, shop: str, rules: str, root: str = "l") -> str:
        (tmp_path / name).mkdir()
        for file, text in (("shop.yaml", shop), ("rules.yaml", rules)):
            (tmp_path / name / file).write_text(text)
        at = tmp_path / name
        (at / "s.yaml").write_text(f"lake: {{root: {root}}}\nshop: {at}/shop.yaml\nrules: {at}/rules.yaml\n")
        return configuration_hash(load_settings(at / "s.yaml"))

    first = written("a", "name: x", "name: y")
    assert written("b", "name: x  # said again", "name: y") == first
    others = {written("c", "name: z", "name: y"), written("d", "name: x", "name: z")}
    others |= {written("e", "name: x", "name: y", "m"), written("f", "- no mapping", "name: y")}
    assert len(others | {first}) == 5
