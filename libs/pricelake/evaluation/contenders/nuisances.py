"""First-stage regressions of double machine learning, among which cross-validation chooses."""

from typing import Any, Self

import lightgbm
import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.linear_model import Ridge

from pricelake.evaluation.contenders.interface import Floats

BLOCK_PERIODS = 6
FOLDS = 4
LEAVES = (4, 12)


class RidgeByCategory(RegressorMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """A ridge regression for each category, on standardised controls."""

    def __init__(self, n_categories: int = 1, penalty: float = 10.0) -> None:
        """Keep the parameters, as scikit-learn asks.

        Args:
            n_categories: how many of the first columns are the categories' indicators; the others are controls.
            penalty: of the squared coefficients; in rows, as controls have variance 1.
        """
        self.n_categories = n_categories
        self.penalty = penalty

    def fit(self, X: Floats, y: Floats) -> Self:
        """Fit category by category; X has shape ``(n_rows, n_categories + n_controls)``."""
        category, controls = self._parts(X)
        self.scale_ = np.maximum(controls.std(axis=0), 1e-9)
        self.models_ = {}
        for number in np.unique(category):
            rows = category == number
            self.models_[int(number)] = Ridge(self.penalty).fit(controls[rows] / self.scale_, y[rows])
        return self

    def predict(self, X: Floats) -> Floats:
        """Shape ``(n_rows,)``; 0, the mean of all deviations, in a category never seen."""
        category, controls = self._parts(X)
        found = np.zeros(len(X))
        for number in np.unique(category):
            rows = category == number
            if int(number) in self.models_:
                found[rows] = self.models_[int(number)].predict(controls[rows] / self.scale_)
        return found

    def _parts(self, X: Floats) -> tuple[npt.NDArray[np.intp], Floats]:
        return np.asarray(X[:, : self.n_categories].argmax(axis=1)), X[:, self.n_categories :]


def candidates(n_categories: int, seed: int) -> list[Any]:
    """Ridge by category with two penalties, and LightGBM with trees of two sizes."""
    trees = [
        lightgbm.LGBMRegressor(
            n_estimators=100, num_leaves=leaves, learning_rate=0.05, min_child_samples=30, random_state=seed, n_jobs=1,
            verbosity=-1,
        )
        for leaves in LEAVES
    ]  # fmt: skip
    return [RidgeByCategory(n_categories, penalty) for penalty in (3.0, 30.0)] + trees


def period_folds(period: pd.Series) -> list[tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]]:
    """Rows to learn from and rows to predict, by blocks of 6 periods (fewer in a short history) dealt out to 4 folds.

    Shocks last for weeks: single weeks would be predicted from their neighbours. Blocks of a fold lie all over the
    history, so that each season is learnt from.
    """
    number = period.rank(method="dense").to_numpy(dtype=np.int64) - 1
    block = max(min(BLOCK_PERIODS, int(number.max() + 1) // FOLDS), 1)
    fold = number // block % FOLDS
    return [(np.flatnonzero(fold != one), np.flatnonzero(fold == one)) for one in np.unique(fold)]
