"""Reports as text of one format."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from headrace_inspect._report import Report

_MODULES = {
    "text": "_people", "json": "_machines", "sarif": "_machines", "github": "_people",
    "markdown": "_people",
}  # fmt: skip
FORMATS = tuple(_MODULES)
ENDINGS = {".json": "json", ".sarif": "sarif", ".md": "markdown"}
"""The formats of files, by the ends of their names; that of others is text."""


@dataclass(frozen=True, slots=True)
class View:
    """How a report is shown as text: whether every edge is listed, and whether it is coloured."""

    verbose: bool = False
    colors: bool = False


def render(report: Report, format: str, view: View) -> str:
    """Return `report` in one of `FORMATS`, without a line break at the end."""
    module = import_module(f"{__name__}.{_MODULES[format]}")
    draw: Callable[[Report, View], str] = getattr(module, f"as_{format}")
    return draw(report, view)
