"""Checks and quarantine: which rows are taken, which are not and why."""

from pricelake.quality.counting import BrokenRule, TableCounts, check_balance, check_share, count_verdicts
from pricelake.quality.judging import RULE, TAKEN, VERDICT, repeated_keys, settle_duplicates, with_verdict
from pricelake.quality.quarantine import filter_quarantined, to_quarantine
from pricelake.quality.rules import (
    Rule,
    check_rules,
    column_rules,
    currency_rules,
    limit_rules,
    line_rules,
    unknown_product_rule,
)
from pricelake.quality.timing import Horizon, future_rules, is_after_as_of

__all__ = [
    "RULE",
    "TAKEN",
    "VERDICT",
    "BrokenRule",
    "Horizon",
    "Rule",
    "TableCounts",
    "check_balance",
    "check_rules",
    "check_share",
    "column_rules",
    "count_verdicts",
    "currency_rules",
    "filter_quarantined",
    "future_rules",
    "is_after_as_of",
    "limit_rules",
    "line_rules",
    "repeated_keys",
    "settle_duplicates",
    "to_quarantine",
    "unknown_product_rule",
    "with_verdict",
]
