from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import functions as F

from pricelake.demand.curve import elasticity, expected_units, response
from pricelake.demand.inputs import encode, fit_encoding, fit_vocabulary
from pricelake.demand.model import FORMAT, DemandModel, load_model, network_spec, save_model
from pricelake.demand.network import build_network
from pricelake.demand.prediction import (
    CURVE_OUTPUTS,
    at_usual_price,
    draw_curves,
    with_curve,
    with_elasticity,
    with_expected_units,
)
from pricelake.demand.response.fitting import Prior
from pricelake.demand.response.learning import learn_response
from pricelake.demand.response.price_model import Tried
from pricelake.demand.serving import ServedModel
from pricelake.demand.uncertainty import MAX_LOG_UNITS_SD, level_errors, log_units_sd
from pricelake.errors import TrainingError
from pricelake.settings import DemandSettings
from pricelake.tables import contract_of
from tests.demand_shop import AS_OF, factors_frame, panel_frame, panel_rows


@pytest.fixture(scope="module")
def panel(spark):
    return panel_frame(spark, panel_rows(products=8, weeks=40)).cache()


@pytest.fixture(scope="module")
def model(spark, panel):
    rows = panel.where("not is_open and age_periods > 0")
    shipped = DemandSettings()
    prior = Prior(
        elasticity=shipped.prior_elasticity,
        rise=shipped.prior_rise,
        rise_sd=shipped.prior_rise_sd,
        feature_sd=0.2,
        surprise_sd=shipped.surprise_sd,
        smallest=shipped.min_elasticity,
        largest=shipped.max_elasticity,
    )
    learnt = learn_response(rows, AS_OF, F.col("age_periods") > 0, None, None, 7, prior, Tried(least_f=23.1)).model
    closed = at_usual_price(rows, learnt, 7)
    vocabulary = fit_vocabulary(closed).toPandas()
    known = spark.createDataFrame(vocabulary, "level string, value string, index int, log_price double")
    factors = factors_frame(spark, panel_rows(products=8, weeks=40)).select("product_id", "factors")
    encoding = fit_encoding(closed, known, factors, 280, 20)
    spec = network_spec(encoding, DemandSettings(hidden_units=(8,)), 320)
    rng = np.random.default_rng(5)
    weights = tuple(rng.normal(0, 0.4, w.shape).astype("float32") for w in build_network(spec).get_weights())
    sds = {"": 0.3, "FOOD\x1fBREAD": 0.1}
    return DemandModel(
        encoding=encoding,
        spec=spec,
        weights=weights,
        vocabulary=vocabulary,
        factors=factors.toPandas(),
        response=learnt,
        judged_response=learnt,
        log_units_sd=sds,
        trained_until=AS_OF,
        seen_until=AS_OF + timedelta(days=7),
        seed=17,
    )


@pytest.fixture(scope="module")
def curves(panel, model):
    return draw_curves(panel, model, AS_OF, "7", 5, 7).toPandas().sort_values("product_id", ignore_index=True)


def test_curves_fit_the_contract_and_cover_the_open_rows(spark, panel, model, curves):
    frame = draw_curves(panel, model, AS_OF, "7", 5, 7)
    assert [(f.name, f.dataType) for f in frame.schema] == [
        (c.name, c.dataType) for c in contract_of("gold.demand_curves").columns
    ]
    assert list(curves["product_id"]) == [f"p{n:03d}" for n in range(8)]
    assert (curves["elasticity_low"] > 0).all()
    assert (curves[["elasticity_sd", "log_units_sd", "dispersion"]] > 0).all().all()
    assert isinstance(curves["reference_price"][0], Decimal)
    assert draw_curves(panel, model, AS_OF, "7", 1000, 7).count() == 0


def test_workers_say_what_the_network_says_in_one_process(spark, panel, model, curves):
    from pricelake.demand.model import factors_frame as stored_factors
    from pricelake.demand.model import vocabulary_frame

    usual = at_usual_price(panel, model.response, 7)
    encoded = encode(
        usual.where("is_open"),
        vocabulary_frame(spark, model.vocabulary),
        stored_factors(spark, model.factors),
        model.encoding,
    )
    rows = encoded.orderBy("product_id").toPandas()
    direct = ServedModel(model).predict(rows)
    assert tuple(direct) == CURVE_OUTPUTS
    for name in CURVE_OUTPUTS:
        np.testing.assert_allclose(curves[name], direct[name], rtol=1e-4, err_msg=name)


