"""The ``pricelake`` command for people."""

from pricelake.cli.app import main

__all__ = ["main"]
