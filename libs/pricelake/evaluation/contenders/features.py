"""The panel's columns as numbers, at the price that was paid or at another one."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from pricelake.evaluation.contenders.interface import Floats

# nothing that announces the price or its discount: asked about another price, it would still tell the old one
CONTEXT = (
    "display_rate", "feature_rate", "coupon_rate",
    "holiday_days", "days_to_holiday", "season_sin_1", "season_cos_1", "season_sin_2", "season_cos_2",
    "temperature_c", "precipitation_mm", "age_periods", "sold_periods", "periods_since_sale", "price_changes",
    "units_lag_1", "units_lag_2", "units_lag_3", "units_lag_4", "units_mean_4", "units_mean_8", "units_mean_13",
    "units_mean_all", "units_max_8", "price_lag_ratio", "promotion_lag_1", "category_units_lag_1",
    "category_discount_rate", "views_lag_1", "views_mean_4", "views_mean_13",
)  # fmt: skip
N_PRICES = 3
CODES = ("product_id", "market_id", "category", "brand")


@dataclass(frozen=True)
class Encoder:
    """Codes of the texts seen in training; others are -1."""

    codes: dict[str, dict[str, int]]

    def context(self, rows: pd.DataFrame) -> Floats:
        """Everything but the price, shape ``(n_rows, n_context)``."""
        numbers = rows[list(CONTEXT)].to_numpy(dtype=np.float64)
        texts = np.column_stack([rows[name].map(self.codes[name]).fillna(-1).to_numpy(float) for name in CODES])
        return np.column_stack([numbers, texts])

    def price(self, rows: pd.DataFrame, paid: Floats) -> Floats:
        """Log price, over the reference price and over the competitors', shape ``(n_rows, N_PRICES)``.

        Args:
            rows: of the panel.
            paid: price of each row, shape ``(n_rows,)``.
        """
        known = rows[["list_price", "reference_price", "competitor_index"]].to_numpy(dtype=np.float64)
        list_price, reference, index = known.T
        return np.column_stack([np.log(paid), np.log(paid / reference), np.log(paid / (list_price / index))])


def fit_encoder(rows: pd.DataFrame) -> Encoder:
    """Codes in the order of the texts."""
    return Encoder({name: {text: n for n, text in enumerate(sorted(rows[name].unique()))} for name in CODES})
