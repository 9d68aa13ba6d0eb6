import numpy as np
import pytest
import tensorflow as tf

from pricelake.demand.network import OUTPUTS, UNITS_FLOOR, NetworkSpec, build_network, row_loss
from pricelake.demand.prediction import network_key

RECENT = ("log_usual_lag_1", "log_usual_mean_8")
CONTEXT = (*RECENT, "display_rate", "log_relative_price")


def spec(**changes):
    given = {
        "context": CONTEXT,
        "means": (1.0, 1.0, 0.1, 0.0),
        "deviations": (1.0, 1.0, 0.3, 0.5),
        "recent": RECENT,
        "vocabulary_sizes": (("category", 4), ("product", 9)),
        "factors": ("is_factor_known", "factor_0"),
        "hidden_units": (8,),
        "effect_deviations": (("body", 0.1), ("dispersion", 0.3), ("level", 0.2)),
        "rows": 1000,
    }
    return NetworkSpec(**(given | changes))


def batch(rows=64, seed=0):
    rng = np.random.default_rng(seed)
    columns = {name: rng.normal(1.0, 1.0, rows).astype("float32") for name in CONTEXT}
    columns |= {name: np.abs(columns[name]) for name in RECENT}
    columns |= {"is_factor_known": np.ones(rows, "float32"), "factor_0": rng.normal(size=rows).astype("float32")}
    columns |= {"log_offset": np.zeros(rows, "float32")}
    columns |= {"category_index": rng.integers(0, 4, rows).astype("int32")}
    columns |= {"product_index": rng.integers(0, 9, rows).astype("int32")}
    return {name: tf.constant(values) for name, values in columns.items()}


def scrambled(seed=1):
    network = build_network(spec())
    rng = np.random.default_rng(seed)
    network.set_weights([rng.normal(0, 1.5, w.shape) for w in network.get_weights()])
    return network


def test_a_new_network_says_a_mean_of_recent_usual_units():
    columns = batch()
    outputs = build_network(spec())(columns)
    assert set(outputs) == set(OUTPUTS)
    recent = np.stack([np.expm1(columns[name]) for name in RECENT])
    units = np.exp(outputs["log_units"]) - UNITS_FLOOR
    assert (units >= recent.min(0) - 1e-3).all()
    assert (units <= recent.max(0) + 1e-3).all()


def test_a_network_is_known_again_by_its_content():
    weights = [np.zeros((2, 3), "float32"), np.ones(3, "float32")]
    key = network_key(spec(), weights)
    assert network_key(spec(), [weight.copy() for weight in weights]) == key
    assert network_key(spec(), [weights[0], weights[1] * 2]) != key
    assert network_key(spec(hidden_units=(9,)), weights) != key


def test_the_price_of_the_period_is_no_input():
    assert not {"log_price_ratio", "log_price_effect", "log_price"} & set(dict(spec().inputs))


def test_what_is_known_beside_the_level_is_added_to_it():
    columns, network = batch(), scrambled()
    offset = np.log(0.5) + np.linspace(-0.3, 0.3, 64)
    moved = network(columns | {"log_offset": tf.constant(offset, tf.float32)})
    np.testing.assert_allclose(moved["log_units"] - network(columns)["log_units"], offset, atol=1e-5)
    np.testing.assert_array_equal(moved["log_dispersion"], network(columns)["log_dispersion"])


def test_factors_move_the_level():
    columns, network = batch(), scrambled()

    def largest_move(output):
        return np.abs(
            network(columns | {"factor_0": columns["factor_0"] + 1.0})[output] - network(columns)[output]
        ).max()

    assert largest_move("log_units") > 0.1
    body = network.get_layer("factors_body")
    body.set_weights([np.zeros_like(weights) for weights in body.get_weights()])
    assert largest_move("log_units") == 0.0  # that way alone


def test_the_prior_counts_once_against_all_rows():
    network = build_network(spec())
    network.get_layer("level_product").set_weights([np.full((9, 1), 0.2)])
    network.get_layer("body_category").set_weights([np.zeros((4, 8))])
    network.get_layer("body_product").set_weights([np.zeros((9, 8))])
    # normal prior: squared / (2 x 0.2²) = 0.5 per number, 9 numbers, over 1000 rows
    assert float(tf.add_n(network.losses)) == pytest.approx(9 * 0.5 / 1000, rel=1e-5)


def test_loss_takes_the_effect_of_the_price_as_given():
    columns = batch() | {"units": tf.fill([64], 3.0), "log_price_effect": tf.zeros(64)}
    network = scrambled()
    outputs = network({name: columns[name] for name, _ in spec().inputs})
    moved = row_loss(outputs, columns | {"log_price_effect": tf.fill([64], 0.2)})
    assert moved.shape == (64,)
    assert np.isfinite(moved).all()
    dearer = {"log_units": outputs["log_units"] + 0.2, "log_dispersion": outputs["log_dispersion"]}
    np.testing.assert_allclose(moved, row_loss(dearer, columns), rtol=1e-5)


def test_fitting_finds_the_level_beside_a_known_effect_of_the_price():
    rng = np.random.default_rng(4)
    rows = 6000
    columns = {name: value.numpy() for name, value in batch(rows, 4).items()}
    effect = (-2.0 * rng.normal(0, 0.2, rows)).astype("float32")
    level = np.where(columns["category_index"] < 2, 1.0, 2.5)
    columns |= {name: np.full(rows, 2.0, "float32") for name in RECENT}
    columns |= {"log_price_effect": effect, "units": rng.poisson(np.exp(level + effect)).astype("float32")}
    data = {name: tf.constant(v) for name, v in columns.items()}
    shape = spec(rows=rows, effect_deviations=tuple((name, 3.0) for name, _ in spec().effect_deviations))
    network = build_network(shape)
    optimiser = tf.keras.optimizers.Adam(0.02)

    @tf.function
    def step(rows):
        with tf.GradientTape() as tape:
            outputs = network({name: rows[name] for name, _ in shape.inputs})
            total = tf.reduce_mean(row_loss(outputs, rows)) + tf.add_n(network.losses)
        optimiser.apply_gradients(
            zip(tape.gradient(total, network.trainable_variables), network.trainable_variables, strict=True)
        )

    for _ in range(250):
        step(data)
    found = network({name: data[name] for name, _ in shape.inputs})["log_units"].numpy()
    for one in (1.0, 2.5):
        assert np.median(found[level == one]) == pytest.approx(one, abs=0.1)
