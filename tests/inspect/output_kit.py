"""Findings and reports for the tests of the formats."""

from __future__ import annotations

from typing import Any

from headrace_inspect import (
    Boundary,
    Changes,
    Edge,
    Finding,
    Link,
    Lost,
    Place,
    Problem,
    Report,
    Since,
    Step,
)
from headrace_inspect._formats import render

NAMES = (
    "two\nlines",
    "say \"hi\" or 'ho'",
    "a|b",
    "<script>alert(1)</script>",
    "</code><b>",
    "::error::x",
    "100%, 50%0A",
    "`code`",
    "[link](http://evil.example)",
    "{0}",
    "@octocat #12",
    "back\\slash",
    "\x1b[31mred",
    "\u202eevil",
    "\ud800",
    "日本語",
    "--> *x* _y_ ~z~",
)
"""Names that break formats, or inject into them."""


def finding(**changes: Any) -> Finding:
    """Return a finding with some of its attributes changed."""
    about: dict[str, Any] = {
        "code": "HR104",
        "flow": "order",
        "source": "pay",
        "target": "ship",
        "place": Place("shop.py", 12),
        "message": "after='pay' names no declared step of flow 'order'",
    }
    return Finding(**(about | changes))


def hostile(name: str) -> Report:
    """Return a report in which each name and path is `name`, if a path can be that."""
    file = "shop.py" if name == "\ud800" else name
    place = Place(file, 3)
    link = Link(place, name, scope=name, target=name)
    lost = Lost(name, place, place)
    edges = Changes((name,), (name,), (name,), (Boundary(name, "call", "enqueue"),))
    return Report(
        findings=[
            finding(
                flow=name,
                source=name,
                target=name,
                place=place,
                message=f"{name} runs before {name}",
                evidence=(link,),
            )
        ],
        edges=[Edge(name, name, name, "call"), Edge(name, name, "b", "call", ("code",), (link,))],
        problems=[Problem(file, 0, name)],
        steps=[Step(name, name, place)],
        files=1,
        since=Since(name, name, (lost,), Changes((name,), (name,)), edges),
    )


def drawn(report: Report, format: str, *, verbose: bool = False) -> str:
    """Return `report` in a format."""
    return render(report, format, verbose=verbose)
