"""The contract: what every web framework's integration does, as requests and what is then seen.

A framework's tests give a `tests.sites.Framework` and run every scenario:

    @pytest.mark.parametrize("scenario", SCENARIOS)
    def test_contract(scenario: Scenario) -> None:
        run(scenario, FRAMEWORK)
"""

from __future__ import annotations

import pytest

from headrace.integration import REFUSAL
from tests.contract import (
    HEADER,
    Scenario,
    asks_at_once,
    asks_inside_a_unit,
    asks_twice,
    closes_in_unit,
    ends_with_a_line,
    gives_facts,
    goes_away,
    goes_by_the_fake_clock,
    has_no_line,
    logs_access,
    talks,
)
from tests.edge_scenarios import EDGE
from tests.life_scenarios import LIFE_OF_A_REQUEST
from tests.sites import OWN_HEADERS

BIG = b"x" * 1024 * 1024


WIDE = "|12.a/b=c:d+e@f~g_h-"
"""An ID with every character that none has by default at the edge."""


def raising(flow_id: str) -> bool:
    """Fail, as a validator."""
    raise LookupError(flow_id)


TAKEN_OVER = [
    Scenario("makes an ID", places=("handler",), on_server=True),
    Scenario(
        "makes an ID for an async handler", "/async/id", places=("handler",), needs=("async",)
    ),
    Scenario("takes an inbound ID over", headers=[(HEADER, "aB-1._")], id="aB-1._", on_server=True),
    Scenario("takes over an ID of 128 characters", headers=[(HEADER, "x" * 128)], id="x" * 128),
    Scenario("reads X-Request-ID too", headers=[("X-Request-ID", "abc")], id="abc"),
    Scenario(
        "prefers the first header",
        headers=[("X-Request-ID", "second"), (HEADER, "first")],
        id="first",
    ),
    Scenario(
        "falls back to the second header where the first is refused",
        headers=[("X-Request-ID", "second"), (HEADER, "not valid")],
        id="second",
        never=("not valid",),
        refuses=True,
    ),
    Scenario(
        "reads and writes the headers that it is told to",
        headers=[("X-Trace", "abc"), (HEADER, "other")],
        id="abc",
        options={"request_headers": ["X-Trace"], "response_header": "X-Trace-Out"},
    ),
    Scenario(
        "takes no inbound ID over where they are not trusted",
        headers=[(HEADER, "untrusted")],
        options={"trust_inbound": False},
        never=("untrusted",),
    ),
]

TRACE_ID = "12345678901234567890123456789012"
TRACEPARENT = f"00-{TRACE_ID}-1234567890123456-01"

TRACED = [
    Scenario("takes a trace's ID over", headers=[("traceparent", TRACEPARENT)], id=TRACE_ID),
    Scenario(
        "prefers its own header to a trace",
        headers=[("traceparent", TRACEPARENT), (HEADER, "abc"), ("tracestate", "a=1")],
        id="abc",
    ),
    Scenario(
        "falls back to a trace where its own header is refused",
        headers=[("traceparent", TRACEPARENT), (HEADER, "not valid")],
        id=TRACE_ID,
        never=("not valid",),
        refuses=True,
    ),
    Scenario(
        "takes no trace over where inbound IDs are not trusted",
        headers=[("traceparent", TRACEPARENT)],
        options={"trust_inbound": False},
        never=(TRACE_ID,),
    ),
    Scenario(
        "begins a new trace where the header is doubled",
        headers=[("traceparent", TRACEPARENT), ("traceparent", TRACEPARENT)],
        never=(TRACE_ID,),
    ),
    Scenario(
        "neither takes over nor rejects a malformed trace",
        headers=[("traceparent", TRACEPARENT + "0")],
        options={"on_invalid": "reject"},
        never=(TRACE_ID,),
    ),
]

REFUSED_TEXTS = {
    "empty": "",
    "with a space": "not valid",
    "with line breaks": "abc\r\nSet-Cookie: evil=1",
    "of 16 KB": "x" * 16384,
    "of 129 characters": "x" * 129,
    "with a colon": "x:y",
    "that begins with a dash": "-x",
    "with a terminal escape": "\x1b[31mred",
    "with a quote": 'not"valid',
    "with a comma": "not,valid",
    "outside ASCII": "n\u00e3o",
    "with fullwidth digits, in UTF-8": "\uff11\uff12".encode().decode("latin-1"),
}

BEYOND = {
    "of 257 characters": "x" * 257,
    "that begins with a dash": "-x",
    "with a semicolon": "x;y",
    "with a comma": "x,y",
    "with a space": "x y",
    "with a percent sign": "x%0a",
    "that is empty": "",
}

