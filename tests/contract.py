"""What a scenario of the contract is, and how it is run; `tests.scenarios` lists them."""

from __future__ import annotations

import gc
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pytest

import headrace
from headrace.backends import facts_of
from headrace.testing import fake_clock
from tests.sites import Client, Framework, Headers, Line, Seen
from tests.units import watched_units

FRESH = "fresh"
HEADER = "X-Correlation-ID"


@dataclass(frozen=True)
class Scenario:
    """A request, and what must be seen.

    Attributes:
        does: what happens, in words.
        path: the request's path.
        id: the correlation ID, `FRESH` for one that was made, None where there is no unit.
        body: the response's body, with ``{id}`` where the ID stands; None: not looked at.
        places: the site's notes, as often as they must be there, each under the ID.
        error: the type of an exception whose traceback is logged, under the ID.
        has: headers that the response must have once, with these values.
        never: texts that must not come back, in the response or the log.
        refuses: whether an inbound ID is refused, of which a warning under the new ID tells.
        options: options of the integration.
        configuration: arguments of `headrace.configure`.
        late: whether they are given after the integration is set up, and not before.
        twice: whether the middleware is set up twice.
        needs: features that a framework may lack.
        on_server: whether it is also run on real servers.
        marks: the guarantees that it proves.
        play: does more than one request.
    """

    does: str
    path: str = "/id"
    method: str = "GET"
    headers: Headers = ()
    sends: bytes = b""
    id: str | None = FRESH
    status: int = 200
    body: str | None = "{id}"
    places: tuple[str, ...] = ()
    error: str | None = None
    has: Headers = ()
    never: tuple[str, ...] = ()
    avoids: tuple[str, ...] = ()
    refuses: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)
    configuration: Mapping[str, Any] = field(default_factory=dict)
    late: bool = False
    twice: bool = False
    needs: tuple[str, ...] = ()
    on_server: bool = False
    marks: Sequence[pytest.MarkDecorator] = ()
    play: Callable[[Client, Scenario], None] | None = None


def run(scenario: Scenario, framework: Framework) -> None:
    """Run `scenario`; skip it, with the reason, where the framework lacks what it needs."""
    for feature in scenario.needs:
        if feature in framework.lacks:
            pytest.skip(framework.lacks[feature])
    try:
        if not scenario.late:
            headrace.configure(**scenario.configuration)
        with framework.serve(scenario.options, twice=scenario.twice) as client:
            if scenario.late:
                headrace.configure(**scenario.configuration)
            play(scenario, client)
    finally:
        headrace.configure()


def play(scenario: Scenario, client: Client) -> None:
    """Do what `scenario` says with a client of a site that is already there."""
    if scenario.play is not None:
        scenario.play(client, scenario)
        return
    sent = scenario.headers
    check(scenario, client.request(scenario.method, scenario.path, sent, scenario.sends))


def check(scenario: Scenario, seen: Seen) -> None:
    """Compare what was seen with what `scenario` expects."""
    assert seen.status == scenario.status, seen
    own_header = scenario.configuration.get("header", HEADER)
    own_header = scenario.options.get("response_header", own_header)
    if own_header is None:
        assert seen.header(HEADER) == []
        flow_id = scenario.id
    else:
        flow_id = check_id(scenario.id, seen.header(own_header))
    if scenario.body is not None:
        assert seen.text == scenario.body.format(id=flow_id)
    for place in dict.fromkeys(scenario.places):
        count = scenario.places.count(place)
        lines = seen.notes(place, count)
        assert [line.flow_id for line in lines] == [flow_id or "-"] * count
    if scenario.error is not None:
        lines = seen.wait_for(scenario.error, lambda line: line.error == scenario.error)
        assert {line.flow_id for line in lines} == {flow_id}
    refusals = [line for line in seen.lines if line.message.startswith("refused the correlation")]
    assert [line.flow_id for line in refusals] == [flow_id] * scenario.refuses
    for name, value in scenario.has:
        assert seen.header(name) == [value.format(id=flow_id)]
    logged = [line.message for line in seen.lines]
    said = [seen.text, *(value for _, value in seen.headers), *logged]
    assert not [line for line in seen.lines if line.message in scenario.avoids]
    for text in scenario.never:
        assert not any(text in each for each in said), (text, said)


def check_id(expected: str | None, found: list[str]) -> str | None:
    """Check the values of the response's correlation header, and return the ID."""
    if expected is None:
        assert found == []
        return None
    assert len(found) == 1, found
    if expected == FRESH:
        assert re.fullmatch("[0-9a-f]{32}", found[0])
    else:
        assert found == [expected]
    return found[0]


def goes_away(client: Client, scenario: Scenario) -> None:
    """Leave in mid-stream, then send another request."""
    seen = client.abandon(scenario.path, [(HEADER, "first")])
    assert seen.header(HEADER) == ["first"]
    after = client.request("GET", "/id", [(HEADER, "second")])
    assert after.text == "second"
    assert [line.flow_id for line in after.notes("handler")] == ["second"]
    assert [line for line in seen.lines if line.error] == []


