"""A trained model as files of one directory: everything that prediction needs, so that nothing can be mismatched.

``model.json`` (encoding, network, uncertainty, from when to when it was trained), ``weights.npz``,
``vocabulary.parquet``, ``factors.parquet`` and the responses in directories of their own. The ALS factors travel with
the model because factors of different fits do not compare.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from pyspark.sql import DataFrame, SparkSession

from pricelake.demand.inputs import CONTEXT_SQL, RECENT, Encoding
from pricelake.demand.network import NetworkSpec
from pricelake.demand.response.files import load_response, save_response
from pricelake.demand.response.model import ResponseModel
from pricelake.errors import TrainingError
from pricelake.settings import DemandSettings

MODEL_FILE, WEIGHTS_FILE, VOCABULARY_FILE, FACTORS_FILE = (
    "model.json",
    "weights.npz",
    "vocabulary.parquet",
    "factors.parquet",
)
RESPONSE, JUDGED_RESPONSE = "response", "judged_response"
FORMAT = 14


@dataclass(frozen=True)
class DemandModel:
    """A trained price-response model.

    Attributes:
        encoding: what the encoding learnt.
        spec: the network.
        weights: in the order of ``keras.Model.get_weights()``; () before training.
        vocabulary: see ``inputs.fit_vocabulary``; grows with the number of products, held on the driver.
        factors: ``product_id``, ``factors``; None without a recommender.
        response: how units answer the price, where prices are set.
        judged_response: the same, learnt before ``trained_until``: what the network was trained and judged with.
        log_units_sd: (category value of the vocabulary or '' for all others, uncertainty of the level).
        trained_until: first day the training rows do not include.
        seen_until: first day that nothing of the model rests on: when to stop, how sure the level is and whether it
            passed the gates follow later rows than the training's.
        seed: of the training.
    """

    encoding: Encoding
    spec: NetworkSpec
    weights: tuple[npt.NDArray[np.float32], ...]
    vocabulary: pd.DataFrame
    factors: pd.DataFrame | None
    response: ResponseModel
    judged_response: ResponseModel
    log_units_sd: Mapping[str, float]
    trained_until: date
    seen_until: date
    seed: int

    def with_weights(self, weights: Sequence[npt.NDArray[np.float32]]) -> "DemandModel":
        """The same model with trained weights."""
        return replace(self, weights=tuple(weights))


def network_spec(encoding: Encoding, settings: DemandSettings, rows: int) -> NetworkSpec:
    """The network for an encoding.

    Args:
        encoding: of the training rows.
        settings: ``demand`` section.
        rows: that the loss stands for, see :class:`pricelake.demand.network.NetworkSpec`.
    """
    return NetworkSpec(
        context=tuple(CONTEXT_SQL),
        means=encoding.means,
        deviations=encoding.deviations,
        recent=RECENT,
        vocabulary_sizes=encoding.vocabulary_sizes,
        factors=encoding.factor_names,
        hidden_units=settings.hidden_units,
        effect_deviations=tuple(sorted(settings.effect_deviations.items())),
        rows=rows,
    )


def save_model(model: DemandModel, directory: Path) -> None:
    """Write the model's files into ``directory``, made if needed; ``model.json`` last."""
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / WEIGHTS_FILE).open("wb") as file:
        np.savez(file, **{f"w{i:05d}": weight for i, weight in enumerate(model.weights)})
    model.vocabulary.to_parquet(directory / VOCABULARY_FILE, index=False)
    if model.factors is not None:
        model.factors.to_parquet(directory / FACTORS_FILE, index=False)
    save_response(model.response, directory / RESPONSE)
    save_response(model.judged_response, directory / JUDGED_RESPONSE)
    facts = {
        "format": FORMAT,
        "encoding": asdict(model.encoding),
        "network": asdict(model.spec),
        "log_units_sd": dict(model.log_units_sd),
        "trained_until": model.trained_until.isoformat(),
        "seen_until": model.seen_until.isoformat(),
        "seed": model.seed,
    }
    (directory / MODEL_FILE).write_text(json.dumps(facts, indent=1), encoding="utf-8")


def load_model(directory: Path) -> DemandModel:
    """The model in ``directory``.

    Raises:
        TrainingError: the directory holds no complete model of this format.
    """
    path = directory / MODEL_FILE
    if not path.exists():
        raise TrainingError(f"{directory} holds no demand model: {MODEL_FILE} is missing. Run train_demand.")
    facts = json.loads(path.read_text(encoding="utf-8"))
    if facts.get("format") != FORMAT:
        raise TrainingError(
            f"The demand model in {directory} has format {facts.get('format')}, this version reads {FORMAT}. "
            f"Its numbers would be read wrongly; run train_demand again."
        )
    with np.load(directory / WEIGHTS_FILE, allow_pickle=False) as content:
        weights = tuple(content[name] for name in sorted(content.files))
    spec = NetworkSpec(**_tuples(facts["network"]))
    encoding = Encoding(**_tuples(facts["encoding"]))
    if spec.context != tuple(CONTEXT_SQL):
        raise TrainingError(
            f"The demand model in {directory} reads other context columns than this version makes. Run train_demand."
        )
    return DemandModel(
        encoding,
        spec,
        weights,
        pd.read_parquet(directory / VOCABULARY_FILE),
        _read_optional(directory / FACTORS_FILE),
        load_response(directory / RESPONSE),
        load_response(directory / JUDGED_RESPONSE),
        facts["log_units_sd"],
        date.fromisoformat(facts["trained_until"]),
        date.fromisoformat(facts["seen_until"]),
        int(facts["seed"]),
    )


def vocabulary_frame(spark: SparkSession, vocabulary: pd.DataFrame) -> DataFrame:
    """A model's vocabulary as a Spark frame."""
    schema = "level string, value string, index int, log_price double"
    return spark.createDataFrame(vocabulary[["level", "value", "index", "log_price"]], schema)


def factors_frame(spark: SparkSession, factors: pd.DataFrame | None) -> DataFrame | None:
    """A model's ALS factors as a Spark frame, None without a recommender."""
    if factors is None:
        return None
    return spark.createDataFrame(factors[["product_id", "factors"]], "product_id string, factors array<float>")


def _read_optional(path: Path) -> pd.DataFrame | None:
    return pd.read_parquet(path) if path.exists() else None


def _tuples(value: Any) -> Any:
    """JSON's lists as tuples, so that a loaded spec equals the saved one."""
    if isinstance(value, list):
        return tuple(_tuples(item) for item in value)
    if isinstance(value, dict):
        return {name: _tuples(item) for name, item in value.items()}
    return value