def test_a_saved_model_comes_back_whole(tmp_path, model, panel, curves):
    save_model(model, tmp_path)
    loaded = load_model(tmp_path)
    assert (loaded.spec, loaded.encoding, loaded.log_units_sd) == (model.spec, model.encoding, model.log_units_sd)
    assert loaded.response.price == model.response.price
    again = draw_curves(panel, loaded, AS_OF, "7", 5, 7).toPandas().sort_values("product_id", ignore_index=True)
    pd.testing.assert_frame_equal(again, curves)


def test_a_directory_without_a_model_is_refused(tmp_path):
    with pytest.raises(TrainingError, match=r"holds no demand model: model.json is missing\. Run train_demand\."):
        load_model(tmp_path)


def test_a_model_of_another_format_is_refused(tmp_path, model):
    save_model(model, tmp_path)
    path = tmp_path / "model.json"
    text = path.read_text()
    assert f'"format": {FORMAT}' in text
    path.write_text(text.replace(f'"format": {FORMAT}', '"format": 0'))
    with pytest.raises(TrainingError, match=f"has format 0, this version reads {FORMAT}"):
        load_model(tmp_path)


def test_sql_forms_of_the_curve_equal_numpy(spark, curves):
    frame = spark.createDataFrame(curves.drop(columns=["reference_price", "as_of_date"]))
    for u in (-0.4, 0.0, 0.3):
        found = with_elasticity(with_expected_units(frame, "units", F.lit(u)), "slope", F.lit(u))
        found = found.orderBy("product_id").toPandas()
        shape = [curves[n] for n in ("elasticity_low", "elasticity_high", "bend", "steepness")]
        np.testing.assert_allclose(found["units"], np.exp(curves["log_units"] + response(u, *shape)), rtol=1e-12)
        np.testing.assert_allclose(found["slope"], elasticity(u, *shape), rtol=1e-12)


def test_the_ladder_and_the_network_agree_on_the_price_of_a_closed_row(spark, panel, model):
    from pricelake.demand.model import factors_frame as stored_factors
    from pricelake.demand.model import vocabulary_frame

    usual = at_usual_price(panel.where("age_periods > 0"), model.response, 7)
    closed = usual.where("is_price_observed").limit(20)
    encoded = encode(
        closed, vocabulary_frame(spark, model.vocabulary), stored_factors(spark, model.factors), model.encoding
    )
    rows = with_expected_units(with_curve(encoded, model), "units_sql", F.col("log_price_ratio")).toPandas()
    columns = {name: rows[name].astype(float).to_numpy() for name in ("reference_price", *CURVE_OUTPUTS)}
    ladder = expected_units(columns, rows["unit_price"].astype(float).to_numpy()[:, None])
    np.testing.assert_allclose(ladder[:, 0], rows["units_sql"], rtol=1e-4)


def test_level_uncertainty_finds_a_known_error(spark):
    rng = np.random.default_rng(8)
    truth, products = 0.4, 4000
    mean = 200.0 * np.exp(rng.normal(0, truth, products) - truth**2 / 2)
    frame = pd.DataFrame(
        {"product_id": [f"p{i}" for i in range(products)], "units_observed": rng.poisson(mean).astype(float)}
    )
    frame = frame.assign(market_id="m", department="D", category="C", expected_units=200.0, dispersion=1e-9)
    row = level_errors(spark.createDataFrame(frame)).first()
    found = log_units_sd({row["value"]: (row["excess"], row["weight"], row["totals"])})
    # the variance of exp(N(-s²/2, s²)) is exp(s²) - 1
    assert row["value"] == "D\x1fC"
    assert found["D\x1fC"] == pytest.approx(np.sqrt(np.exp(truth**2) - 1), rel=0.1)


