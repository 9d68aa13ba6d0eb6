"""From demand curves and rules to a price with its reason. Vectorised over rows, exact in money."""
