"""What the response regression passes over, and where it stands."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

MIN_AVAILABILITY_RATE = 1e-6
"""A product that was not in stock sells nothing at any price: next to nothing is expected, and the row says nothing.
A floor of 2 % would say that in 2 % of the period nobody bought, which hardly happens to those that sell much."""
NOT_IN_STOCK = math.log(MIN_AVAILABILITY_RATE) + 0.5
"""Log exposure below which a row says nothing of its period's demand; rows at the floor lie half a log below."""


@dataclass(frozen=True)
class Pack:
    """Training rows of whole categories of a market, sorted by pair and period; arrays of shape ``(n_rows,)``.

    Attributes:
        product: number of the product in the fit, 0 ….
        pair: number of product and market in the pack, 0 ….
        category: number of the category in the pack, 0 ….
        period: number of the period.
        units: units, 0 or more.
        log_exposure: log of the share of the period in stock, at most 0.
        log_price: log of price over usual list price.
        promotions: columns that are taken off base units, shape ``(n_rows, n_promotions)``.
        controls: all other known columns, shape ``(n_rows, n_controls)``.
        surprise: what moved the list price beyond expectation.
        uninstrumented: log of list price over usual list price, less what instruments moved.
    """

    product: Indices
    pair: Indices
    category: Indices
    period: Indices
    units: Floats
    log_exposure: Floats
    log_price: Floats
    promotions: Floats
    controls: Floats
    surprise: Floats
    uninstrumented: Floats


@dataclass(frozen=True)
class Response:
    """Where the fit stands.

    Attributes:
        elasticity: sizes ``e`` by product, above 0, shape ``(n_products,)``.
        variance: of ``e``, 0 or more, same shape.
        overall: ``m`` of :mod:`pricelake.demand.response.pooling`, above 0.
        rise: ``r``, from 0 to 1.
        coefficients: ``b`` of promotions, controls, ``PAST_PRICE``, surprise and ``PAST``.
        dispersion: ``a``, above 0.
        category: number of each product's category, shape ``(n_products,)``.
        apart: by how much the effects of promotions differ from ``coefficients`` in each category, shape
            ``(n_categories, n_promotions)``.
    """

    elasticity: Floats
    variance: Floats
    overall: float
    rise: float
    coefficients: Floats
    dispersion: float
    category: Indices
    apart: Floats
