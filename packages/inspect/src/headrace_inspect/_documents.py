"""Formats for programs: JSON, which docs/reference/check.schema.json describes, and SARIF 2.1.0.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import fields, is_dataclass
from typing import Any
from urllib.parse import quote

from headrace.commands import printable

from ._explain import CODES, explanation
from ._report import Edge, Finding, Link, Place, Report

_SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
_RISKY = re.compile("[<&]")
_FIELDS: dict[type, tuple[str, ...]] = {
    Edge: ("id", "verdict", "by", "kind", "evidence"),
    Finding: ("code", "flow", "source", "target", "place", "message", "evidence"),
    Link: ("place", "text"),
}


def as_json(report: Report) -> str:
    """Return all of `report`, with names as they are, in ASCII."""
    return encoded(_document(report))


def _document(report: Report) -> dict[str, Any]:
    document: dict[str, Any] = {"version": 2, **plain(report, "edges", "findings")}
    if report.problems:
        document["problems"] = [plain(one) | {"line": one.line or None} for one in report.problems]
    if report.since is not None:
        breaking = [plain(one, "code", "place", "message") for one in report.since.breaking]
        steps = plain(report.since.steps, "added", "removed")
        document["since"] = plain(report.since) | {"breaking": breaking, "steps": steps}
    return document


def encoded(document: dict[str, Any]) -> str:
    """Return `document` as JSON that is safe wherever it is put: in a terminal, in a page."""
    text = json.dumps(document, indent=2)
    return _RISKY.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def plain(one: Any, *names: str) -> Any:
    """Return data classes as mappings, with a file and a line for each place."""
    if isinstance(one, list | tuple):
        return [plain(each) for each in one]
    if not is_dataclass(one):
        return one
    found: dict[str, Any] = {}
    for name in names or _FIELDS.get(type(one)) or [field.name for field in fields(one)]:
        value = plain(getattr(one, name))
        found |= value if name == "place" else {name: value}
    return found


# --- SARIF ----------------------------------------------------------------------------------------


def as_sarif(report: Report) -> str:
    """Return a log of one run; what could not be analysed is a notification of the tool.

    The edges and the changes are in the run's properties, as in JSON.
    """
    from importlib.metadata import version

    document = _document(report)
    driver = {"name": "headrace", "version": version("headrace-inspect")}
    notes = [_alert(one.message, one.place) for one in report.problems]
    run = {
        "tool": {"driver": driver | {"rules": [_rule(code) for code in CODES]}},
        "invocations": [{"executionSuccessful": not notes, "toolExecutionNotifications": notes}],
        "results": [*map(_result, report.findings)],
        "properties": {key: document[key] for key in ("edges", "since") if key in document},
    }
    return encoded({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]})


def _rule(code: str) -> dict[str, Any]:
    title, text = explanation(code)
    first = " ".join(text.partition("\n\n")[0].split())
    return {
        "id": code,
        "shortDescription": {"text": title},
        "fullDescription": {"text": first},
        "help": {"text": first, "markdown": text},
        "defaultConfiguration": {"level": "error"},
    }


def _result(one: Finding) -> dict[str, Any]:
    alert = _alert(one.message, one.place)
    places = dict.fromkeys(link.place for link in one.evidence)
    related = {"relatedLocations": [*map(_location, places)]} if places else {}
    return {"ruleId": one.code, "ruleIndex": CODES.index(one.code), **alert, **related}


def _alert(message: str, place: Place) -> dict[str, Any]:
    # "[words](1)" would be a link to a place within the log.
    text = printable(message).replace("](", "] (")
    return {"level": "error", "message": {"text": text}, "locations": [_location(place)]}


def _location(place: Place) -> dict[str, Any]:
    line = place.line
    # GitHub requires columns.
    region = {"startLine": line, "startColumn": 1, "endLine": line, "endColumn": 2}
    where = {"region": region} if line else {}
    path = quote(os.fsencode(place.file.replace(os.sep, "/")))
    file = {"uri": path, "uriBaseId": "%SRCROOT%"}
    if os.path.isabs(place.file):
        file = {"uri": f"file:///{path.removeprefix('/')}"}
    return {"physicalLocation": {"artifactLocation": file} | where}
