"""Training with Petastorm and Horovod: snapshots, the feed, ranks, checkpoints."""

from pricelake.training.fit import FitResult, fit
from pricelake.training.snapshot import write_snapshot
from pricelake.training.snapshot_files import Snapshot, open_snapshot, remove_old_snapshots
from pricelake.training.task import SnapshotColumn, TrainingTask, schema_hash
from pricelake.training.weights import load_weights

__all__ = [
    "FitResult",
    "Snapshot",
    "SnapshotColumn",
    "TrainingTask",
    "fit",
    "load_weights",
    "open_snapshot",
    "remove_old_snapshots",
    "schema_hash",
    "write_snapshot",
]