def closes_in_unit(client: Client, scenario: Scenario) -> None:
    """Leave in mid-stream: the stream's own cleaning up is part of its request."""
    flow_id = f"gone-{uuid4()}"  # another client's stream may close late
    gc.collect()  # or the collector closes the stream of an earlier client inside this request
    seen = client.abandon(scenario.path, [(HEADER, flow_id)])
    closed = ("closed", flow_id)
    assert len(seen.wait_for(repr(closed), lambda line: line[1:3] == closed)) == 1


def talks(client: Client, scenario: Scenario) -> None:
    """Talk over a WebSocket."""
    check(scenario, client.talk(scenario.path, scenario.headers, ["hello"]))


def asks_at_once(client: Client, scenario: Scenario) -> None:
    """Send 200 requests at the same time, half of them with an ID."""
    wanted = [f"client-{number}" for number in range(100)]
    headers: list[Headers] = [[(HEADER, flow_id)] for flow_id in wanted]
    answers = client.at_once(scenario.path, [*headers, *[[] for _ in range(100)]])
    ids = [check_id(scenario.id, seen.header(HEADER)) for seen in answers[100:]]
    assert [seen.header(HEADER) for seen in answers[:100]] == [[each] for each in wanted]
    for seen, flow_id in zip(answers, [*wanted, *ids], strict=True):
        assert (seen.status, seen.text) == (200, f"{flow_id} {flow_id}")
    assert len({*wanted, *ids}) == 200


def asks_twice(client: Client, scenario: Scenario) -> None:
    """Send the same request two times: the answers differ in the ID alone."""
    first, second = (client.request("GET", scenario.path) for _ in range(2))
    check(scenario, first)
    check(scenario, second)
    assert first.header(HEADER) != second.header(HEADER)
    assert len(first.headers) == len(second.headers)


def asks_inside_a_unit(client: Client, scenario: Scenario) -> None:
    """Send a request from inside a unit of work of the same process."""
    with headrace.open_context("outer") as outer:
        check(scenario, client.request("GET", scenario.path))
        assert headrace.get_flow_context() is outer


def has_no_cause(client: Client, scenario: Scenario) -> None:
    """Send the request while a backend watches the unit, which names no other as its cause."""
    with watched_units() as units:
        check(scenario, client.request("GET", scenario.path, scenario.headers))
    (unit,) = units
    assert unit.context.causation_id is None


def logs_access(client: Client, scenario: Scenario) -> None:
    """Send a request whose path has an escape character in it, and one that fails."""
    for path, shown, status in (("/id", "/id", 200), ("/%1b", "/\\x1b", 404)):
        seen = client.request("GET", path)
        (line,) = seen.wait_for("access", lambda line: line.logger == "headrace.access")
        assert line.flow_id == check_id(scenario.id, seen.header(HEADER))
        assert line.message.startswith(f"GET {shown} {status} ")
    failed = client.request("GET", "/error/unhandled")
    (line,) = failed.wait_for("access", lambda line: line.logger == "headrace.access")
    assert line.message.startswith("GET /error/unhandled 500 ")


def ends_with_a_line(client: Client, scenario: Scenario) -> None:
    """Send requests, and look at the line that the unit of each ends with."""
    requests = (
        ("/id", r"GET \S*id\S* 200 in \d+\.\d ms"),
        ("/nested/id", r"GET \S*nested/id\S* 200 in \d+\.\d ms"),
        ("/stream", r"GET \S*stream\S* 200 in \d+\.\d ms"),
        ("/%1b", r"GET /\\x1b 404 in \d+\.\d ms"),
        ("/error/handled", r"GET \S*error/handled\S* 409 in \d+\.\d ms"),
        ("/error/unhandled", r"GET \S*error/unhandled\S* 500 error after \d+\.\d ms"),
    )
    for path, message in requests:
        seen = client.request("GET", path)
        (line,) = seen.wait_for("the unit", is_unit_line)
        assert re.fullmatch(message, line.message), line
        assert line.flow_id == check_id(scenario.id, seen.header(HEADER))


def has_no_line(client: Client, scenario: Scenario) -> None:
    """Send a request to an excluded path, and one to another."""
    before = client.request("GET", scenario.path)
    after = client.request("GET", "/headers")
    after.wait_for("the unit", is_unit_line)
    assert len([line for line in before.lines if is_unit_line(line)]) == 1


def is_unit_line(line: Line) -> bool:
    """Return whether `line` is that of the end of a request."""
    return (
        line.logger == "headrace"
        and re.match("GET .* [0-9]+ (in|error after) ", line.message) is not None
    )


def goes_by_the_fake_clock(client: Client, scenario: Scenario) -> None:
    """Send a request with a deadline while `fake_clock` is the clock of the process."""
    with fake_clock():
        check(scenario, client.request("GET", scenario.path, scenario.headers))


def gives_facts(client: Client, scenario: Scenario) -> None:
    """Send requests while a backend watches units, and look at what it can know of each."""
    with watched_units() as units:
        seen = client.request("POST", "/nowhere")
        check(scenario, client.request("GET", scenario.path))
    missing, found = (facts_of(unit.context) for unit in units)
    wanted = {"method": "GET", "path": scenario.path, "status": 200}
    assert {key: found[key] for key in wanted} == wanted
    assert {"method": "POST", "path": "/nowhere", "status": seen.status}.items() <= missing.items()
    assert "route" in found
