"""ALS factors against the closed form they must solve; recommendations and similar products against NumPy."""

from datetime import date, datetime

import numpy as np
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from pricelake.recommender.als import fitted_factors
from pricelake.recommender.popularity import aggregate_to_popularity, similar_by_category
from pricelake.recommender.recommending import find_similar_products, recommend_products
from pricelake.recommender.versions import RatingsDigest, digest_ratings, model_version
from pricelake.settings import RecommenderSettings

SETTINGS = RecommenderSettings(rank=4, iterations=4, alpha=3.0, regularisation=0.1, seed=5)
FACTORS = "array<float>"


def _ratings(spark: SparkSession) -> tuple[DataFrame, dict[tuple[str, str], float]]:
    rng = np.random.default_rng(2)
    pairs = {
        (f"u{u}", f"p{p}"): float(np.float32(rng.uniform(0.1, 1.0)))
        for u in range(15)
        for p in range(12)
        if rng.random() < 0.4 or p == u % 12
    }
    rows = [(u, p, r) for (u, p), r in pairs.items()] + [("disliking", "p0", 0.0)]
    return spark.createDataFrame(rows, "customer_id string, product_id string, rating double"), pairs


def test_factors_solve_the_normal_equations(spark: SparkSession) -> None:
    frame, pairs = _ratings(spark)
    with fitted_factors(frame, SETTINGS, blocks=2) as factors:
        x = {row.customer_id: np.array(row.factors) for row in factors.customers.collect()}
        y = {row.product_id: np.array(row.factors) for row in factors.products.collect()}
    assert set(x) == {u for u, _ in pairs}  # the customer whose only rating is 0 is not known
    assert set(y) == {p for _, p in pairs}
    gram = sum(np.outer(v, v) for v in y.values())
    for user, found in x.items():
        left, right = gram.copy(), np.zeros(4)
        rated = {p: r for (u, p), r in pairs.items() if u == user}
        for product, rating in rated.items():
            left += SETTINGS.alpha * rating * np.outer(y[product], y[product])
            right += (1 + SETTINGS.alpha * rating) * y[product]
        left += SETTINGS.regularisation * len(rated) * np.eye(4)
        assert found == pytest.approx(np.linalg.solve(left, right), abs=1e-4)


def test_a_fit_repeats_itself_whatever_the_partitions(spark: SparkSession) -> None:
    frame, _ = _ratings(spark)
    fits = []
    for parts in (1, 5):
        with fitted_factors(frame.repartition(parts), SETTINGS, blocks=2) as factors:
            fits.append({r.customer_id: r.factors for r in factors.customers.collect()})
    assert fits[0].keys() == fits[1].keys()
    for user, factors_of in fits[0].items():
        assert factors_of == pytest.approx(fits[1][user], abs=1e-5)


def _catalogue(spark: SparkSession) -> DataFrame:
    rows = [
        ("a", "FOOD", "BREAD"), ("b", "FOOD", "BREAD"), ("c", "FOOD", "CHEESE"), ("d", "HOME", "SOAP"),
        ("new bread", "FOOD", "BREAD"), ("new toy", "TOYS", "BALLS"),
    ]  # fmt: skip
    return spark.createDataFrame(rows, "product_id string, department string, category string")


def _popularity(spark: SparkSession) -> DataFrame:
    rows = [("a", 1.0), ("b", 5.0), ("c", 3.0), ("d", 4.0)]
    return spark.createDataFrame(rows, "product_id string, popularity double")


def test_recommendations_of_known_and_unknown_customers(spark: SparkSession) -> None:
    customers = spark.createDataFrame([("known",), ("cold",), ("cold",)], "customer_id string")
    taste = spark.createDataFrame([("known", [1.0, 2.0])], f"customer_id string, factors {FACTORS}")
    products = spark.createDataFrame(
        [("a", [0.5, 0.5]), ("b", [1.0, -1.0]), ("c", [0.0, 1.0])], f"product_id string, factors {FACTORS}"
    )
    found = recommend_products(customers, taste, products, _popularity(spark), 2)
    rows = found.orderBy("customer_id", "position").select("customer_id", "position", "product_id", "score", "source")
    assert [tuple(row) for row in rows.collect()] == [
        ("cold", 1, "b", 5.0, "popularity"),
        ("cold", 2, "d", 4.0, "popularity"),
        ("known", 1, "c", 2.0, "als"),
        ("known", 2, "a", 1.5, "als"),
    ]


