"""Words that products are named and described with; an attribute is a word that means something to shoppers."""

from dataclasses import dataclass

ATTRIBUTES: tuple[tuple[str, str], ...] = (
    ("organic", "grown without synthetic pesticides"),
    ("premium", "made from selected ingredients"),
    ("value", "the everyday choice at a small price"),
    ("family", "a large pack for the whole family"),
    ("light", "with a third fewer calories"),
    ("classic", "the recipe everybody knows"),
    ("regional", "from farms nearby"),
    ("gluten-free", "free of gluten"),
)
"""Word in the name, what the description says."""


@dataclass(frozen=True)
class Kind:
    """What one category sells: its name, its nouns, size and unit, and what a usual unit costs to buy."""

    department: str
    category: str
    nouns: tuple[str, ...]
    size: float
    unit: str
    usual_cost: float


KINDS: tuple[Kind, ...] = (
    Kind("DAIRY", "MILK", ("Whole Milk", "Low-Fat Milk", "Oat Drink"), 1.0, "l", 0.80),
    Kind("DAIRY", "YOGURT", ("Yogurt", "Fruit Yogurt", "Greek Yogurt"), 500.0, "g", 0.95),
    Kind("DAIRY", "CHEESE", ("Cheddar", "Gouda", "Mozzarella"), 250.0, "g", 2.10),
    Kind("BAKERY", "BREAD", ("Rye Bread", "Toast", "Baguette"), 750.0, "g", 1.20),
    Kind("BAKERY", "BISCUITS", ("Butter Biscuits", "Oat Cookies", "Wafers"), 300.0, "g", 1.10),
    Kind("BREAKFAST", "CEREALS", ("Corn Flakes", "Muesli", "Granola"), 500.0, "g", 1.90),
    Kind("BREAKFAST", "COFFEE", ("Ground Coffee", "Espresso Beans", "Instant Coffee"), 500.0, "g", 4.20),
    Kind("BREAKFAST", "TEA", ("Green Tea", "Black Tea", "Herbal Tea"), 50.0, "g", 1.60),
    Kind("BREAKFAST", "SPREADS", ("Strawberry Jam", "Honey", "Hazelnut Spread"), 400.0, "g", 1.80),
    Kind("PANTRY", "PASTA", ("Spaghetti", "Penne", "Fusilli"), 500.0, "g", 0.70),
    Kind("PANTRY", "RICE", ("Basmati Rice", "Risotto Rice", "Brown Rice"), 1.0, "kg", 1.50),
    Kind("PANTRY", "SOUP", ("Tomato Soup", "Lentil Soup", "Chicken Soup"), 400.0, "ml", 1.05),
    Kind("PANTRY", "OIL", ("Olive Oil", "Sunflower Oil", "Rapeseed Oil"), 750.0, "ml", 3.40),
    Kind("SNACKS", "CHOCOLATE", ("Milk Chocolate", "Dark Chocolate", "Pralines"), 100.0, "g", 0.85),
    Kind("SNACKS", "CHIPS", ("Potato Chips", "Tortilla Chips", "Pretzels"), 200.0, "g", 1.00),
    Kind("SNACKS", "NUTS", ("Almonds", "Peanuts", "Cashews"), 200.0, "g", 2.00),
    Kind("DRINKS", "WATER", ("Still Water", "Sparkling Water", "Spring Water"), 6.0, "l", 1.30),
    Kind("DRINKS", "JUICE", ("Orange Juice", "Apple Juice", "Grape Juice"), 1.0, "l", 1.25),
    Kind("DRINKS", "LEMONADE", ("Lemonade", "Cola", "Ginger Ale"), 1.5, "l", 0.75),
    Kind("FROZEN", "PIZZA", ("Pizza Margherita", "Pizza Salami", "Pizza Funghi"), 350.0, "g", 1.70),
    Kind("FROZEN", "ICE CREAM", ("Vanilla Ice Cream", "Chocolate Ice Cream", "Sorbet"), 900.0, "ml", 2.20),
    Kind("FROZEN", "VEGETABLES", ("Spinach", "Peas", "Mixed Vegetables"), 750.0, "g", 1.15),
    Kind("HOUSEHOLD", "DETERGENT", ("Washing Liquid", "Washing Powder", "Delicates Wash"), 1.5, "l", 4.00),
    Kind("HOUSEHOLD", "TISSUE", ("Toilet Tissue", "Kitchen Roll", "Facial Tissue"), 8.0, "rolls", 2.30),
    Kind("HOUSEHOLD", "DISH CARE", ("Dish Soap", "Dishwasher Tabs", "Rinse Aid"), 500.0, "ml", 1.40),
    Kind("BEAUTY", "SHAMPOO", ("Shampoo", "Conditioner", "Dry Shampoo"), 300.0, "ml", 1.90),
    Kind("BEAUTY", "SOAP", ("Hand Soap", "Shower Gel", "Bath Salt"), 250.0, "ml", 1.00),
    Kind("PETS", "CAT FOOD", ("Cat Pouches", "Cat Biscuits", "Cat Milk"), 800.0, "g", 2.60),
)

SYLLABLES = ("al", "bo", "cas", "del", "en", "fir", "gal", "hel", "is", "jor", "kel", "lum", "mar", "nor", "ol", "pin",
             "quel", "ros", "sol", "tam", "ul", "ver", "wil", "yar", "zen")  # fmt: skip


def brand_name(number: int) -> str:
    """A name for a brand, another one for each number."""
    first, rest = number % len(SYLLABLES), number // len(SYLLABLES)
    second, third = (rest * 7 + 3 * first + 1) % len(SYLLABLES), rest // len(SYLLABLES)
    tail = SYLLABLES[third % len(SYLLABLES)] if third else ""
    return (SYLLABLES[first] + SYLLABLES[second] + tail).capitalize()
