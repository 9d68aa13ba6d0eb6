"""Typed, validated configuration."""

from pricelake.settings.loading import configuration_hash, load_settings, settings_hash
from pricelake.settings.sections import (
    DemandSettings,
    FeatureSettings,
    LakeSettings,
    PricingSettings,
    QualitySettings,
    RecommenderSettings,
    ReportSettings,
    Settings,
    SparkSettings,
    TrackingSettings,
    TrainingSettings,
)

__all__ = [
    "DemandSettings",
    "FeatureSettings",
    "LakeSettings",
    "PricingSettings",
    "QualitySettings",
    "RecommenderSettings",
    "ReportSettings",
    "Settings",
    "SparkSettings",
    "TrackingSettings",
    "TrainingSettings",
    "configuration_hash",
    "load_settings",
    "settings_hash",
]
