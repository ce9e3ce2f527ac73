"""SARIF 2.1.0, with what GitHub's code scanning asks for beyond it.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any
from urllib.parse import quote

from headrace.commands import printable
from headrace_inspect._codes import CODES, explanation
from headrace_inspect._report import Finding, Place, Problem, Report

from ._json import document_of, encoded
from ._view import View

_SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)


def render(report: Report, _: View) -> str:
    """Return a log of one run; what could not be analysed is a notification of the tool.

    What has no place in a result, the edges and the changes, is in the run's properties, as in
    JSON.
    """
    document = document_of(report)
    run = {
        "tool": {
            "driver": {
                "name": "headrace",
                "version": version("headrace-inspect"),
                "rules": [_rule(code) for code in CODES],
            }
        },
        "columnKind": "unicodeCodePoints",
        "invocations": [
            {
                "executionSuccessful": not report.problems,
                "toolExecutionNotifications": [_notification(p) for p in report.problems],
            }
        ],
        "results": [*_results(report)],
        "properties": {key: document[key] for key in ("edges", "since") if key in document},
    }
    return encoded({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]})


def _rule(code: str) -> dict[str, Any]:
    told = explanation(code)
    return {
        "id": code,
        "shortDescription": {"text": told.title},
        "fullDescription": {"text": told.summary},
        "help": {"text": told.plain, "markdown": told.text},
        "defaultConfiguration": {"level": "error"},
    }


def _results(report: Report) -> Iterator[dict[str, Any]]:
    seen = Counter[str]()
    for finding in report.findings:
        fingerprint = _fingerprint(finding)
        seen[fingerprint] += 1
        # "primaryLocationLineHash" is left to GitHub's upload action, which takes no other's.
        prints = {"headrace/v1": f"{fingerprint}:{seen[fingerprint]}"}
        yield _result(finding) | {"partialFingerprints": prints}


def _result(finding: Finding) -> dict[str, Any]:
    region = {
        "startLine": finding.place.line,
        "startColumn": finding.column,
        "endLine": finding.place.line,
        "endColumn": finding.column + finding.width,
    }
    result = {
        "ruleId": finding.code,
        "ruleIndex": CODES.index(finding.code),
        "level": "error",
        "message": {"text": _text(finding.message)},
        "locations": [{"physicalLocation": _file(finding.place.file) | {"region": region}}],
    }
    if finding.evidence:
        places = dict.fromkeys(link.place for link in finding.evidence)
        result["relatedLocations"] = [_location(place) for place in places]
    return result


def _notification(problem: Problem) -> dict[str, Any]:
    place = Place(problem.file, problem.line)
    return {
        "level": "error",
        "message": {"text": _text(problem.message)},
        "locations": [_location(place)],
    }


def _location(place: Place) -> dict[str, Any]:
    region = {"region": {"startLine": place.line}} if place.line else {}
    return {"physicalLocation": _file(place.file) | region}


def _file(file: str) -> dict[str, Any]:
    path = quote(os.fsencode(file.replace(os.sep, "/")))
    if os.path.isabs(file):
        return {"artifactLocation": {"uri": f"file://{'' if path.startswith('/') else '/'}{path}"}}
    return {"artifactLocation": {"uri": path, "uriBaseId": "%SRCROOT%"}}


def _fingerprint(finding: Finding) -> str:
    """Return what stays the same where the lines of a file have moved."""
    words = (finding.code, finding.flow, finding.source, finding.target, finding.place.file)
    return hashlib.sha256(repr(words).encode("utf-8", "backslashreplace")).hexdigest()[:32]


def _text(message: str) -> str:
    # "[words](1)" would be a link to a place within the log.
    return printable(message).replace("](", "] (")
