"""The sections of a settings file, typed; unknown keys are refused."""

from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Rate = Annotated[float, Field(ge=0.0, le=1.0)]
Positive = Annotated[float, Field(gt=0.0)]
Count = Annotated[int, Field(ge=1)]


class Section(BaseModel):
    """Base of all sections: frozen, no unknown keys, defaults checked too."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


class LakeSettings(Section):
    """Where the Delta tables live."""

    root: str = Field(description="directory or URI (s3a://, abfss://, dbfs:/) that holds one folder per table")


class SparkSettings(Section):
    """How the Spark session is built; ignored where a session already exists (Databricks, spark-submit)."""

    master: str | None = Field(default=None, description="None: taken from spark-submit, else local[2]")
    driver_memory: str = "4g"
    shuffle_partitions: Count = 8
    jars_directory: Path | None = Field(
        default=None,
        description="directory that holds the jars of Delta and PostgreSQL; the variable PRICELAKE_JARS wins; "
        "None: beside Spark's own jars or in the cache, where set-up put them",
    )
    log_level: Literal["OFF", "FATAL", "ERROR", "WARN", "INFO"] = "FATAL"
    conf: dict[str, str] = {}


class QualitySettings(Section):
    """When bad rows stop the run."""

    max_quarantined_rate: Rate = Field(default=0.05, description="per table, share of the rows read")


class FeatureSettings(Section):
    """How the panel, the ratings and the sequences are built."""

    period: Literal["week", "day"] = "week"
    winsorise_mads: Positive = Field(default=6.0, description="robust z-score beyond which a period is an outlier")
    rating_half_life_days: Positive = Field(default=180.0, description="age at which an interaction counts half")
    sequences: bool = Field(
        default=True, description="whether gold.sequences is written; no job of PriceLake's own reads it"
    )
    max_sequence_events: Count = Field(default=200, description="latest events kept per customer")
    history_periods: Count = Field(default=156, description="periods before the as-of date that are kept in the panel")
    delisted_days: Count = Field(default=182, description="days without a sale after which a product leaves the panel")
    competitor_max_age_days: Count = Field(default=28, description="days a competitor's observed price stays good")
    competitor_min_confidence: Rate = Field(default=0.7, description="least confidence of a competitor's product match")

    @property
    def period_days(self) -> int:
        """Days in a period."""
        return 7 if self.period == "week" else 1


class RecommenderSettings(Section):
    """ALS with implicit confidence (Hu, Koren and Volinsky 2008)."""

    rank: Count = 32
    iterations: Count = 10
    # regularisation and alpha: best of 35 fits by NDCG@10 on first-time purchases of Complete Journey, judged on
    # 2017-11-06 to 2017-12-03, the four weeks before those that are reported; rank 64 adds 1 % and doubles the time
    regularisation: Positive = 0.1
    alpha: Positive = Field(default=5.0, description="confidence = 1 + alpha x rating")
    top_k: Count = 20
    similar_k: Count = 10
    lists: bool = Field(
        default=True,
        description="whether gold.recommendations and gold.similar_products are written; prices rest on factors alone",
    )
    judge_ranking: bool = Field(
        default=True, description="whether a second fit is judged on the last days; half of the job's time"
    )
    holdout_days: Count = Field(default=28, description="last days held out for the ranking metrics")
    seed: int = 17


class DemandSettings(Section):
    """The price-response model."""

    holdout_periods: Count = Field(default=8, description="last periods no model sees while training for the gates")
    validation_periods: Count = Field(default=4, description="periods before the held-out ones, for early stopping")
    min_sold_periods: Count = Field(
        default=20,
        description="periods with sales a product needs in a market for an elasticity of its own, and to be judged on",
    )
    min_curve_periods: Count = Field(
        default=1,
        description="periods with sales a product needs for a demand curve; below min_sold_periods the elasticity is "
        "that of its kind",
    )
    rare_row_rate: Rate = Field(
        default=0.5,
        description="rows of products below min_sold_periods that the level is learnt from, as a share of the others' "
        "rows: whole products drawn by hash, their rows weighted up to stand for all",
    )
    # widths: best of 14 networks on 2017-09-25 to 2017-10-30 of Complete Journey, before the weeks that are reported
    hidden_units: tuple[Count, ...] = (256, 128)
    effect_deviations: dict[Literal["body", "level", "dispersion"], Positive] = Field(
        default={"body": 0.1, "level": 0.2, "dispersion": 0.3},
        description="prior standard deviation of the effects of hierarchy levels; smaller shrinks products more",
    )
    min_elasticity: Positive = Field(default=0.3, description="smallest |elasticity| at the usual price")
    max_elasticity: Positive = Field(default=10.0, description="largest |elasticity| at the usual price")
    prior_elasticity: Positive = Field(default=2.0, description="|elasticity| that is believed before any data")
    prior_rise: Rate = Field(
        default=0.2, description="share by which elasticities are believed to grow with the price, far above the usual"
    )
    prior_rise_sd: Positive = 0.1
    trait_sd: Positive = Field(
        default=0.05,
        description="prior standard deviation of what a trait does to the relative elasticity",
    )
    surprise_sd: Positive = Field(
        default=0.3,
        description="how differently sellers may have followed demand from category to category and product to product",
    )
    instruments: tuple[Literal["cost", "other_markets"], ...] = Field(
        default=("cost",),
        description="what may move list prices and not demand; other_markets: list prices of the same product in its "
        "other markets, only where markets share costs and are priced each by its own demand",
    )
    min_instrument_f: Positive = Field(
        default=23.1,
        description="least effective F of an instrument that is used; 23.1: bias of at most a tenth of the worst case",
    )
    max_instrument_r2: Rate = Field(
        default=0.995,
        description="largest share of a list price's moves, given the controls, that an instrument may explain: a cost "
        "that explains more was worked out from the price; 1 where list prices are set by cost alone",
    )
    gate_max_wape_ratio: Positive = Field(
        default=1.05,
        description="challenger's WAPE over that of the mean of the last 8 periods (by time in stock, where recorded)",
    )
    gate_max_bias_rate: Positive = Field(
        default=0.15, description="largest |score_bias| of a champion on the held-out rows"
    )
    gate_max_worse_rate: Rate = Field(
        default=0.02, description="how much worse a challenger's WAPE may be than the champion's on the same rows"
    )
    lightgbm_max_rows: Count = Field(
        default=1_000_000, description="training rows the LightGBM baseline gets; beyond that a sample by hash"
    )


class TrainingSettings(Section):
    """Horovod ranks and the optimiser, Adam."""

    launcher: Literal["local", "spark"] = "local"
    ranks: Count = 2
    epochs: Count = 10
    batch_size: Count = Field(default=2048, description="most rows per rank and step")
    steps_per_epoch: Count = Field(
        default=50,
        description="steps an epoch has at least, by smaller batches where rows are few; never below 64 rows",
    )
    learning_rate: Positive = 1e-3
    patience_epochs: Count = 4
    files_per_rank: Count = 4
    gradient_clip_norm: Positive = Field(default=10.0, description="largest norm of the reduced mean gradient")
    start_timeout_seconds: Count = 120
    stall_timeout_seconds: Count = Field(default=300, description="a rank that waits longer for another one fails")
    directory: str = Field(
        default="build/training", description="snapshots and checkpoints; shared storage on a cluster"
    )
    seed: int = 17


class TrackingSettings(Section):
    """MLflow."""

    uri: str = "sqlite:///build/mlflow.db"
    artifacts: str = Field(default="build/mlflow-artifacts", description="where a new experiment keeps its artifacts")
    experiment: str = "pricelake"
    model_name: str = "pricelake-demand"


class PricingSettings(Section):
    """The candidate ladder and what is maximised; rules live in the rules file."""

    objective: Literal["profit", "revenue", "units", "mix"] = "profit"
    mix_weights: dict[Literal["profit", "revenue"], Rate] = Field(
        default={"profit": 0.7, "revenue": 0.3},
        description="weights of the objective mix; only money can be mixed: a sum of money and units has no unit, and "
        "its optimum would move with the currency. To sell more units, take the objective units or a larger weight "
        "of revenue",
    )
    ladder_steps: Annotated[int, Field(ge=3, le=400)] = 50
    ladder_below_rate: Rate = Field(default=0.3, description="lowest candidate below the price in force")
    ladder_above_rate: Rate = Field(default=0.3, description="highest candidate above the price in force")
    min_price_changes: Count = Field(
        default=3, description="observed price moves a product needs before its price moves"
    )
    min_uplift_rate: Rate = Field(
        default=0.01, description="share of the objective a change must gain; less keeps the price: fewer decisions"
    )
    interval_rate: Rate = Field(default=0.8, description="coverage of the stated intervals")


class ReportSettings(Section):
    """The HTML report."""

    path: str = "build/report.html"
    curves: Count = 12


class Settings(Section):
    """All of one environment's settings: ``conf/base.yaml`` with its overlay."""

    lake: LakeSettings
    shop: Path
    rules: Path
    as_of: date | None = Field(default=None, description="None: given by --as-of")
    spark: SparkSettings = SparkSettings()
    quality: QualitySettings = QualitySettings()
    features: FeatureSettings = FeatureSettings()
    recommender: RecommenderSettings = RecommenderSettings()
    demand: DemandSettings = DemandSettings()
    training: TrainingSettings = TrainingSettings()
    tracking: TrackingSettings = TrackingSettings()
    pricing: PricingSettings = PricingSettings()
    report: ReportSettings = ReportSettings()
