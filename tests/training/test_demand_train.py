import json
from dataclasses import replace
from datetime import timedelta
from functools import reduce
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow.exceptions import MlflowException
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pricelake.demand.curve import SHAPE
from pricelake.demand.model import load_model
from pricelake.demand.prediction import CURVE_OUTPUTS, draw_curves
from pricelake.errors import TrainingError
from pricelake.settings import (
    DemandSettings,
    LakeSettings,
    RecommenderSettings,
    Settings,
    SparkSettings,
    TrackingSettings,
    TrainingSettings,
)
from pricelake.tables import Lake
from pricelake.tracking import CHALLENGER, CHAMPION, Registry
from pricelake.workflows import demand_judging
from pricelake.workflows import train_demand as workflow
from pricelake.workflows.demand_data import content_of, find_periods
from pricelake.workflows.job import Job
from pricelake.workflows.past_tastes import product_factors_before
from pricelake.workflows.train_demand import Registered
from tests.demand_shop import AS_OF, order_lines_frame, panel_frame, panel_rows, write_shop_file

GATES = {"gate_max_wape_ratio": 1.3, "gate_max_bias_rate": 0.5}


def settings_in(root: Path, **demand) -> Settings:
    return Settings(
        lake=LakeSettings(root=str(root / "lake")),
        shop=write_shop_file(root),
        rules="none.yaml",
        spark=SparkSettings(shuffle_partitions=2),
        recommender=RecommenderSettings(rank=4, iterations=3),
        demand=DemandSettings(hidden_units=(12,), **(GATES | demand)),
        training=TrainingSettings(
            directory=str(root / "training"),
            epochs=10,
            batch_size=128,
            learning_rate=1e-2,
            files_per_rank=1,
        ),
        tracking=TrackingSettings(uri=f"sqlite:///{root}/mlflow.db", artifacts=str(root / "artifacts")),
    )


def job_in(spark, settings) -> Job:
    return Job(spark, Lake(spark, settings.lake.root, "test"), settings, AS_OF)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("demand")


@pytest.fixture(scope="module")
def trained(spark, root):
    settings = settings_in(root)
    rows = panel_rows()
    lake = Lake(spark, settings.lake.root, "test")
    lake.replace("gold.demand_panel", panel_frame(spark, rows))
    lake.replace("bronze.order_lines", order_lines_frame(spark, rows, AS_OF))
    return settings, workflow.train_demand(job_in(spark, settings))


def versions(settings):
    client = Registry(settings.tracking).client
    return {int(v.version) for v in client.search_model_versions(f"name = '{settings.tracking.model_name}'")}


def test_summary_has_the_figures_of_every_contender(trained):
    _, summary = trained
    json.dumps(summary)
    assert set(summary["demand"]["wape"]) == {"pricelake", "mean_8_weeks", "last_week", "lightgbm"}
    assert all(0 < wape < 2 for wape in summary["demand"]["wape"].values())
    assert summary["demand"]["share_downward"] == 1.0
    assert summary["demand"]["share_rows_downward"] == 1.0
    assert summary["demand"]["wape"]["pricelake"] < summary["demand"]["wape"]["last_week"]
    assert summary["demand"]["held_out_rows"] == 40 * 8
    assert [rank["rank"] for rank in summary["ranks"]] == [0, 1]
    assert summary["ranks"][0]["rows"] == summary["ranks"][1]["rows"]
    assert summary["gates"] == {}
    assert summary["is_champion"]


def test_naive_figures_are_of_units_as_sold_and_equal_pandas(trained):
    rows = panel_rows()
    assert rows["is_outlier"].any()
    sold = rows.groupby("product_id")["units"]
    rows["last_week"] = sold.shift(1)
    rows["mean_8_weeks"] = sold.transform(lambda units: units.shift(1).rolling(8).mean())
    held_out = rows[~rows["is_open"]].groupby("product_id").tail(8)
    units = held_out["units"]
    _, summary = trained
    for name in ("mean_8_weeks", "last_week"):
        assert summary["demand"]["wape"][name] == pytest.approx((held_out[name] - units).abs().sum() / units.sum())
        assert summary["demand"]["bias"][name] == pytest.approx(held_out[name].sum() / units.sum() - 1)


