"""What is sold: categories, their products, and how shoppers see them."""

from dataclasses import dataclass

import numpy as np

from pricelake.settings.simulation import SimulationSettings
from pricelake.simulator.draws import Array, Draws
from pricelake.simulator.shoppers import TASTES, Shoppers
from pricelake.simulator.words import ATTRIBUTES, KINDS, Kind, brand_name

BRANDS = 60
EACH_NEWCOMER_OF = 4
"""One product in so many is a newcomer where newcomers are asked for."""
NEVER = 1_000_000
NEW_WORTH, GROWING_WEEKS = 0.8, 5.0
OLD_WORTH, FADING_WEEKS = 0.5, 12.0
BASKET_CATEGORIES = 100
WORDS = [word for word, _ in ATTRIBUTES]
FAMILY, PREMIUM = WORDS.index("family"), WORDS.index("premium")
# what a word says about a product: liking for it goes with the tastes, and some words make shoppers mind the price less
ATTRIBUTE_SENSITIVITY = np.array([-0.25, -0.35, 0.35, 0.15, 0.0, 0.05, -0.15, -0.1])
ATTRIBUTE_COST = np.array([0.25, 0.35, -0.2, 0.5, 0.0, 0.0, 0.1, 0.15])


@dataclass(frozen=True)
class Category:
    """One category of products.

    Attributes:
        number: from 0.
        kind: what it sells.
        name: unique name of the category.
        first_product: number of its first product; the others follow.
        scale: s of the nested logit, in (0, 1].
        incidence: a_k, how readily each class buys in the category, shape ``(classes,)``.
        liking: worth of each product to each class at its usual price, shape ``(classes, products)``.
        sensitivity: worth lost per unit of price pressure, shape ``(classes, products)``; above 0.
        curvature: Box–Cox power of price pressure.
        usual_price: shape ``(products,)``, above 0.
        usual_cost: cost per unit, shape ``(products,)``, above 0.
        attributes: which words describe a product, bool, shape ``(products, attributes)``.
        brand: number of the brand, shape ``(products,)``.
        noun: number of the noun, shape ``(products,)``.
        launched: week from which it is sold, shape ``(products,)``; below 0: before the history.
        delisted: first week in which it is no longer sold, shape ``(products,)``.
        extra_quantity: expected units of a purchase beyond the first.
        place: where a product stands on the circle of customers (:mod:`pricelake.simulator.people`), shape
            ``(products,)``, in [0, 1).
    """

    number: int
    kind: Kind
    name: str
    first_product: int
    scale: float
    incidence: Array
    liking: Array
    sensitivity: Array
    curvature: float
    usual_price: Array
    usual_cost: Array
    attributes: Array
    brand: Array
    noun: Array
    launched: Array
    delisted: Array
    extra_quantity: float
    place: Array

    @property
    def size(self) -> int:
        """Number of products."""
        return len(self.usual_price)

    def pack(self, product: int) -> float:
        """Size of a product's pack in the kind's unit; family packs are twice as large."""
        return self.kind.size * (2.0 if self.attributes[product, FAMILY] else 1.0)

    def pressure(self, price: Array) -> Array:
        """How dear a price feels: ((p / usual)^c - 1) / c, Box and Cox (1964); 0 at the usual price.

        Args:
            price: shape ``(..., products)``, above 0.
        """
        return np.asarray(((price / self.usual_price) ** self.curvature - 1.0) / self.curvature)

    def life(self, week: int) -> Array:
        """Worth that a product lacks while it is new and when its end is near, shape ``(products,)``; at most 0."""
        age, left = week - self.launched, self.delisted - week
        is_young = (self.launched >= 0) & (age >= 0)
        young = np.where(is_young, np.exp(-np.maximum(age, 0) / GROWING_WEEKS), 0.0)
        old = np.clip(1.0 - left / FADING_WEEKS, 0.0, 1.0)
        return np.asarray(-NEW_WORTH * young - OLD_WORTH * old)

    def pressure_derivative(self, price: Array) -> Array:
        """Derivative of pressure by log price, shape of ``price``."""
        return np.asarray((price / self.usual_price) ** self.curvature)