REFUSED = [
    *(
        Scenario(
            f"replaces an inbound ID {words}",
            headers=[(HEADER, text)],
            places=("handler",),
            never=(text,) if text else (),
            refuses=True,
            needs=("line breaks",) if "\n" in text else (),
            marks=[pytest.mark.guarantee(8)],
        )
        for words, text in REFUSED_TEXTS.items()
    ),
    Scenario(
        "replaces a doubled header, whichever is valid",
        headers=[(HEADER, "not-this"), (HEADER, "nor-this")],
        never=("not-this", "nor-this"),
        refuses=True,
        marks=[pytest.mark.guarantee(8)],
    ),
    Scenario(
        "replaces a doubled header, be its values equal",
        headers=[(HEADER, "not-this"), (HEADER, "not-this")],
        never=("not-this",),
        refuses=True,
        marks=[pytest.mark.guarantee(8)],
    ),
    Scenario(
        "answers 400 to an invalid ID where it is to reject",
        headers=[(HEADER, "not valid")],
        status=400,
        body=REFUSAL,
        never=("not valid", "handler"),
        refuses=True,
        options={"on_invalid": "reject"},
        marks=[pytest.mark.guarantee(8)],
    ),
    Scenario(
        "lets a valid ID pass where it is to reject",
        headers=[(HEADER, "abc")],
        id="abc",
        options={"on_invalid": "reject"},
    ),
    Scenario(
        "lets a request without an ID pass where it is to reject",
        options={"on_invalid": "reject"},
    ),
    Scenario(
        "takes over what the validator accepts",
        headers=[(HEADER, WIDE)],
        id=WIDE,
        options={"validator": lambda flow_id: flow_id == WIDE},
    ),
    Scenario(
        "replaces what the validator refuses",
        headers=[(HEADER, "letters")],
        options={"validator": str.isdigit},
        never=("letters",),
        refuses=True,
    ),
    Scenario(
        "replaces an ID whose validator raises",
        headers=[(HEADER, "abc")],
        options={"validator": raising},
        refuses=True,
    ),
    Scenario(
        "takes over an ID of 256 characters that the validator accepts",
        headers=[(HEADER, "x" * 256)],
        id="x" * 256,
        options={"validator": lambda flow_id: True},
    ),
    *(
        Scenario(
            f"replaces an ID {how}, whatever the validator says",
            headers=[(HEADER, text)],
            options={"validator": lambda flow_id: True},
            refuses=True,
        )
        for how, text in BEYOND.items()
    ),
    Scenario(
        "shows the validator no control characters",
        headers=[(HEADER, "a\r\nb")],
        needs=("line breaks",),
        options={"validator": lambda flow_id: True},
        refuses=True,
    ),
]

RESPONSES = [
    Scenario(
        "opens no unit for an excluded path",
        id=None,
        places=("handler",),
        options={"exclude_paths": ["/id"]},
    ),
    Scenario(
        "opens no unit below an excluded prefix",
        "/nested/id",
        id=None,
        options={"exclude_paths": ["/nested/*"]},
        needs=("nested",),
    ),
    Scenario(
        "opens no unit for the path of an excluded prefix itself",
        id=None,
        options={"exclude_paths": ["/id/*"]},
    ),
    Scenario("opens one beside excluded paths", options={"exclude_paths": ["/i", "/iden/*"]}),
    Scenario(
        "has the ID in the handler of an error",
        "/error/handled",
        status=409,
        places=("error handler",),
    ),
    Scenario(
        "has the ID on the page of an unhandled error, and in its traceback's line",
        "/error/unhandled",
        status=500,
        body=None,
        error="BrokenError",
        on_server=True,
        marks=[pytest.mark.guarantee(9)],
    ),
    Scenario("has the ID on a 404", "/nowhere", status=404, body=None),
    Scenario("has the ID on a 405", method="DELETE", status=405, body=None),
    Scenario("has the ID on a redirect", "/redirect", status=302, body=None),
    Scenario("has the ID on the answer to HEAD", method="HEAD", body="", on_server=True),
    Scenario(
        "replaces the handler's own header",
        "/own-header",
        marks=[pytest.mark.guarantee(17)],
    ),
    Scenario(
        "exposes its header to browsers",
        options={"expose_header": True},
        has=[("Access-Control-Expose-Headers", HEADER)],
        marks=[pytest.mark.guarantee(18)],
    ),
    Scenario(
        "exposes its header beside the handler's",
        "/own-header",
        options={"expose_header": True},
        has=[("Access-Control-Expose-Headers", f"{OWN_HEADERS[1][1]}, {HEADER}")],
        marks=[pytest.mark.guarantee(18)],
    ),
    Scenario(
        "leaves a constant list of headers alone",
        "/constant",
        play=asks_twice,
        marks=[pytest.mark.guarantee(17)],
    ),
    Scenario(
        "opens one unit where the middleware is there twice",
        twice=True,
        marks=[pytest.mark.guarantee(1)],
    ),
    Scenario("has the ID in a nested application", "/nested/id", needs=("nested",)),
]

STREAM = "{id}\n{id}\n{id}\n"