def test_intervals_hold_as_often_on_held_out_rows_as_the_model_says(spark, trained):
    settings, summary = trained
    found = summary["demand"]["interval_coverage"]
    assert list(found) == ["50", "50_expected", "80", "80_expected"]
    table = Lake(spark, settings.lake.root).read("gold.demand_metrics").where("figure LIKE 'coverage%'")
    stored = {row["figure"].removeprefix("coverage_"): row["value"] for row in table.collect()}
    assert stored == found
    for rate in (50, 80):
        assert rate / 100 <= found[f"{rate}_expected"] < 1
        # 320 rows whose errors of the level eight share: two standard errors are near 0.06
        assert found[f"{rate}"] == pytest.approx(found[f"{rate}_expected"], abs=0.1)


def test_the_true_elasticities_are_told_apart(spark, trained):
    settings, summary = trained
    model = load_model(Registry(settings.tracking).download(settings.tracking.model_name, CHAMPION))
    panel = Lake(spark, settings.lake.root).read("gold.demand_panel")
    curves = draw_curves(panel, model, AS_OF, summary["model_version"], 20, 7)
    middle = (F.col("elasticity_low") + F.col("elasticity_high")) / 2
    found = curves.join(panel.where("is_open").select("product_id", "category"), "product_id", how="inner")
    means = {row[0]: row[1] for row in found.groupBy("category").agg(F.avg(middle)).collect()}
    assert means["BREAD"] == pytest.approx(1.3, abs=0.6)
    assert means["CHEESE"] == pytest.approx(2.6, abs=0.7)
    assert means["CHEESE"] - means["BREAD"] > 0.5


def test_prices_rest_on_a_response_learnt_from_all_closed_periods(trained):
    settings, summary = trained
    model = load_model(Registry(settings.tracking).download(settings.tracking.model_name, CHAMPION))
    assert model.judged_response.learnt_until == model.trained_until == AS_OF - timedelta(weeks=12)
    assert model.response.learnt_until == AS_OF
    assert summary["demand"]["response"]["learnt_until"] == AS_OF.isoformat()
    assert not model.response.products.equals(model.judged_response.products)
    merged = model.response.products.merge(model.judged_response.products, on="product_id", suffixes=("", "_judged"))
    assert len(merged) == len(model.response.products) == 40
    # more rows: what all have is surer, whatever the products are found to differ by
    shares = [
        (merged[f"elasticity_common_sd{which}"] / merged[f"elasticity{which}"].mean()).iloc[0]
        for which in ("", "_judged")
    ]
    assert shares[0] < shares[1]


def test_table_and_aliases(spark, trained):
    settings, summary = trained
    table = Lake(spark, settings.lake.root).read("gold.demand_metrics")
    figures = {(row["contender"], row["figure"]): row["value"] for row in table.collect()}
    assert figures["pricelake", "wape"] == summary["demand"]["wape"]["pricelake"]
    assert figures["pricelake", "median_elasticity"] == summary["demand"]["median_elasticity"]
    assert figures["lightgbm", "share_downward"] == summary["demand"]["share_downward_by"]["lightgbm"]
    response = summary["demand"]["response"]
    assert {figure: value for (who, figure), value in figures.items() if who == "price_response"} == {
        "converged": float(response["converged"]),
        "rounds": response["rounds"],
        "cost_f": pytest.approx(response["instruments"][0]["f"]),
        "cost_clusters": response["instruments"][0]["clusters"],
        "cost_is_derived": float(response["instruments"][0]["is_derived"]),
        "cost_is_used": float(response["instruments"][0]["is_strong"]),
    }
    registry, name = Registry(settings.tracking), settings.tracking.model_name
    for alias in (CHAMPION, CHALLENGER):
        assert str(registry.version_by_alias(name, alias).version) == summary["model_version"]


