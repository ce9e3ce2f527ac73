"""Reports as text of one format."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from headrace_inspect._report import Report

from ._words import View, summary

__all__ = ["ENDINGS", "FORMATS", "View", "render", "summary"]

FORMATS = ("text", "json", "sarif", "github", "markdown")
ENDINGS = {".json": "json", ".sarif": "sarif", ".md": "markdown"}
"""The formats of files, by the ends of their names; that of others is text."""


def render(report: Report, format: str, view: View) -> str:
    """Return `report` in one of `FORMATS`, without a line break at the end."""
    draw: Callable[[Report, View], str] = import_module(f"{__name__}._{format}").render
    return draw(report, view)
