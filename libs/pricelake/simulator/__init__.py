"""A shop whose demand is known. Only the room `evaluation` may read its truth."""
