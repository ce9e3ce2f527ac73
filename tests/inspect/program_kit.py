"""Small programs for the check, written into a folder, and what comes out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

from headrace_inspect._check import check
from headrace_inspect._report import Report

Checker = Callable[..., Report]


def write(folder: Path, files: dict[str, str]) -> Path:
    """Write `files`, by their paths in `folder`; the text is dedented."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), "utf-8")
    return folder


def check_text(folder: Path, text: str = "", **files: str) -> Report:
    """Check a program of the module ``program`` with `text`, and of others by their names.

    Two underscores in a name stand for a slash; ``package__init`` is the package itself.
    """
    names = {name: name.replace("__init", "/__init__") for name in files}
    modules = {
        f"{path if '/' in path else path.replace('__', '/')}.py": files[name]
        for name, path in names.items()
    }
    if text:
        modules["program.py"] = text
    report = check([str(write(folder, modules))])
    assert report.problems == []
    return report


def verdicts(report: Report) -> dict[str, str]:
    """Return what is known of each edge, without its flow: ``"a -> b": "shown call"``."""
    return {
        f"{edge.source} -> {edge.target}": f"shown {edge.kind}" if edge.by else "not shown"
        for edge in report.edges
    }


def faults(report: Report) -> list[str]:
    """Return the findings, as ``code target``, sorted."""
    return sorted(f"{one.code} {one.target}" for one in report.findings)
