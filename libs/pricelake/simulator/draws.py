"""Random numbers by name, so that a switch changes what it names and no other draw."""

import zlib
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


class Draws:
    """Streams of random numbers of one shop.

    A stream is known by its name and the numbers of what it is for, and independent of all others (NumPy's
    ``SeedSequence`` with a spawn key, Philox). Whoever draws from a stream draws the same amount whatever is switched
    on; that is what makes two shops paired twins.
    """

    def __init__(self, seed: int) -> None:
        """Streams of the shop with this seed (0 or more)."""
        self.seed = seed

    def stream(self, name: str, *numbers: int) -> np.random.Generator:
        """The stream ``name`` of, say, one category."""
        key = (zlib.crc32(name.encode()), *numbers)
        return np.random.Generator(np.random.Philox(np.random.SeedSequence(self.seed, spawn_key=key)))

    def uniform(self, name: str, shape: tuple[int, ...], *numbers: int) -> Array:
        """Numbers in [0, 1) of a stream of their own, in float64."""
        return self.stream(name, *numbers).random(shape)

    def normal(self, name: str, shape: tuple[int, ...], *numbers: int) -> Array:
        """Standard normal numbers of a stream of their own, in float64."""
        return self.stream(name, *numbers).standard_normal(shape)
