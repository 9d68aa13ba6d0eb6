"""PriceLake: from raw sales to governed prices."""

__version__ = "0.1.0"