def test_its_factors_know_nothing_of_the_periods_it_is_judged_on(spark, trained, tmp_path):
    settings, _ = trained
    model = load_model(Registry(settings.tracking).download(settings.tracking.model_name, CHAMPION))
    assert model.encoding.rank == 4
    assert len(model.factors) == 39

    def factors(lines):
        job = job_in(spark, settings.model_copy(update={"lake": LakeSettings(root=str(tmp_path / f"{len(lines)}"))}))
        job.lake.replace("bronze.order_lines", reduce(DataFrame.union, lines))
        return product_factors_before(job, model.trained_until)

    rows = panel_rows()
    earlier = order_lines_frame(spark, rows, AS_OF)
    later = order_lines_frame(spark, rows, AS_OF, seed=2).where(F.col("ordered_at") >= F.lit(model.trained_until))
    assert later.count() > 50
    alone, told = factors([earlier]), factors([earlier, later.withColumn("line_id", F.lit("2"))])
    assert alone.equals(told)
    assert alone.equals(model.factors)


def test_its_run_can_be_looked_up_in_mlflow(spark, trained):
    settings, summary = trained
    registry, name = Registry(settings.tracking), settings.tracking.model_name
    version = registry.version_by_alias(name, CHAMPION)
    run = registry.client.get_run(registry.client.get_model_version(name, str(version.version)).run_id)
    assert run.data.params["demand.min_sold_periods"] == "20"
    assert run.data.params["training.learning_rate"] == "0.01"
    assert run.data.tags["gold.demand_panel"] == "1"
    assert run.data.metrics["pricelake.wape"] == pytest.approx(summary["demand"]["wape"]["pricelake"])
    response = summary["demand"]["response"]
    instrument, counts = response["instruments"][0], response["categories_by_identification"]
    told = {name: value for name, value in run.data.metrics.items() if name.startswith("price_response.")}
    assert told == {
        "price_response.converged": float(response["converged"]),
        "price_response.rounds": response["rounds"],
        "price_response.cost_f": pytest.approx(instrument["f"]),
        "price_response.cost_clusters": instrument["clusters"],
        "price_response.cost_is_derived": float(instrument["is_derived"]),
        "price_response.cost_is_used": float(instrument["is_strong"]),
        **{f"price_response.categories_{by}": counts.get(by, 0) for by in ("instruments", "discounts", "weak")},
    }
    assert sum(counts.values()) == 2
    assert run.data.params["price_response.learnt_until"] == AS_OF.isoformat()
    assert run.data.params["price_response.instruments_used"] == ("cost" if instrument["is_strong"] else "none")
    covered = run.data.metrics["pricelake.coverage_80"]
    assert covered == pytest.approx(summary["demand"]["interval_coverage"]["80"])
    epochs = registry.client.get_metric_history(run.info.run_id, "validation_loss")
    assert [point.step for point in epochs] == list(range(1, summary["training"]["epochs"] + 1))


def test_rows_that_the_response_reads_tell_one_panel_from_another(spark):
    rows = panel_rows(products=4, weeks=30)
    closed = rows[~rows["is_open"]]
    known = content_of(panel_frame(spark, closed))
    assert content_of(panel_frame(spark, closed.sample(frac=1.0, random_state=1))) == known
    corrected = {"unit_cost": 9.99, "availability_rate": 0.5, "competitor_index": 0.9, "display_rate": 0.7}
    for column, value in corrected.items():
        other = closed.reset_index(drop=True)
        other.loc[len(other) - 1, column] = value
        assert content_of(panel_frame(spark, other)) != known, column


def test_a_rerun_registers_nothing_and_leaves_the_same_table(spark, trained, monkeypatch):
    settings, summary = trained
    before = Lake(spark, settings.lake.root).read("gold.demand_metrics").toPandas()
    monkeypatch.setattr(workflow, "fit", lambda *_: pytest.fail("trained again"))
    again = workflow.train_demand(job_in(spark, settings))
    assert again == summary | {"is_new": False}
    assert versions(settings) == {1}
    after = Lake(spark, settings.lake.root).read("gold.demand_metrics").toPandas()
    key = ["contender", "figure"]
    assert before.sort_values(key, ignore_index=True).equals(after.sort_values(key, ignore_index=True))


