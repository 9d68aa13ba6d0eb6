"""Speed of PriceLake's stages, as ratios within one run where a rival exists."""

from pathlib import Path

DEMO_SETTINGS = Path(__file__).resolve().parents[1] / "conf/demo.yaml"
"""Session, ALS blocks and recommender are those of ``make demo``."""
