"""A response as files of one directory: ``response.json``, ``products.parquet`` and ``kinds.parquet``."""

import json
from dataclasses import asdict
from datetime import date
from pathlib import Path

import pandas as pd

from pricelake.demand.response.model import ResponseModel
from pricelake.demand.response.price_model import PriceModel, Strength

RESPONSE_FILE, PRODUCTS_FILE, KINDS_FILE = "response.json", "products.parquet", "kinds.parquet"


def save_response(response: ResponseModel, directory: Path) -> None:
    """Write the files into ``directory``, made if needed."""
    directory.mkdir(parents=True, exist_ok=True)
    response.products.to_parquet(directory / PRODUCTS_FILE, index=False)
    response.kinds.to_parquet(directory / KINDS_FILE, index=False)
    facts = {
        "price": asdict(response.price),
        "rise": response.rise,
        "learnt_until": response.learnt_until.isoformat(),
    }
    (directory / RESPONSE_FILE).write_text(json.dumps(facts, indent=1), encoding="utf-8")


def load_response(directory: Path) -> ResponseModel:
    """The response in ``directory``, written by :func:`save_response`."""
    facts = json.loads((directory / RESPONSE_FILE).read_text(encoding="utf-8"))
    price = facts["price"]
    return ResponseModel(
        PriceModel(
            tuple(price["instruments"]),
            tuple(tuple(fold) for fold in price["coefficients"]),
            tuple(Strength(**one) for one in price["strengths"]),
            float(price["unexplained_rate"]),
        ),
        float(facts["rise"]),
        pd.read_parquet(directory / PRODUCTS_FILE),
        pd.read_parquet(directory / KINDS_FILE),
        date.fromisoformat(facts["learnt_until"]),
    )
