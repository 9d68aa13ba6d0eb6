"""Tracking with MLflow: runs, the model registry, aliases."""

from pricelake.tracking.registry import CHALLENGER, CHAMPION, ModelVersion, Registry
from pricelake.tracking.tracker import TrackedRun, Tracker

__all__ = ["CHALLENGER", "CHAMPION", "ModelVersion", "Registry", "TrackedRun", "Tracker"]
