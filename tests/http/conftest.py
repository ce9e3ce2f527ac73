"""Fixtures for the tests of the core's middleware."""

from __future__ import annotations

import pytest

from headrace._http import nesting


@pytest.fixture(params=["one protocol", "both protocols"], autouse=True)
def protocols(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run each test as in a process with one protocol, and as in one with both.

    With one protocol, a usual request takes a shorter path through the middleware.
    """
    both = request.param == "both protocols"
    monkeypatch.setattr(nesting, "_protocols", {"asgi", "wsgi"} if both else set())
    monkeypatch.setattr(nesting, "mixed", both)
