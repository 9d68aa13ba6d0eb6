"""Effects of promotions that differ between categories, by empirical Bayes.

A display sells soft drinks otherwise than yogurt, and promotions come with low prices: with one effect for all, a
category in which a display sells less than elsewhere would be taken to answer prices less than it does. The effect of
promotion ``p`` in category ``c`` is ``b_p + d_cp`` with ``d_cp ~ N(0, s_p^2)``. All ``b`` and ``d`` are solved for
together: the mixed model equations (Henderson, *Biometrics* 31, 1975) with the ``d`` eliminated category by category,
so that the cost is linear in categories. ``s_p`` comes from the ``d`` by expectation maximisation (Dempster, Laird and
Rubin 1977) on the equations of a round.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from pricelake.demand.response.kernel import Sums
from pricelake.demand.response.layout import TOGETHER
from pricelake.demand.response.pack import Floats, Response

START_VARIANCE, LARGEST_VARIANCE = 0.04, 4.0
LEAST_VARIANCE, LEAST_INFORMATION = 1e-6, 1e-6
FIXED_PRECISION = 1e12
"""In place of ``1 / s_p^2`` where the effect is the same in all categories."""


@dataclass(frozen=True)
class Between:
    """The equations of one round.

    Attributes:
        sums: of the rows.
        apart: ``d`` so far, shape ``(n_categories, n_promotions)``.
        variance: ``s_p^2`` so far, shape ``(n_promotions,)``; 0: the effect is the same everywhere.
        inflation: how much wider estimates are than independent periods would make them, at least 1.
    """

    sums: Sums
    apart: Floats
    variance: Floats
    inflation: float

    @property
    def _penalty(self) -> Floats:
        varies = self.variance > 0
        return np.where(varies, self.inflation / np.where(varies, self.variance, 1.0), FIXED_PRECISION)

    @property
    def _own(self) -> Floats:
        return self.sums.category_information[:, :, : self.apart.shape[1]]

    @cached_property
    def _inverse(self) -> Floats:
        return np.asarray(np.linalg.inv(self._own + np.diag(self._penalty)))

    @property
    def _gradient(self) -> Floats:
        return np.asarray(self.sums.category_score - self.apart * self._penalty)

    def reduced(self, hessian: Floats, gradient: Floats) -> tuple[Floats, Floats]:
        """The equations of all other parameters after the ``d`` are eliminated: Schur complements.

        Args:
            hessian: of the order of ``sums.hessian``.
            gradient: same order.
        """
        beside = self.sums.category_information
        size = (-1, beside.shape[2])
        solved = (self._inverse @ beside).reshape(size)
        explained = beside.reshape(size).T @ solved
        return hessian - explained, gradient - self._gradient.ravel() @ solved

    def step(self, moved: Floats, alike: Floats) -> Floats:
        """How far the ``d`` move, of the shape of ``apart``.

        Args:
            moved: the step of all other parameters, of the order of ``sums.gradient``.
            alike: how far the elasticities of each category move relative to ``overall``, shape ``(n_categories,)``,
                in place of the step of all together.
        """
        beside = self.sums.category_information
        others = np.broadcast_to(moved, (len(alike), len(moved))).copy()
        others[:, TOGETHER] = alike
        left = self._gradient - np.einsum("cpn,cn->cp", beside, others)
        return np.asarray(np.einsum("cpq,cq->cp", self._inverse, left))

    def renewed_variance(self, apart: Floats) -> Floats:
        """``s_p^2`` after a step of expectation maximisation, from the ``d`` that belong to those so far."""
        seen = np.einsum("cpp->cp", self._own) > LEAST_INFORMATION
        squares = np.where(seen, np.square(apart) + np.einsum("cpp->cp", self.posterior), 0.0)
        found = squares.sum(axis=0) / np.maximum(seen.sum(axis=0), 1)
        varies = (self.variance > 0) & seen.any(axis=0)
        return np.where(varies, np.clip(found, LEAST_VARIANCE, LARGEST_VARIANCE), self.variance)

    @property
    def posterior(self) -> Floats:
        """Variances of the ``d``, given all other parameters, shape ``(n_categories, n_promotions, n_promotions)``."""
        return np.asarray(self.inflation * self._inverse)

    def share_left(self, now: Response) -> Floats:
        """Share of the information on a category's elasticities together that its promotions do not share, 0–1.

        Args:
            now: where ``sums`` were made.

        Returns:
            shape ``(n_categories,)``; 0 where nothing is known.
        """
        crossed = self.sums.category_information[:, :, TOGETHER]
        explained = np.einsum("cp,cpq,cq->c", crossed, self._inverse, crossed)
        own = np.bincount(now.category, self.sums.information[:, 0, 0], minlength=len(explained)) * now.overall**2
        left = 1.0 - explained / np.where(own > 0, own, 1.0)
        return np.where(own > 0, np.clip(left, 0.0, 1.0), 0.0)

    def effect_sd(self, of_means: Floats) -> tuple[Floats, Floats]:
        """Standard deviations of ``b_p + d_cp`` in each category, and in one that was not seen.

        Args:
            of_means: covariance of the ``b``, shape ``(n_promotions, n_promotions)``.
        """
        kept = np.eye(self.apart.shape[1]) - self._inverse @ self._own
        through = np.einsum("cpq,qr,cpr->cp", kept, of_means, kept)
        seen = np.sqrt(np.einsum("cpp->cp", self.posterior) + through)
        return seen, np.sqrt(self.variance + np.diag(of_means))


def started(varies: npt.NDArray[np.bool_]) -> Floats:
    """``s_p^2`` to begin with, of the shape of ``varies``: whether a promotion's effect differs between categories."""
    return np.where(varies, START_VARIANCE, 0.0)
