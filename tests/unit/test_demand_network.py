import numpy as np
import pytest
import tensorflow as tf

from pricelake.demand.curve import elasticity
from pricelake.demand.network import OUTPUTS, UNITS_FLOOR, NetworkSpec, build_network, log_expected_units, row_loss
from pricelake.demand.prediction import callable_network

RECENT = ("log_units_lag_1", "log_units_mean_8")
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
        "dropout_rate": 0.0,
        "l2": 0.0,
        "effect_deviations": (("body", 0.1), ("dispersion", 0.3), ("elasticity", 0.3), ("level", 0.2)),
        "rows": 1000,
        "elasticity_range": (0.2, 8.0),
        "prior_elasticity": 2.0,
    }
    return NetworkSpec(**(given | changes))


def batch(rows=64, seed=0):
    rng = np.random.default_rng(seed)
    columns = {name: rng.normal(1.0, 1.0, rows).astype("float32") for name in CONTEXT}
    columns |= {name: np.abs(columns[name]) for name in RECENT}
    columns |= {"is_factor_known": np.ones(rows, "float32"), "factor_0": rng.normal(size=rows).astype("float32")}
    columns |= {"log_exposure": np.zeros(rows, "float32")}
    columns |= {"category_index": rng.integers(0, 4, rows).astype("int32")}
    columns |= {"product_index": rng.integers(0, 9, rows).astype("int32")}
    return {name: tf.constant(values) for name, values in columns.items()}


def scrambled(seed=1):
    network = build_network(spec())
    rng = np.random.default_rng(seed)
    network.set_weights([rng.normal(0, 1.5, w.shape) for w in network.get_weights()])
    return network


def test_a_new_network_says_the_prior_elasticity_and_a_mean_of_recent_units():
    columns = batch()
    outputs = build_network(spec())(columns)
    assert set(outputs) == set(OUTPUTS)
    np.testing.assert_allclose(outputs["elasticity_low"], 2.0, rtol=1e-5)
    # 4.7 % of the way from low to the largest elasticity
    np.testing.assert_allclose(outputs["elasticity_high"], 2.0 + 6.0 / (1 + np.exp(3.0)), rtol=1e-5)
    recent = np.stack([np.expm1(columns[name]) for name in RECENT])
    units = np.exp(outputs["log_units"]) - UNITS_FLOOR
    assert (units >= recent.min(0) - 1e-3).all()
    assert (units <= recent.max(0) + 1e-3).all()


def test_every_curve_falls_whatever_the_weights():
    outputs = scrambled()(batch(256))
    ratios = np.linspace(-1, 1, 21, dtype="float32")
    units = np.stack([log_expected_units(outputs, tf.fill([256], u)).numpy() for u in ratios])
    assert (np.diff(units, axis=0) < 0).all()
    for name in ("elasticity_low", "elasticity_high"):
        assert (outputs[name].numpy() >= 0.2).all()
        assert (outputs[name].numpy() <= 8.0).all()
    assert (outputs["elasticity_high"].numpy() >= outputs["elasticity_low"].numpy()).all()


def test_no_output_depends_on_the_price_of_the_period():
    assert "log_price_ratio" not in dict(spec().inputs)
    columns = batch()
    outputs = scrambled()(columns)
    ratio = tf.constant(np.linspace(-0.5, 0.5, 64), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(ratio)
        log_mean = log_expected_units(outputs, ratio)
    slope = elasticity(ratio, *(outputs[n].numpy() for n in ("elasticity_low", "elasticity_high", "bend", "steepness")))
    np.testing.assert_allclose(tape.gradient(log_mean, ratio), slope, rtol=1e-3)


def test_half_the_exposure_halves_the_units():
    columns = batch()
    network = scrambled()
    halved = network(columns | {"log_exposure": tf.fill([64], np.float32(np.log(0.5)))})
    np.testing.assert_allclose(halved["log_units"] - network(columns)["log_units"], np.log(0.5), atol=1e-5)


def test_factors_move_level_and_elasticity():
    columns, network = batch(), scrambled()

    def largest_move(output):
        return np.abs(
            network(columns | {"factor_0": columns["factor_0"] + 1.0})[output] - network(columns)[output]
        ).max()

    assert largest_move("log_units") > 0.1
    body = network.get_layer("factors_body")
    body.set_weights([np.zeros_like(weights) for weights in body.get_weights()])
    assert largest_move("log_units") == 0.0  # that way alone
    assert largest_move("elasticity_low") > 0.1  # a way of its own


def test_the_prior_counts_once_against_all_rows():
    network = build_network(spec())
    table = network.get_layer("elasticity_product")
    table.set_weights([np.full((9, 4), 0.3)])
    network.get_layer("body_category").set_weights([np.zeros((4, 8))])
    network.get_layer("body_product").set_weights([np.zeros((9, 8))])
    # normal prior: squared / (2 x 0.3²) = 0.5 per number, 36 numbers, over 1000 rows
    assert float(tf.add_n(network.losses)) == pytest.approx(36 * 0.5 / 1000, rel=1e-5)


def test_dropout_is_for_training_and_never_for_prediction():
    columns, weights = batch(), scrambled().get_weights()
    whole, dropped = (callable_network(spec(dropout_rate=rate), weights)(columns) for rate in (0.0, 0.5))
    network = build_network(spec(dropout_rate=0.5))
    network.set_weights(weights)
    training = network(columns, training=True)
    for name in OUTPUTS:
        np.testing.assert_array_equal(dropped[name], whole[name])
    for name in ("log_units", "elasticity_low"):
        assert (training[name].numpy() != whole[name].numpy()).mean() > 0.5


def test_loss_takes_the_price_through_the_curve_alone():
    columns = batch() | {"units": tf.fill([64], 3.0), "log_price_ratio": tf.zeros(64)}
    network = scrambled()
    outputs = network({name: columns[name] for name, _ in spec().inputs})
    low = row_loss(outputs, columns | {"log_price_ratio": tf.fill([64], -0.1)})
    assert low.shape == (64,)
    assert np.isfinite(low).all()
    assert (low.numpy() != row_loss(outputs, columns).numpy()).any()


def test_fitting_finds_a_known_elasticity():
    rng = np.random.default_rng(4)
    rows = 6000
    columns = {name: value.numpy() for name, value in batch(rows, 4).items()}
    ratio = rng.normal(0, 0.2, rows).astype("float32")
    truth = np.where(columns["category_index"] < 2, -1.2, -3.0)
    units = rng.poisson(np.exp(2.0 + truth * ratio)).astype("float32")
    columns |= {name: np.full(rows, 2.0, "float32") for name in RECENT}
    data = {name: tf.constant(v) for name, v in columns.items()} | {
        "units": tf.constant(units),
        "log_price_ratio": tf.constant(ratio),
    }
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
    outputs = network({name: data[name] for name, _ in shape.inputs})
    found = elasticity(0.0, *(outputs[n].numpy() for n in ("elasticity_low", "elasticity_high", "bend", "steepness")))
    for level in (-1.2, -3.0):
        assert np.median(found[truth == level]) == pytest.approx(level, abs=0.2)
