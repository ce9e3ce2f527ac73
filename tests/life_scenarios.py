"""The contract about the life of a request: where it has a unit, and where it has none."""

from __future__ import annotations

import pytest

from tests.contract import Scenario, asks_inside_a_unit

LINES = "{id}\n{id}\n{id}\n"

EXCLUDED = [
    Scenario(
        "has no unit on an excluded path, even if one is current around it",
        id=None,
        places=("handler",),
        options={"exclude_paths": ["/id"]},
        play=asks_inside_a_unit,
        marks=[pytest.mark.guarantee(50)],
    ),
    Scenario(
        "has none in the stream of an excluded path, even if one is current around it",
        "/stream",
        id=None,
        body=LINES,
        places=("piece", "piece", "piece", "closed"),
        options={"exclude_paths": ["/stream"]},
        play=asks_inside_a_unit,
        needs=("stream",),
        marks=[pytest.mark.guarantee(50)],
    ),
    Scenario(
        "has none in the asynchronous stream of an excluded path, even if one is current around it",
        "/async/stream",
        id=None,
        body=LINES,
        places=("piece", "piece", "piece", "closed"),
        options={"exclude_paths": ["/async/*"]},
        play=asks_inside_a_unit,
        needs=("async stream",),
        marks=[pytest.mark.guarantee(50)],
    ),
    Scenario(
        "passes an error of an excluded path on",
        "/error/unhandled",
        id=None,
        status=500,
        body=None,
        options={"exclude_paths": ["/error/unhandled"]},
        marks=[pytest.mark.guarantee(50)],
    ),
    Scenario(
        "remembers in a second middleware what the first has excluded",
        id=None,
        places=("handler",),
        options={"exclude_paths": ["/id"]},
        twice=True,
        marks=[pytest.mark.guarantee(51)],
    ),
]

LIFE_OF_A_REQUEST = [*EXCLUDED]
