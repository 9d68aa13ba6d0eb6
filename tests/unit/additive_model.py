"""A model for the tests of tracking: adds the number in its file to a column."""

from pathlib import Path

import pandas as pd


class Additive:
    def __init__(self, summand: float) -> None:
        self.summand = summand

    def predict(self, frame: pd.DataFrame, params: dict[str, float] | None = None) -> pd.DataFrame:
        return pd.DataFrame({"y": frame["x"] + self.summand})


def _load_pyfunc(path: str) -> Additive:
    return Additive(float((Path(path) / "summand.txt").read_text()))
