"""Where each parameter stands in gradients, Hessians and steps of the response regression.

Coefficients come first: promotions, controls, past list prices, the surprise, past demand, in the order of
:data:`pricelake.demand.response.learning.COLUMNS`. Then a relative change of all elasticities together, and the rise.
"""

from pricelake.demand.response.past import PAST

COEFFICIENTS = slice(None, -2)
TOGETHER = -2
"""All elasticities together, each moved by the same share of itself."""
RISE = -1
OWN_PAST = slice(-len(PAST), -1)
"""Among coefficients: those of the pair's own past demand, which is differenced; the category's comes last."""