def test_mlflow_serves_it_and_checks_what_it_is_given(trained):
    settings, _ = trained
    folder = Registry(settings.tracking).download(settings.tracking.model_name, CHAMPION)
    model, served = load_model(folder), mlflow.pyfunc.load_model(str(folder.parents[1]))  # where MLmodel lies
    rows = pd.DataFrame({name: np.zeros(3, dtype) for name, dtype in model.spec.inputs} | dict.fromkeys(SHAPE, 1.5))
    curves = served.predict(rows)
    assert tuple(curves.columns) == CURVE_OUTPUTS
    assert (curves[["elasticity_low", "elasticity_high"]] > 0).all(axis=None)
    with pytest.raises(MlflowException, match="missing inputs"):
        served.predict(rows.drop(columns="log_offset"))


def test_killed_after_registering_then_failing_a_gate(spark, trained, monkeypatch):
    """Stopped between registry and table, the rerun finishes what was begun; a failed gate leaves the old champion.

    The champion is made one day newer: a model of an older night must not take its place.
    """
    settings, _ = trained
    strict = settings_in(Path(settings.training.directory).parent, gate_max_wape_ratio=0.01)
    finish, champion_of = workflow._settle, demand_judging._champion

    def newer_champion(*registered):
        champion = champion_of(*registered)
        return replace(champion, trained_until=champion.trained_until + timedelta(days=1))

    monkeypatch.setattr(demand_judging, "_champion", newer_champion)
    monkeypatch.setattr(workflow, "_settle", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        workflow.train_demand(job_in(spark, strict))
    assert versions(strict) == {1, 2}
    monkeypatch.setattr(workflow, "_settle", finish)
    monkeypatch.setattr(workflow, "fit", lambda *_: pytest.fail("trained again"))
    summary = workflow.train_demand(job_in(spark, strict))
    assert versions(strict) == {1, 2}
    assert not summary["is_champion"]
    assert summary["gates"].keys() == {"wape", "newer_champion"}
    # the same model, judged by the response that it was trained with, not by the one that prices
    assert summary["demand"]["champion_wape"] == pytest.approx(summary["demand"]["wape"]["pricelake"], rel=1e-6)
    registry, name = Registry(strict.tracking), strict.tracking.model_name
    refused = load_model(registry.download(name, CHALLENGER))
    assert refused.response.learnt_until == refused.trained_until
    assert registry.version_by_alias(name, CHAMPION).version == 1
    assert registry.version_by_alias(name, CHALLENGER).version == 2

    passed = {"figures": {}, "gates": {}, "response": summary["demand"]["response"]}
    for version in (2, 1):  # and a rerun of the older one does not take the place back
        is_champion = finish(job_in(spark, strict), registry, Registered(version, passed, False))
        assert (registry.version_by_alias(name, CHAMPION).version, is_champion) == (2, version == 2)


def test_a_champion_of_another_version_is_named_and_not_compared_with(spark, trained, monkeypatch):
    """Its message says to run train_demand, so train_demand must not fail by it."""
    settings, _ = trained
    steps, job = [], job_in(spark, settings)
    monkeypatch.setattr(job.reporter, "step", steps.append)
    monkeypatch.setattr("pricelake.demand.model.CONTEXT_SQL", {"other": "1"})
    assert demand_judging._champion(job, Registry(settings.tracking)) is None
    assert len(steps) == 1
    assert steps[0].startswith("No comparison with the champion: The demand model in ")
    assert steps[0].endswith(" reads other context columns than this version makes. Run train_demand.")


def test_too_little_history_is_said(spark):
    panel = panel_frame(spark, panel_rows(products=2, weeks=20)).where("not is_open")
    with pytest.raises(
        TrainingError, match="has 20 closed periods; 8 held-out and 4 validation periods need at least 24"
    ):
        find_periods(panel, 8, 4, 7)


def test_parts_do_not_overlap(spark):
    panel = panel_frame(spark, panel_rows(products=2, weeks=40)).where("not is_open")
    periods = find_periods(panel, 8, 4, 7)
    assert (periods.end - periods.held_out).days == 8 * 7
    assert (periods.held_out - periods.validation).days == 4 * 7
    assert periods.end == AS_OF
