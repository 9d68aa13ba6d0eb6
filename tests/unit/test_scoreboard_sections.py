"""Tables of the scoreboard in docs/measurements.md: which row of the record stands in which cell."""

from typing import Any

from scripts import scoreboard_sections
from scripts.scoreboard_scores import ALL, CALM

FIRST, SECOND = "confounding_visible", "confounding_hidden"


def row(section: str, figure: str, contender: str, mean: float, **more: Any) -> dict[str, Any]:
    known = {"section": section, "figure": figure, "contender": contender, "instruments": "strong", "seeds": 10}
    ends = {"mean": mean, "low": None, "high": None, "worst": mean + 1.0}
    return known | ends | {"switches": sorted(ALL), "sold_out_rate": 0.1, "case": "everything"} | more


def alone(switch: str) -> dict[str, Any]:
    return {"switches": [switch], "sold_out_rate": None, "case": switch}


def record(rows: list[dict[str, Any]], failures: list[dict[str, str]] | None = None) -> dict[str, Any]:
    names = dict.fromkeys(one["case"] for one in rows)
    cases = [{"name": name, "usual_shop": name not in ("promise", "cold_start")} for name in names]
    parts = {"promises_left_out": [], "promises": [], "failures": failures or []}
    return {"rows": rows, "usual_sold_out_rate": 0.1, "cases": cases} | parts


def tables(rows: list[dict[str, Any]], failures: list[dict[str, str]] | None = None) -> dict[str, list[list[str]]]:
    """Title → the lines below it, each as its cells, without the line under the head."""
    found: dict[str, list[list[str]]] = {}
    title = ""
    for line in scoreboard_sections.result_lines(record(rows, failures)):
        if line.startswith("**"):
            title = line.strip("*")
            found[title] = []
        elif line and not line.startswith("| ---"):
            found[title].append([cell.strip() for cell in line.strip("|").split("|")])
    return found


def cells(lines: list[list[str]], name: str = "pricelake") -> dict[str, str]:
    """Heading → cell of the line that begins with a name."""
    return dict(zip(lines[0][1:], next(line for line in lines if line[0] == name)[1:], strict=True))


def test_the_weakest_seed_stands_and_not_the_mean() -> None:
    rows = [
        row("own_price_bias", "mean", "pricelake", 0.1, worst=-0.6),
        row("promise", "coverage_90", "pricelake", 0.9, worst=0.55, case="promise"),
        row("profit_capture", "capture", "uniform_move_-5", 0.4, weeks=13, worst=-2.0),
    ]
    found = tables(rows)
    models = cells(found["The weakest of the seeds, everything on"])
    assert (models["own-price bias"], models["90 % coverage"], models["promise slope"]) == ("-0.60", "0.55", "–")
    captures = found["Profit capture on the weakest of the seeds, everything on"]
    assert cells(captures, "uniform_move_-5") == {"13 weeks": "-2.00"}


def test_bias_stands_by_group_by_instruments_and_by_one_kind_of_confounding() -> None:
    rows = [
        row("own_price_bias", "mean", "pricelake", 0.1),
        row("own_price_bias", "mean", "pricelake", 0.2, group="changes_0_1"),
        row("own_price_bias", "mean", "pricelake", 0.3, instruments="weak", case="weak"),
        row("own_price_bias", "mean_absolute", "pricelake", 0.4, instruments="none", case="bare"),
        row("own_price_bias", "movement", "pricelake", 0.5, **alone(FIRST)),
        row("own_price_bias", "movement", "pricelake", 0.6, **alone(SECOND)),
    ]
    found = tables(rows)
    by_group = cells(found["Own-price bias by price changes seen, everything on"])
    assert list(by_group.values()) == ["0.10", "0.20", "–", "–", "–"]
    by_instruments = cells(found["Own-price bias and mean absolute error by instruments, all switches on"])
    assert by_instruments == {
        **{"bias, strong": "0.10", "bias, weak": "0.30", "bias, none": "–"},
        **{"mean absolute, strong": "–", "mean absolute, weak": "–", "mean absolute, none": "0.40"},
    }
    moved = cells(found["Movement of the bias by one kind of confounding alone"])
    assert moved == {"prices follow what tables show": "0.50", "prices follow what no table shows": "0.60"}


def test_identification_and_stability_stand_or_are_said_to_be_absent() -> None:
    titles = (
        "Identification: shares of categories, of models that say how well they know",
        "Stability: mean absolute change of elasticities when learnt again, everything on",
    )
    absent = tables([row("run", "seconds", "pricelake", 1.0)])
    assert [absent[title] for title in titles] == [[["Not in this record."]]] * 2
    rows = [
        row("identification", "flagged_share", "pricelake", 0.25),
        row("identification", "flagged_share", "pricelake", 0.75, instruments="none", case="bare"),
        row("identification", "coverage_90_unidentified", "pricelake", 0.5, instruments="none", case="bare"),
        row("stability", "elasticity_shift_seed", "pricelake", 0.03),
        row("stability", "elasticity_shift_week", "pricelake", 0.04),
    ]
    found = tables(rows)
    assert found[titles[0]][1:] == [["everything", "pricelake", "0.25", "–"], ["bare", "pricelake", "0.75", "0.50"]]
    assert found[titles[1]][1:] == [["pricelake", "0.03", "0.04"]]


