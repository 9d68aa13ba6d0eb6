"""Formats, colours and the script element of the report, against hand-written expectations."""

import json
from decimal import Decimal

import pytest

from pricelake.report import wording
from pricelake.report.page import as_script
from pricelake.report.palette import DARK, LIGHT, resolved
from pricelake.report.plot import horizontal_bars, shop_text


@pytest.mark.parametrize(
    ("value", "plus", "expected"),
    [
        (Decimal("12340.4999"), True, "+12,340 USD"),
        (Decimal("999.995"), False, "1,000.00 USD"),
        (Decimal("-3.456"), True, "−3.46 USD"),
        (Decimal("0.0041"), True, "0.00 USD"),
        (Decimal("-0.004"), True, "0.00 USD"),
        (-1500.5, False, "−1,501 USD"),
        (None, True, "–"),
    ],
)
def test_amounts(value: Decimal | float | None, plus: bool, expected: str) -> None:
    assert wording.amount(value, "USD", plus).replace("\u00a0", " ") == expected


@pytest.mark.parametrize(
    ("value", "currency", "expected"),
    [
        (Decimal("2.4900"), "USD", "2.49"),
        (Decimal("2.0000"), "USD", "2.00"),
        (Decimal("0.0125"), "USD", "0.0125"),
        (Decimal("1234.5000"), "USD", "1,234.50"),
        (Decimal("250.0000"), "JPY", "250"),
        (Decimal("100.0000"), "EUR", "100.00"),
        (None, "USD", "–"),
    ],
)
def test_prices_show_cents_and_more_only_where_there_is_more(
    value: Decimal | None, currency: str, expected: str
) -> None:
    assert wording.price(value, currency) == expected


def test_shares_never_round_to_none_or_all() -> None:
    shown = [wording.share(part, 1000).replace("\u00a0", " ") for part in (0, 1, 10, 455, 994, 999, 1000)]
    assert shown == ["0 %", "<1 %", "1 %", "46 %", "99 %", "99 %", "100 %"]
    assert wording.share(0, 0) == "–"


def test_rates_and_numbers_use_a_true_minus_and_no_sign_for_nothing() -> None:
    assert wording.rate(-0.0421, plus=True) == "−4.2\u00a0%"
    assert wording.rate(0.1, plus=True) == "+10.0\u00a0%"
    assert wording.rate(-0.0001, plus=True) == "0.0\u00a0%"
    assert wording.number(-1.928) == "−1.93"
    assert wording.number(None) == "–"


def test_unknown_codes_are_spelt_out() -> None:
    assert wording.words("no_cost", wording.HELD_BACK) == "No cost, but profit is the objective"
    assert wording.words("some_new_code", wording.HELD_BACK) == "some new code"


def test_script_json_cannot_leave_its_element_and_stays_the_same_json() -> None:
    hostile = {"name": "</script><script>alert(1)</script> & \u2028 <!--"}
    text = str(as_script(hostile))
    assert not set("<>&\u2028") & set(text)
    assert json.loads(text) == hostile


def test_script_json_refuses_numbers_that_json_does_not_have() -> None:
    with pytest.raises(ValueError, match="Out of range float"):
        as_script({"value": float("nan")})


def test_shop_text_is_cut_before_it_is_escaped() -> None:
    assert shop_text("a<b>&c" + "d" * 40, 8) == "a&lt;b&gt;&amp;cd…"


def test_colour_roles_are_resolved_only_where_a_colour_stands() -> None:
    figure = {"text": ["var(--accent)"], "marker": {"color": ["var(--raise)", "#123456"]}, "fillcolor": "var(--line)"}
    assert resolved(figure, LIGHT) == {
        "text": ["var(--accent)"],
        "marker": {"color": [LIGHT["raise"], "#123456"]},
        "fillcolor": LIGHT["line"],
    }


def _luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: str, other: str) -> float:
    """WCAG 2.2 contrast ratio."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("palette", [LIGHT, DARK])
def test_text_and_marks_stand_out_as_wcag_asks(palette: dict[str, str]) -> None:
    assert palette.keys() == LIGHT.keys()
    for text in ("text", "muted", "raise", "lower"):
        for ground in ("surface", "page") if text != "text" else ("surface", "page", "warn-surface", "accent-soft"):
            assert _contrast(palette[text], palette[ground]) >= 4.5, (text, ground)
    for mark in ("accent", "keep", "hold"):
        assert _contrast(palette[mark], palette["surface"]) >= 3, mark


def test_equal_names_keep_bars_of_their_own_and_text_has_room() -> None:
    plot = horizontal_bars("key", "label", ["same", "same"], [3.0, -1.0], "units", texts=["3", "−1"])
    assert plot.data[0]["y"] == [0, 1]
    assert plot.layout["yaxis"]["ticktext"] == ["same", "same"]
    low, high = plot.layout["xaxis"]["range"]
    assert low < -1.0
    assert high > 3.0
