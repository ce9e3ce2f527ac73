"""Rendering of a `Picture` as text in one of several formats."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from headrace._messages.hints import name_hint

from .picture import Picture, focused, judged, traced
from .words import short_path

__all__ = [
    "FORMATS",
    "STYLES",
    "Picture",
    "check_format",
    "focused",
    "judged",
    "render",
    "short_path",
    "traced",
]

FORMATS: tuple[str, ...] = ("dot", "html", "json", "mermaid", "svg", "text")
STYLES = ("plain", "rich")

_RENDERERS = {"dot": "dot", "html": "html", "json": "json", "svg": "svg", "text": "text"}


def render(picture: Picture, format: str, style: str = "plain") -> str:
    """Draw `picture`, without a line break at the end.

    Args:
        picture: the picture.
        format: one of `FORMATS`.
        style: one of `STYLES`, for Mermaid; the other formats always show everything.

    Raises:
        ValueError: the format or style is unknown.
    """
    check_format(format, style)
    if format == "mermaid":
        name = "draw_rich" if style == "rich" else "draw_plain"
        return _renderer("mermaid", name)(picture)
    return _renderer(_RENDERERS[format], "draw")(picture)


def check_format(format: str, style: str = "plain") -> None:
    """Raise `ValueError` if the format or style is unknown."""
    for what, given, known in (("format", format, FORMATS), ("style", style, STYLES)):
        if given not in known:
            hint = name_hint(given, known)
            raise ValueError(f"unknown {what} {given!r}; {hint}")


def _renderer(module: str, name: str) -> Callable[[Picture], str]:
    # Imported on demand: most programs draw nothing, or use one format.
    renderer: Callable[[Picture], str] = getattr(import_module(f"{__name__}.{module}"), name)
    return renderer