def test_errors_stand_by_share_of_weeks_sold_out() -> None:
    titles = {
        "error_5": "WAPE after ±5 %",
        "error_10": "WAPE after ±10 %",
        "error_20": "WAPE after ±20 %",
        "forecast_wape": "WAPE at the prices in force",
    }
    rates = (0.0, 0.1, 0.2, 0.4)
    for number, (figure, title) in enumerate(titles.items()):
        rows = [row("after_change", figure, "mlp", number + rate, sold_out_rate=rate, case=str(rate)) for rate in rates]
        shown = cells(tables(rows)[f"{title}, by share of weeks sold out"], "mlp")
        assert shown == {f"{100 * rate:g} %": f"{number + rate:.2f}" for rate in rates}


def test_every_setting_stands_with_every_rival_and_the_ratio_to_the_best() -> None:
    rows = [
        row("after_change", figure, name, mean, **where)
        for where, own in (({}, 0.3), (alone("sold_out"), 0.6))
        for figure, times in (("error_20", 1.0), ("error_10", 0.5))
        for name, mean in (("pricelake", own * times), ("mlp", 0.5), ("mine", 0.4), ("pricelake_variant", 0.01))
    ]
    lines = tables(rows)["WAPE after ±20 % in every setting; means over seeds"]
    assert "pricelake_variant" not in lines[0]
    first, second = (cells(lines, name) for name in ("everything", "sold_out"))
    assert (first["pricelake"], first["mlp"], first["mine"], first["lightgbm"]) == ("0.30", "0.50", "0.40", "–")
    assert (first["pricelake / best rival"], first["the same after ±10 %"]) == ("0.750", "0.375")
    assert (second["pricelake / best rival"], second["the same after ±10 %"]) == ("1.500", "0.750")


def test_everybody_is_in_the_table_of_profits() -> None:
    moves = [f"uniform_move{end}" for end in ("_-10", "_-5", "_+5", "", "_+15", "_+20")]
    guesses = ["guessed_elasticity", "guessed_elasticity_-1.5", "guessed_elasticity_-2"]
    names = [*moves, *guesses, "status_quo", "pricelake", "oracle", "mine"]
    rows = [
        row("profit_capture", "capture", name, number / 10, weeks=weeks)
        for number, name in enumerate(names)
        for weeks in (1, 4, 13)
    ]
    rows.append(row("profit_capture", "capture", "pricelake", 0.9, weeks=4, switches=list(CALM), case="calm"))
    lines = tables(rows)["Profit capture: 0 the status quo, 1 the oracle"]
    for number, name in enumerate(names):
        assert list(cells(lines, name).values())[:3] == [f"{number / 10:.2f}"] * 3
    assert cells(lines)["unconfounded, 4 weeks"] == "0.90"
    assert lines[-1][0] == "mine"
    assert len({line[0] for line in lines}) == len(lines)  # nobody twice


def test_lazy_rivals_price_new_products_too() -> None:
    rows = [
        row("cold_start", "capture", name, mean, case="cold_start", weeks=weeks)
        for name, mean in (("cost_plus", 0.2), ("pricelake", 0.3))
        for weeks in (0, 8)
    ]
    lines = tables(rows)["New products: capture over 4 weeks, by weeks of history"]
    assert cells(lines, "cost_plus") == {"0": "0.20", "8": "0.20"}
    assert "uniform_move_+15" not in [line[0] for line in lines]  # has no row


def test_fits_that_failed_are_added_up_over_all_cases() -> None:
    rows = [
        row("run", "failed_fits", "pricelake", 0.0),
        row("run", "failed_fits", "pricelake", 1.5, **alone("sold_out")),
        row("run", "failed_fits", "pricelake", 36.6, case="cold_start"),
        row("run", "failed_fits", "mlp", 0.0),
        row("run", "seconds", "double_ml", 9.0),
    ]
    title = "Fits that failed, all cases and seeds together; they count as the status quo"
    lines = tables(rows, [{"case": "sold_out", "contender": "pricelake", "error": "no champion"}])[title]
    assert lines[1:] == [
        ["pricelake", "381", "2 of 3", "366", "cold_start", "sold_out"],
        ["all others (1)", "0", "0", "0", "–", "–"],  # mlp; of double_ml nothing is known
    ]