def draw_category(settings: SimulationSettings, draws: Draws, shoppers: Shoppers, number: int) -> Category:
    """Category ``number`` of the shop. Its draws depend on the seed and the number alone, not on how many there are."""
    kind = KINDS[number % len(KINDS)]
    size = _size(settings, number)
    first = number * settings.products_per_category
    stream = draws.stream("category", number)
    centre = 0.8 * stream.standard_normal(TASTES)
    scale = float(stream.uniform(0.65, 0.9))
    curvature = float(stream.uniform(0.3, 1.2))
    readiness = float(stream.normal(-4.2, 0.6)) + 0.35 * shoppers.taste @ centre
    # nobody's basket grows with the assortment without end
    readiness = readiness - np.log(max(1.0, settings.categories / BASKET_CATEGORIES))
    extra_quantity = float(stream.gamma(2.0, 0.15))
    attributes = stream.random((size, len(ATTRIBUTES))) < 0.22
    brand = stream.integers(0, BRANDS, size)
    noun = stream.integers(0, len(kind.nouns), size)
    own = draws.stream("products", number)
    words = draws.normal("attribute tastes", (len(ATTRIBUTES), TASTES))
    brands = draws.normal("brand tastes", (BRANDS, TASTES))
    nouns = own.standard_normal((len(kind.nouns), TASTES))
    latent = centre + 0.5 * attributes @ words + 0.4 * brands[brand] + 0.4 * nouns[noun]
    latent = latent + 0.25 * own.standard_normal((size, TASTES))
    quality = 0.45 * own.standard_normal(size)
    minded = np.exp(attributes @ ATTRIBUTE_SENSITIVITY + 0.3 * own.standard_normal(size))
    cost = kind.usual_cost * np.exp(attributes @ ATTRIBUTE_COST + 0.2 * own.standard_normal(size))
    margin = 0.34 + 0.24 * own.random(size) + 0.05 * attributes[:, PREMIUM]
    launched, delisted = _life(settings, own, number, size)
    repeat = number // len(KINDS)
    return Category(
        number=number,
        kind=kind,
        name=kind.category if repeat == 0 else f"{kind.category} {repeat + 1}",
        first_product=first,
        scale=scale,
        incidence=readiness,
        liking=quality + 0.3 * shoppers.taste @ latent.T / np.sqrt(TASTES) * 2.0,
        sensitivity=shoppers.sensitivity[:, None] * minded,
        curvature=curvature,
        usual_price=cost / (1.0 - margin),
        usual_cost=cost,
        attributes=attributes,
        brand=brand,
        noun=noun,
        launched=launched,
        delisted=delisted,
        extra_quantity=extra_quantity,
        place=np.arctan2(latent[:, 1], latent[:, 2]) / (2.0 * np.pi) % 1.0,
    )


def _size(settings: SimulationSettings, number: int) -> int:
    """Products of a category; the last one takes what is left over."""
    is_last = number == settings.categories - 1
    return settings.products - settings.products_per_category * number if is_last else settings.products_per_category


def _life(settings: SimulationSettings, stream: np.random.Generator, number: int, size: int) -> tuple[Array, Array]:
    """First and last weeks: most products are there throughout, some come, some go, newcomers come when asked."""
    chance, when = stream.random(size), stream.random(size)
    launched = np.where(chance < 0.12, (when * settings.weeks).astype(np.int64), -52)
    gone = (0.5 * settings.weeks + when * 0.45 * settings.weeks).astype(np.int64)
    delisted = np.where(chance > 0.94, gone, NEVER)
    if settings.newcomers:
        new = np.arange(max(1, size // EACH_NEWCOMER_OF))
        # ages go on by one from seed to seed: else one kind of product would have the same age in all of them
        turn = settings.seed + number * len(new) + new
        launched[new] = settings.weeks - np.take(settings.newcomers, turn, mode="wrap")
        delisted[new] = NEVER
    return launched, delisted


def product_id(number: int) -> str:
    """Identifier of a product."""
    return f"p{number:06d}"


def product_name(category: Category, product: int, brand: int) -> str:
    """``Brand Attribute Noun size unit``, as a label says it."""
    words = [ATTRIBUTES[a][0].capitalize() for a in np.flatnonzero(category.attributes[product])]
    noun = category.kind.nouns[category.noun[product]]
    return " ".join([brand_name(brand), *words, noun, f"{category.pack(product):g} {category.kind.unit}"])


def product_description(category: Category, product: int, brand: int) -> str:
    """A sentence on what it is, and one on each of its attributes."""
    noun = category.kind.nouns[category.noun[product]].lower()
    said = [ATTRIBUTES[a][1] for a in np.flatnonzero(category.attributes[product])]
    return f"{noun.capitalize()} by {brand_name(brand)}" + (": " + ", ".join(said) if said else "") + "."
