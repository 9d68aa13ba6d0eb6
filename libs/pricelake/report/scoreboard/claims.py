"""What each section of the scoreboard tests, and the truth it is judged against; what no section can test."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Claim:
    """One section in words.

    Attributes:
        title: heading.
        short: heading where there is little room.
        claim: the claim under test, one sentence.
        truth: what it is judged against.
    """

    title: str
    short: str
    claim: str
    truth: str


CLAIMS = {
    "own_price_bias": Claim(
        "Does it know the price effect?",
        "Price effect",
        "The own-price elasticity that a model states is the true one, also where past prices followed demand.",
        "The shop's true elasticity in the first week after the history: the derivative of expected units by the "
        "product's own price, all other prices left as they are, at the price in force and moved by ±10 and ±20 %. "
        "An elasticity below the truth says that customers react more than they do. Where a model could not learn a "
        "product, it is taken to say that demand does not react. Movement is the bias on the confounded shop minus "
        "that on a twin with the same draws, whose prices do not follow demand; clearance of slow stock, which does, "
        "is gone from the twin with it. A model that failed, or says that demand does not "
        "react, has none on either: its movement is not told. Nothing moves a guess either, which learns nothing: read "
        "movement together with the errors.",
    ),
    "identification": Claim(
        "Does it know what it cannot know?",
        "Identification",
        "Where neither instruments nor price moves without a reason tell how demand answers the price, a model says "
        "so, and its intervals still hold.",
        "Without instruments and with prices that followed hidden demand, the data hold no experiment: a category "
        "should be flagged. The flag is the model's own. Of flagged categories it is counted how many products' true "
        "elasticities at the price in force lie in the stated 90 % interval. Where instruments are strong few "
        "categories should be flagged, so that more is not better there.",
    ),
    "stability": Claim(
        "Does it say the same next week?",
        "Stability",
        "Learnt again with another seed, or a week earlier, a model states nearly the same elasticities.",
        "The model itself: by how much the elasticities that it states at the prices in force differ, on average over "
        "products, between two fits. One differs in the seed of everything drawn at random, the other lacks the last "
        "week of the history. What only one of the fits could learn counts as demand that does not react in the other. "
        "A stable elasticity may be wrong: read it together with the errors above. Only "
        "PriceLake's jobs are run again.",
    ),
    "after_change": Claim(
        "Does it predict sales after a price change?",
        "After a change",
        "Predicted units stay right when one price is moved to where it may never have been.",
        "Expected units wanted in the first week after the history, without sampling noise and without running out "
        "of stock. The error is the sum of absolute errors over the sum of true units, with one price moved up and "
        "down. Most of it is the level and the week's shocks, which nobody can know: compare it with the error at "
        "today's prices. The share of demand missed is 1 − predicted / true units: above 0 the forecast is too low as "
        "a whole. Taking sales that stock-outs cut short for demand does that, and so may other things: see how it "
        "grows with the share of weeks sold out.",
    ),
    "profit_capture": Claim(
        "Do its prices earn more?",
        "Profit",
        "Prices from the model bring a large part of the profit that perfect knowledge would bring, under the same "
        "rules.",
        "True expected profit of the whole shop, cross effects included, with all prices held for the weeks ahead. 0 "
        "is what the prices in force earn, 100 % what the oracle earns; below 0 it earns less than today's prices. "
        "Where products take sales from each other, a model that thinks demand less elastic than it is raises prices, "
        "which makes up for what it ignores: read capture together with the bias above. The oracle knows all curves; "
        "“true own curves” knows each product's own curve perfectly and ignores that products take "
        "sales from each other; it prices for the first week, so that over more weeks it also misses what rivals and "
        "costs will do. Both are lines and not rivals. Of the uniform moves the plot shows the best and the "
        "worst; which one is best is known only afterwards.",
    ),
    "promise": Claim(
        "Does it keep what it promises?",
        "Promises",
        "The gain that a recommendation promises is the gain that follows, and its intervals hold as often as they "
        "say.",
        "The true gain in expected profit of each category under the recommended prices, as a share of what it earned "
        "a week over the last 8 weeks, at the prices in force. Kept promises lie on a line of slope 1 and intercept 0; "
        "the 50 and 90 % intervals should hold in 50 and 90 % of the categories.",
    ),
    "cold_start": Claim(
        "What does it know of new products?",
        "New products",
        "A product with few weeks of history, or none, is priced with what similar products teach.",
        "True elasticities, units and profit over four weeks, as above, of products that have been on sale for the "
        "stated number of weeks, with all other prices left as they are. At 0 weeks nobody has sales to learn from. "
        "Whoever has no answer, as PriceLake before the first sale, counts as having said 0 units and no reaction, and "
        "keeps the price: an error of 100 % and a capture of 0 mean that nothing was said.",
    ),
    "recommendation": Claim(
        "Does it know what customers like?",
        "Recommendations",
        "The products recommended to a customer are those that the customer truly likes best.",
        "The customers' true tastes and not their next purchases: luck in what they buy next plays no part.",
    ),
    "run": Claim(
        "What does it cost to run?",
        "Cost of running",
        "The model learns every offer, in bearable time and memory.",
        "Failures are counted seed by seed. Time and memory are one measurement of one fit of all seeds together, on "
        "the machine that ran the scoreboard, so that they have no interval. Memory is what the fit added to that of "
        "the process and its children, and no footprint: it reads low where earlier contenders left memory and "
        "libraries behind. PriceLake's time and memory are those of its three jobs, the writing of their tables "
        "included. Left out of them are the judging of its own ranking, recommendations and "
        "similar products (except where recommendations are judged), and all but 2,000 rows of its own comparison "
        "with LightGBM, none of which its prices need. A fit that fails says that demand does not react and leaves the "
        "price as it is; it counts in every figure above. A forecast of 0 units has no elasticity: where some are sold "
        "in truth, the offer is counted as one that could not be learnt, and demand is taken not to react there.",
    ),
}


@dataclass(frozen=True)
class Limit:
    """What a scoreboard cannot show.

    Attributes:
        title: in a few words.
        text: one or two sentences.
        is_of_simulation: whether it holds for the simulated shop alone, and not for a market of one's own.
    """

    title: str
    text: str
    is_of_simulation: bool = True


LIMITS = (
    Limit(
        "Maker and judge are the same",
        "Who wrote PriceLake also wrote the shop. It was made hard on purpose, but only in the ways its authors "
        "thought of.",
    ),
    Limit(
        "One family of demand",
        "Shoppers follow a nested logit, mixed over ten classes. A model that suits smooth curves of that kind is at "
        "an advantage that a real shop may not give it.",
    ),
    Limit(
        "Categories are islands",
        "Products of different categories neither replace nor complement each other. Baskets, loss leaders and store "
        "choice are not in it: nobody changes shop because of a price.",
    ),
    Limit(
        "Substitutes are known",
        "PriceLake takes the products of a category for each other's substitutes, and in this shop they are just that: "
        "the category is the nest of the shoppers' choice. In a real shop it has to be found out what replaces what, "
        "and a category may hold several such groups or a part of one.",
    ),
    Limit(
        "Sold out means lost",
        "Who finds a product sold out does not turn to another one in the same week. The set share of sold-out weeks "
        "holds in the mean and not week by week.",
    ),
    Limit(
        "Sold-out weeks are even",
        "Demand arrives evenly over a week that sells out, as the likelihood of PriceLake's demand model assumes, and "
        "everybody who divides units by the share of the week in stock. Real demand comes in rushes, and stock ends in "
        "them.",
    ),
    Limit("The weeks ahead are calm", "After the history there are no promotions and no stock-outs."),
    Limit(
        "Shocks nobody can know",
        "The truth of a future week includes that week's shocks, which no forecast can know. That keeps errors above "
        "0 for everyone.",
    ),
    Limit(
        "Clean instruments",
        "The shop's cost shocks move no demand and are not shared by rivals. Methods that use costs as an instrument "
        "meet their assumption, unless the instruments are weak or none: exactly where rivals do not react, nearly "
        "where they do, as the rivals' answer to a cost that moved a price comes back a week later.",
    ),
    Limit(
        "Clean discounts",
        "Planned promotions, their weeks and their depth, follow no demand shock, hidden ones included; markdowns of "
        "slow stock follow past sales. A real seller promotes what it expects to sell, or not to: methods that learn "
        "from discounts have it easier here.",
    ),
    Limit(
        "Clean views",
        "What shoppers view and search for follows their tastes, the season and the shocks that can be seen: its log "
        "moves by three times what such a shock adds to a product's worth. It answers no price, no promotion and no "
        "stock-out. Whoever reads views learns these shocks more plainly than from sales, and without an effect of the "
        "price in them. In a real shop views answer prices and promotions, too, and tell less.",
    ),
    Limit(
        "Rivals by formula",
        "Competitors follow the shop's prices by a fixed share a week later. They do not plan, retaliate or leave.",
    ),
    Limit(
        "Prices are held",
        "Prices stay for the whole horizon, and profit is expected profit: it says nothing about the risk of a single "
        "week.",
        is_of_simulation=False,
    ),
    Limit(
        "One fit for all worlds",
        "The seeds of a case are independent worlds, but a model learns them together. That helps models that pool "
        "products, which get the rows of all worlds, and not those that fit product by product. A lucky or unlucky fit "
        "moves all worlds, and the intervals do not cover that.",
        is_of_simulation=False,
    ),
    Limit(
        "Views are read in two ways",
        "How often products were viewed tells part of what past prices followed. Some rivals read the views of the "
        "same period, which in a real shop answer the price too; PriceLake reads those of the periods before.",
        is_of_simulation=False,
    ),
    Limit(
        "One product at a time",
        "Every model prices each product with the others' prices as they are; PriceLake counts what "
        "the rest of the category gains. Where products take sales from each other, one that thinks demand less "
        "elastic than it is makes up for what it ignores, and earns more than the true own curves do: capture and bias "
        "have to be read together.",
        is_of_simulation=False,
    ),
    Limit(
        "Small shops",
        "The rank is that of shops of the sizes below. It is no evidence for other assortments, countries or trades.",
        is_of_simulation=False,
    ),
    Limit(
        "Most products sell often",
        "Two products in three sell more than ten units a week, and few weeks are without a sale. The long tail of a "
        "real shop, where most products sell less than one a week, is not judged here.",
    ),
)
"""What a scoreboard cannot show (docs/decisions/004-the-simulated-shop.md)."""