LIFE = [
    Scenario(
        "streams within the unit",
        "/stream",
        body=STREAM,
        places=("piece", "piece", "piece", "closed"),
        needs=("stream",),
        on_server=True,
        marks=[pytest.mark.guarantee(12)],
    ),
    Scenario(
        "streams asynchronously within the unit",
        "/async/stream",
        body=STREAM,
        places=("piece", "piece", "piece", "closed"),
        needs=("async stream",),
        on_server=True,
        marks=[pytest.mark.guarantee(12)],
    ),
    Scenario(
        "sends events within the unit",
        "/events",
        body="data: {id}\n\n" * 3,
        places=("piece", "piece", "piece"),
        needs=("stream",),
        on_server=True,
    ),
    Scenario(
        "ends the unit of a client that goes away",
        "/endless",
        play=goes_away,
        needs=("stream",),
        on_server=True,
        marks=[pytest.mark.guarantee(12)],
    ),
    Scenario(
        "closes the stream of a client that goes away within its unit",
        "/endless",
        play=closes_in_unit,
        needs=("stream", "closed stream"),
        on_server=True,
    ),
    Scenario(
        "ends the unit of a client that goes away from an asynchronous stream",
        "/async/endless",
        play=goes_away,
        needs=("async stream",),
        on_server=True,
        marks=[pytest.mark.guarantee(12)],
    ),
    Scenario(
        "closes the asynchronous stream of a client that goes away within its unit",
        "/async/endless",
        play=closes_in_unit,
        needs=("async stream", "closed async stream"),
        on_server=True,
        marks=[pytest.mark.guarantee(12)],
    ),
    Scenario(
        "has the ID in background work",
        "/background",
        places=("background",),
        needs=("background",),
        on_server=True,
        marks=[pytest.mark.guarantee(13)],
    ),
    Scenario("has the ID in threads", "/thread", body="{id} {id}", places=("thread", "thread")),
    Scenario(
        "shares metadata across the request",
        "/metadata",
        body="yes",
        marks=[pytest.mark.guarantee(11)],
    ),
    Scenario(
        "opens a unit for a WebSocket",
        "/socket",
        headers=[(HEADER, "abc")],
        id="abc",
        status=101,
        body="abc\nabc\n",
        places=("socket",),
        play=talks,
        needs=("websocket",),
        on_server=True,
        marks=[pytest.mark.guarantee(14)],
    ),
    Scenario(
        "refuses a WebSocket with an invalid ID where it is to reject",
        "/socket",
        headers=[(HEADER, "not valid")],
        status=400,
        body=REFUSAL,
        never=("not valid",),
        avoids=("socket",),
        play=talks,
        options={"on_invalid": "reject"},
        needs=("websocket",),
        refuses=True,
    ),
    Scenario(
        "reads a large body",
        "/body",
        method="POST",
        sends=BIG,
        body=f"{{id}} {len(BIG)}",
        on_server=True,
    ),
    Scenario(
        "keeps 200 requests at once apart",
        "/slow",
        play=asks_at_once,
        on_server=True,
        marks=[pytest.mark.guarantee(1)],
    ),
    Scenario(
        "leaves the caller's context intact and does not join it",
        play=asks_inside_a_unit,
        marks=[pytest.mark.guarantee(2)],
    ),
]

SETTINGS = [
    Scenario(
        "ends each request with a line that names its route, status and outcome",
        play=ends_with_a_line,
        needs=("nested",),
        marks=[pytest.mark.guarantee(170)],
    ),
    Scenario(
        "has no line for an excluded path",
        play=has_no_line,
        options={"exclude_paths": ["/id"]},
        marks=[pytest.mark.guarantee(170)],
    ),
    Scenario(
        "logs a line for each request to `headrace.access` where it is told to",
        play=logs_access,
        options={"access_log": True},
        marks=[pytest.mark.filterwarnings("ignore:access_log is deprecated")],
    ),
    Scenario(
        "tells a backend that watches units the method, the path, the route and the status",
        play=gives_facts,
    ),
    Scenario(
        "ignores an inbound deadline",
        "/deadline",
        headers=[("X-Deadline-Ms", "3600000")],
        body="None",
    ),
    Scenario(
        "accepts an inbound deadline where it is told to",
        "/deadline",
        headers=[("X-Deadline-Ms", "3600000")],
        body="60",
        options={"accept_deadline": True},
        marks=[pytest.mark.guarantee(40)],
    ),
    Scenario(
        "measures an inbound deadline by the clock that a test puts in place",
        "/deadline",
        headers=[("X-Deadline-Ms", "3600000")],
        body="60",
        play=goes_by_the_fake_clock,
        options={"accept_deadline": True},
        marks=[pytest.mark.guarantee(88)],
    ),
    Scenario(
        "ignores a malformed deadline",
        "/deadline",
        headers=[("X-Deadline-Ms", "-9e3")],
        body="None",
        options={"accept_deadline": True},
    ),
]

SCENARIOS = [
    pytest.param(each, id=each.does, marks=each.marks)
    for each in [
        *TAKEN_OVER,
        *TRACED,
        *REFUSED,
        *RESPONSES,
        *LIFE,
        *SETTINGS,
        *EDGE,
        *LIFE_OF_A_REQUEST,
    ]
]
ON_SERVERS = [param for param in SCENARIOS if param.values[0].on_server]
