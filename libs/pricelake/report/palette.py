"""Colours by role, once for light and once for dark: the style sheet and the plots take them from here."""

from collections.abc import Mapping
from typing import Any

LIGHT: Mapping[str, str] = {
    "page": "#f6f7f8",
    "surface": "#ffffff",
    "text": "#1b232c",
    "muted": "#55616d",
    "line": "#dde2e7",
    "accent": "#1d5c8c",
    "accent-soft": "#d6e5f1",
    "raise": "#b3541e",
    "lower": "#1f7a72",
    "keep": "#8b96a1",
    "hold": "#b98a1a",
    "warn-surface": "#fdf6e3",
    "warn-line": "#d9b75a",
}
DARK: Mapping[str, str] = {
    "page": "#12171c",
    "surface": "#1a2129",
    "text": "#e7ecf1",
    "muted": "#a3afba",
    "line": "#313b46",
    "accent": "#74b3e0",
    "accent-soft": "#24435b",
    "raise": "#eb9a66",
    "lower": "#5cc4b9",
    "keep": "#7f8b97",
    "hold": "#e0b84f",
    "warn-surface": "#2a2616",
    "warn-line": "#7d6a2b",
}


def role(name: str) -> str:
    """A colour as plots name it until they are shown: resolved by the page's script, or by :func:`resolved`."""
    return f"var(--{name})"


def css_variables(colours: Mapping[str, str]) -> str:
    """The colours as CSS custom properties."""
    return " ".join(f"--{name}: {value};" for name, value in colours.items())


def resolved(figure: Any, colours: Mapping[str, str]) -> Any:
    """A plot with its colour roles replaced, for notebooks and other places without the page's script.

    Args:
        figure: nested dicts and lists; only values under keys that end in ``color`` are looked at.
        colours: role → colour.
    """

    def walk(value: Any, is_colour: bool) -> Any:
        if isinstance(value, Mapping):
            return {key: walk(inner, str(key).endswith("color")) for key, inner in value.items()}
        if isinstance(value, list):
            return [walk(inner, is_colour) for inner in value]
        if is_colour and isinstance(value, str) and value.startswith("var(--"):
            return colours[value.removeprefix("var(--").removesuffix(")")]
        return value

    return walk(figure, is_colour=False)