def test_one_absurd_product_leaves_the_uncertainty_of_the_others_as_it_is(spark):
    rng = np.random.default_rng(8)
    units = rng.poisson(200.0 * np.exp(rng.normal(-0.08, 0.4, 400))).astype(float)
    rows = pd.DataFrame({"product_id": [f"p{i}" for i in range(400)], "units_observed": units})
    usual = rows.assign(market_id="m", department="D", category="C", expected_units=200.0, dispersion=0.1)

    def found(frame):
        moments = level_errors(spark.createDataFrame(frame)).first()
        return log_units_sd({moments["value"]: (moments["excess"], moments["weight"], moments["totals"])})[""]

    seen, forecast = usual.copy(), usual.copy()
    seen.loc[0, "units_observed"] = 1e10
    forecast.loc[0, ["units_observed", "expected_units"]] = [1e10, 3e9]
    assert found(seen) == pytest.approx(found(usual), abs=0.05)
    assert found(forecast) == pytest.approx(found(usual), abs=0.05)


def test_a_small_category_leans_on_all_others():
    found = log_units_sd({"big": (100.0, 10_000.0, 1e9), "small": (90.0, 100.0, 1.0)})
    overall = 190 / 10_100
    assert found["small"] == pytest.approx(np.sqrt(0.9 / 41 + overall * 40 / 41))
    assert found["big"] == pytest.approx(0.1, rel=1e-3)
    assert log_units_sd({"calm": (-5.0, 100.0, 10.0)}) == {"": 0.05, "calm": 0.05}


def test_uncertainty_is_that_of_the_response_at_the_reference_price(panel, model):
    calm = replace(model, log_units_sd={"": 0.3})
    found = draw_curves(panel, calm, AS_OF, "7", 5, 7).toPandas().set_index("product_id")
    products = model.response.products.set_index("product_id").reindex(found.index)
    here = -elasticity(0.0, *(found[name] for name in ("elasticity_low", "elasticity_high", "bend", "steepness")))
    for name in ("elasticity_sd", "elasticity_kind_sd", "elasticity_common_sd"):
        np.testing.assert_allclose(found[name], products[name] / products["elasticity"] * here, rtol=1e-9)
    shared = np.hypot(products["elasticity_kind_sd"], products["elasticity_common_sd"])
    assert ((shared > 0) & (shared < products["elasticity_sd"])).all()
    assert list(found["identification"]) == list(products["identification"])
    opened = panel.where("is_open").toPandas().set_index("product_id").reindex(found.index)
    of_mean = (np.exp(-found["log_units"]) + found["dispersion"]) / opened["age_periods"]
    is_short = opened["sold_periods"] < 20
    variance = 0.3**2 + found["dispersion"] + np.where(is_short, of_mean, 0.0)
    wanted = np.minimum(np.sqrt(variance), MAX_LOG_UNITS_SD)
    np.testing.assert_allclose(found["log_units_sd"], wanted, rtol=1e-9)


def test_a_product_of_two_weeks_has_the_elasticity_of_its_kind_and_a_level_of_its_own(panel, model):
    young = panel.where("product_id = 'p000' and age_periods >= 38").withColumns(
        {
            "product_id": F.lit("young"),
            "age_periods": F.col("age_periods") - 38,
            "sold_periods": (F.col("age_periods") - 38).cast("int"),
        }
    )
    loud = young.withColumns({name: F.col(name) * 20 for name in ("units", "units_winsorised")})
    both = young.unionByName(loud.withColumn("product_id", F.lit("loud")))
    calm = replace(model, log_units_sd={"": 0.3})
    found = draw_curves(panel.unionByName(both), calm, AS_OF, "7", 2, 7).toPandas().set_index("product_id")
    kind = model.response.kinds.set_index("category").loc["BREAD"]
    for name in ("young", "loud"):
        row = found.loc[name]
        assert (row["elasticity_low"] + row["elasticity_high"]) / 2 == pytest.approx(kind["elasticity"])
        of_mean = (np.exp(-row["log_units"]) + row["dispersion"]) / 2
        variance = 0.3**2 + row["dispersion"] + of_mean
        assert row["log_units_sd"] == pytest.approx(min(np.sqrt(variance), MAX_LOG_UNITS_SD))
    # the network smooths what was sold in both weeks, the first one too
    assert found.loc["loud", "log_units"] > found.loc["young", "log_units"] + 1.0
    assert "young" not in set(draw_curves(both, calm, AS_OF, "7", 3, 7).toPandas()["product_id"])
