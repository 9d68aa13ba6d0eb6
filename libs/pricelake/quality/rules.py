"""The rules a row must keep to be taken; the first one it breaks names why it was not."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql.types import StructType


@dataclass(frozen=True)
class Rule:
    """One rule.

    Attributes:
        name: as in ``bronze.quarantine``.
        broken: true where a row breaks it; null and false where not.
        reason: what was wrong, with the value; never null.
    """

    name: str
    broken: Column
    reason: Column


def line_rules(unparsed: str, undecodable: str) -> list[Rule]:
    """Lines that do not parse, and text that is not of the stated encoding.

    Args:
        unparsed: column with the line that could not be parsed, null where it could.
        undecodable: column with the name of the text column that could not be decoded, null where all could.
    """
    return [
        Rule(
            "malformed_line",
            F.col(unparsed).isNotNull(),
            F.lit("the line does not have the columns of its file's header, or is not JSON"),
        ),
        Rule(
            "wrong_encoding",
            F.col(undecodable).isNotNull(),
            _say("column ", undecodable, " holds bytes that are not of the stated encoding (UTF-8 unless stated)"),
        ),
    ]


def column_rules(schema: StructType, unfit: Mapping[str, str]) -> list[Rule]:
    """Per column: a value that is not of the column's type, and a required value that is missing.

    Args:
        schema: the contract.
        unfit: column → column with the text that could not be converted, null where it could.
    """
    rules = []
    for field in schema.fields:
        if field.name in unfit:
            kind = field.dataType.typeName()
            text = unfit[field.name]
            reason = _say(f"{field.name} is '", text, f"', which is not a {kind}")
            rules.append(Rule(f"{field.name}_not_{kind}", F.col(text).isNotNull(), reason))
        if not field.nullable:
            missing = F.lit(f"{field.name} is empty; it is required")
            rules.append(Rule(f"{field.name}_missing", F.col(field.name).isNull(), missing))
    return rules


def check_rules(checks: Mapping[str, str], columns: Sequence[str]) -> list[Rule]:
    """The contract's constraints; like Delta, a check that gives null is broken.

    Args:
        checks: rule → SQL that holds for every row.
        columns: the contract's columns, for the values in the reason.
    """
    rules = []
    for name, check in checks.items():
        named = [column for column in columns if re.search(rf"\b{column}\b", check)]
        values: list[str | Column] = []
        for column in named:
            values += [f"{', ' if values else ''}{column} = ", F.col(column)]
        broken = ~F.coalesce(F.expr(check), F.lit(False))
        rules.append(Rule(name, broken, _say(*values, f"; must hold: {check}")))
    return rules


def currency_rules(column: str, currency: str) -> list[Rule]:
    """Rows in another currency than the shop's, or in none.

    Args:
        column: the row's currency.
        currency: ISO code of the shop's.
    """
    broken = ~F.coalesce(F.upper(F.col(column)) == currency, F.lit(False))
    return [Rule("other_currency", broken, _say("currency is ", column, f"; the shop's is {currency}"))]


QUANTITIES = {"order_lines": "quantity"}
UNIT_PRICES = {
    "order_lines": "paid_amount / quantity",
    "sales_panel": "revenue_amount / nullif(units, 0)",
    "list_prices": "list_price",
    "costs": "unit_cost",
    "competitor_prices": "price",
}


def limit_rules(table: str, max_quantity: float, max_unit_price: float) -> list[Rule]:
    """Quantities and unit prices so large that they are taken for errors.

    Args:
        table: table without its layer.
        max_quantity: units on one order line.
        max_unit_price: shop currency per unit, for prices paid, list prices, costs and competitors' prices.
    """
    rules = []
    if table in QUANTITIES:
        column = QUANTITIES[table]
        reason = _say(f"{column} = ", column, f", above the shop's limit of {max_quantity:g}")
        rules.append(Rule("quantity_absurd", F.col(column) > max_quantity, reason))
    if table in UNIT_PRICES:
        price = F.expr(f"cast({UNIT_PRICES[table]} AS double)")
        reason = _say("unit price = ", F.round(price, 4), f", above the shop's limit of {max_unit_price:g}")
        rules.append(Rule("unit_price_absurd", price > max_unit_price, reason))
    return rules


def unknown_product_rule(known: str) -> Rule:
    """Rows of products that the shop does not list.

    Args:
        known: column that is true where the product is listed, else null.
    """
    broken = F.col("product_id").isNotNull() & F.col(known).isNull()
    return Rule("unknown_product", broken, _say("product_id = ", "product_id", " is not in products"))


def _say(*parts: str | Column) -> Column:
    """Text and values in turn: the first part is text, the next a column, and so on."""
    said = []
    for i, part in enumerate(parts):
        if isinstance(part, str) and i % 2 == 0:
            said.append(F.lit(part))
        else:
            value = F.col(part) if isinstance(part, str) else part
            said.append(F.coalesce(value.cast("string"), F.lit("null")))
    return F.concat(*said)
