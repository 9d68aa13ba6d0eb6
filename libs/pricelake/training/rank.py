"""The train function: what ``horovod.run`` and ``horovod.spark.run`` call in every rank's process."""

import json
import os
import socket
import threading
import time
import traceback
import warnings
from pathlib import Path
from typing import Any

from pricelake.errors import TrainingError
from pricelake.training.plan import RankReport, TrainingPlan


def train_rank(plan: TrainingPlan) -> RankReport:
    """Train this rank's part of ``plan``; everything it prints goes to ``logs/rank-N.log``.

    Raises:
        TrainingError: the launcher started another number of ranks than planned, or as the loop raises.
    """
    rank = int(os.environ["HOROVOD_RANK"])
    _end_with_parent()
    _print_to(plan.logs / f"rank-{rank}.log")
    note_state(plan.logs, rank, "started")
    try:
        report = _train(plan)
    except BaseException as error:
        traceback.print_exc()
        note_state(plan.logs, rank, "failed", kind=type(error).__name__, message=str(error))
        raise
    note_state(plan.logs, rank, "finished")
    return report


def _train(plan: TrainingPlan) -> RankReport:
    warnings.simplefilter("ignore")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import horovod.tensorflow as hvd
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(plan.threads)
    tf.config.threading.set_inter_op_parallelism_threads(plan.threads)
    _claim_gpu(tf)
    hvd.init()
    if hvd.size() != plan.settings.ranks:
        raise TrainingError(f"{hvd.size()} ranks were started, {plan.settings.ranks} were planned.")
    from pricelake.training.loop import RankTraining

    return RankTraining(plan).run()


def _claim_gpu(tf: Any) -> None:
    """One GPU per rank of a machine, where there are any, growing as needed."""
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        own = gpus[int(os.environ.get("HOROVOD_LOCAL_RANK", "0")) % len(gpus)]
        tf.config.set_visible_devices(own, "GPU")
        tf.config.experimental.set_memory_growth(own, True)


def note_state(logs: Path, rank: int, state: str, **facts: Any) -> None:
    """Leave a rank's state where the driver finds it, whatever becomes of the process."""
    path = logs / f"rank-{rank}.json"
    temporary = path.with_suffix(f".{os.getpid()}")
    own = {"rank": rank, "state": state, "pid": os.getpid(), "host": socket.gethostname()}
    temporary.write_text(json.dumps(own | facts), encoding="utf-8")
    temporary.replace(path)


def _print_to(path: Path) -> None:
    """Send the process's output, that of C++ included, to a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o644)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.close(descriptor)


def _end_with_parent() -> None:
    """A rank whose launcher was killed ends within a second, whatever it waits for."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, name="end-with-parent", daemon=True).start()