def test_products_without_factors_get_best_sellers_of_the_nearest_level(spark: SparkSession) -> None:
    needing = spark.createDataFrame([("new bread",), ("new toy",), ("a",), ("unlisted",)], "product_id string")
    found = similar_by_category(needing, _catalogue(spark), _popularity(spark), 3).collect()
    lists: dict[str, list[tuple[str, str]]] = {}
    for row in sorted(found, key=lambda r: (r.product_id, r.position)):
        lists.setdefault(row.product_id, []).append((row.similar_product_id, row.source))
    assert lists == {
        "a": [("b", "category"), ("c", "department"), ("d", "popularity")],
        "new bread": [("b", "category"), ("a", "category"), ("c", "department")],
        "new toy": [("b", "popularity"), ("d", "popularity"), ("c", "popularity")],
        "unlisted": [("b", "popularity"), ("d", "popularity"), ("c", "popularity")],
    }
    assert {row.similarity for row in found} == {0.0}


def test_similar_products_by_cosine(spark: SparkSession) -> None:
    rng = np.random.default_rng(4)
    matrix = rng.standard_normal((20, 3)).astype("f4")
    matrix[7] = 0.0  # points nowhere
    rows = [(f"p{i:02d}", [float(x) for x in row]) for i, row in enumerate(matrix)]
    factors = spark.createDataFrame(rows, f"product_id string, factors {FACTORS}")
    catalogue = _catalogue(spark)
    found = find_similar_products(factors, catalogue, _popularity(spark), 4).toPandas()
    als = found[found["source"] == "als"].sort_values(["product_id", "position"])
    kept = [i for i in range(20) if i != 7]
    unit = matrix[kept] / np.linalg.norm(matrix[kept], axis=1, keepdims=True)
    cosine = unit @ unit.T
    np.fill_diagonal(cosine, -np.inf)
    for place, i in enumerate(kept):
        best = np.argsort(-cosine[place])[:4]
        mine = als[als["product_id"] == f"p{i:02d}"]
        assert list(mine["similar_product_id"]) == [f"p{kept[j]:02d}" for j in best]
        assert np.allclose(mine["similarity"], cosine[place, best], atol=1e-6)
    fallback = found[found["source"] != "als"]
    assert set(fallback["product_id"]) == {"p07", "a", "b", "c", "d", "new bread", "new toy"}
    assert set(found.groupby("product_id").size()) == {3, 4}  # of four popular products one may be the product itself


def test_popularity_is_the_sum_of_ratings(spark: SparkSession) -> None:
    frame, pairs = _ratings(spark)
    found = {row.product_id: row.popularity for row in aggregate_to_popularity(frame).collect()}
    for product in {p for _, p in pairs}:
        assert found[product] == pytest.approx(sum(r for (_, p), r in pairs.items() if p == product), abs=2e-6)


def test_version_follows_content_and_settings_not_the_order_of_rows(spark: SparkSession) -> None:
    frame, _ = _ratings(spark)
    frame = frame.withColumn("last_at", F.lit(datetime(2024, 3, 3, 23, 59, 59, 999999)))
    digest = digest_ratings(frame)
    assert digest == digest_ratings(frame.repartition(3).orderBy(F.desc("rating")))
    assert digest.latest_at == datetime(2024, 3, 3, 23, 59, 59, 999999)
    louder = frame.withColumn("rating", F.when(F.col("customer_id") == "u0", 1.0).otherwise(F.col("rating")))
    assert digest_ratings(louder).fingerprint != digest.fingerprint
    assert digest_ratings(frame.limit(0)) == RatingsDigest(0, 0, None)
    day = date(2024, 3, 4)
    version = model_version(day, digest, SETTINGS, 2)
    assert version == model_version(day, digest, SETTINGS, 2)
    assert version.startswith("als-2024-03-04-")
    others = [
        model_version(date(2024, 3, 5), digest, SETTINGS, 2),
        model_version(day, digest_ratings(louder), SETTINGS, 2),
        model_version(day, digest, SETTINGS.model_copy(update={"seed": 6}), 2),
        model_version(day, digest, SETTINGS, 4),
    ]
    assert len({version, *others}) == 5
