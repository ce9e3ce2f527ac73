"""JSON, for other programs. docs/reference/check.schema.json describes it."""

from __future__ import annotations

import json
import re
from dataclasses import fields, is_dataclass
from typing import Any

from headrace_inspect._report import Edge, Finding, Link, Report

from ._words import View

VERSION = 2

_risky = re.compile("[<&]")
_FIELDS: dict[type, tuple[str, ...]] = {
    Edge: ("id", "verdict", "by", "kind", "evidence"),
    Finding: ("code", "flow", "source", "target", "place", "message", "evidence"),
    Link: ("place", "text"),
}


def render(report: Report, _: View) -> str:
    """Return all of `report`, with names as they are, in ASCII."""
    return encoded(document_of(report))


def document_of(report: Report) -> dict[str, Any]:
    """Return `report` as the schema describes it."""
    document: dict[str, Any] = {"version": VERSION, **plain(report, ("edges", "findings"))}
    if report.problems:
        document["problems"] = [plain(one) | {"line": one.line or None} for one in report.problems]
    if report.since is not None:
        breaking = [plain(one, ("code", "place", "message")) for one in report.since.breaking]
        steps = plain(report.since.steps, ("added", "removed"))
        document["since"] = plain(report.since) | {"breaking": breaking, "steps": steps}
    return document


def encoded(document: dict[str, Any]) -> str:
    """Return `document` as JSON that is safe wherever it is put: in a terminal, in a page."""
    text = json.dumps(document, indent=2)
    return _risky.sub(lambda found: f"\\u{ord(found.group()):04x}", text)


def plain(one: Any, names: tuple[str, ...] = ()) -> Any:
    """Return data classes as mappings, those of them that are places as a file and a line."""
    if isinstance(one, list | tuple):
        return [plain(each) for each in one]
    if not is_dataclass(one):
        return one
    found: dict[str, Any] = {}
    for name in names or _FIELDS.get(type(one)) or [field.name for field in fields(one)]:
        value = plain(getattr(one, name))
        found |= value if name == "place" else {name: value}
    return found
