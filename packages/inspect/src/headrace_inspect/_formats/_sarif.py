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
from headrace_inspect._report import Place, Report

from ._json import document_of, encoded
from ._words import View

_SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)


def render(report: Report, _: View) -> str:
    """Return a log of one run; what could not be analysed is a notification of the tool.

    The edges and the changes are in the run's properties, as in JSON.
    """
    document = document_of(report)
    driver = {"name": "headrace", "version": version("headrace-inspect")}
    notes = [_alert(one.message, Place(one.file, one.line)) for one in report.problems]
    run = {
        "tool": {"driver": driver | {"rules": [_rule(code) for code in CODES]}},
        "columnKind": "unicodeCodePoints",
        "invocations": [{"executionSuccessful": not notes, "toolExecutionNotifications": notes}],
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
    for one in report.findings:
        # What stays the same where the lines of a file have moved.
        words = repr((one.code, one.flow, one.source, one.target, one.place.file))
        digest = hashlib.sha256(words.encode("utf-8", "backslashreplace")).hexdigest()[:32]
        seen[digest] += 1
        columns = {"startColumn": one.column, "endColumn": one.column + one.width}
        result = {
            "ruleId": one.code,
            "ruleIndex": CODES.index(one.code),
            # "primaryLocationLineHash" is left to GitHub's upload action, which takes no other's.
            "partialFingerprints": {"headrace/v1": f"{digest}:{seen[digest]}"},
            **_alert(one.message, one.place, endLine=one.place.line, **columns),
        }
        places = dict.fromkeys(link.place for link in one.evidence)
        yield result | ({"relatedLocations": [*map(_location, places)]} if places else {})


def _alert(message: str, place: Place, **region: int) -> dict[str, Any]:
    # "[words](1)" would be a link to a place within the log.
    text = printable(message).replace("](", "] (")
    return {"level": "error", "message": {"text": text}, "locations": [_location(place, **region)]}


def _location(place: Place, **region: int) -> dict[str, Any]:
    where = {"region": {"startLine": place.line} | region} if place.line else {}
    path = quote(os.fsencode(place.file.replace(os.sep, "/")))
    file = {"uri": path, "uriBaseId": "%SRCROOT%"}
    if os.path.isabs(place.file):
        file = {"uri": f"file:///{path.removeprefix('/')}"}
    return {"physicalLocation": {"artifactLocation": file} | where}
