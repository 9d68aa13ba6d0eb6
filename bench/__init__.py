"""Speed of PriceLake's stages, as ratios within one run where a rival exists."""
