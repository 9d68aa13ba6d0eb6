"""Whether the data tell how units answer the price, category by category.

A price that moved for a reason is no experiment: its surprise may have followed demand. What is left is variation that
the surprise does not share, and nor do past list prices, which may have followed demand as much: prices moved by
instruments, and discounts. The information on a category's elasticity that comes from it alone is the Schur complement
of these in the products' information, summed over the category. A category counts as identified

- by ``instruments``, where an instrument passed its test and moved the prices of its products, or
- by ``discounts``, where the elasticity of the category as a whole is known to ``LARGEST_RELATIVE_SD`` without the
  surprise, and without what discounts share with the category's promotions;

and is ``weak`` otherwise. A product of a weakly identified category still learns from its own prices, but only as much
as surprises may be trusted (``demand.surprise_sd``): the rest of its elasticity is what its kind has elsewhere, and its
interval says so.
"""

import numpy as np
import numpy.typing as npt

from pricelake.demand.response.pooling import Floats, Indices

BY_INSTRUMENTS, BY_DISCOUNTS, WEAK = "instruments", "discounts", "weak"
LARGEST_RELATIVE_SD = 0.15


def identified_by(
    clean: Floats,
    elasticity: Floats,
    category: Indices,
    share_left: Floats,
    inflation: float,
    instrumented: npt.NDArray[np.bool_],
) -> npt.NDArray[np.object_]:
    """What identifies each category.

    Args:
        clean: of :class:`pricelake.demand.response.kernel.Sums`, shape ``(n_products,)``.
        elasticity: sizes by product, above 0.
        category: number of each product's category, 0 ….
        share_left: of the information on each category, what its promotions do not share either, 0–1.
        inflation: of variances of what a category's products have together, at least 1.
        instrumented: whether a strong instrument moved the prices of the category.

    Returns:
        one of the three names for each category, shape ``(n_categories,)``.
    """
    relative = np.bincount(category, clean * elasticity**2) * share_left / inflation
    is_precise = relative >= LARGEST_RELATIVE_SD**-2
    return np.where(instrumented, BY_INSTRUMENTS, np.where(is_precise, BY_DISCOUNTS, WEAK)).astype(object)
