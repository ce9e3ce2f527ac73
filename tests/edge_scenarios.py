"""The contract at the edge: which headers give an ID, where it is written, who is trusted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from headrace.integration import REFUSAL
from tests.contract import HEADER, Scenario, has_no_cause

UUID_TEXT = "6f1c7a1e-8f5b-4c51-9d5e-1c2b9b8d7a10"
WIDE = "|12.a/b=c:d+e@f~g_h-"
TRACE_ID = "12345678901234567890123456789012"
TRACEPARENT = f"00-{TRACE_ID}-1234567890123456-01"

ROOT = "1-67891233-abcdef012345678912345678"
CLOUD_TRACE = "105445aa7843bc8bf206b12000100000"
AMAZON, GOOGLE = "X-Amzn-Trace-Id", "X-Cloud-Trace-Context"
VENDORS = {"request_headers": [AMAZON, GOOGLE, "X-Request-ID"]}

AMAZON_VALUES = {
    "alone": f"Root={ROOT}",
    "behind Self": f"Self=1-67891234-12456789abcdef012345678;Root={ROOT}",
    "before other fields": f"Root={ROOT};Parent=53995c3f42cd8ad8;Sampled=1;CalledFrom=app",
    "with a lineage and spaces": f"Root={ROOT}; Parent=53995c3f42cd8ad8; Lineage=a87bd80c:1|68fd:5",
}
GOOGLE_VALUES = {
    "alone": CLOUD_TRACE,
    "with a span": f"{CLOUD_TRACE}/2205310701640571284",
    "with a span and options": f"{CLOUD_TRACE}/1;o=1",
}
MALFORMED = {
    f"{name}: {value}": (name, value)
    for name, values in {
        AMAZON: [
            "",
            "Root=",
            "Root",
            ROOT,
            f"Parent={ROOT}",
            f"root={ROOT}",
            f"Root={ROOT}0",
            f"Root={ROOT},Root={ROOT}",
            f"Root={ROOT};Root={ROOT}",
            f"Root={ROOT} x",
            "Root=1-6789123g-abcdef012345678912345678",
        ],
        GOOGLE: [
            "",
            "x",
            "/1;o=1",
            f"{'0' * 32}/1;o=1",
            f"{CLOUD_TRACE}/x;o=1",
            f"{CLOUD_TRACE}0/1",
            f"{CLOUD_TRACE}/1;p=1",
            f"{CLOUD_TRACE}/1,{CLOUD_TRACE}/1",
        ],
    }.items()
    for value in values
}

VENDOR_HEADERS = [
    *(
        Scenario(
            f"takes the root of {AMAZON} {how}", headers=[(AMAZON, value)], id=ROOT, options=VENDORS
        )
        for how, value in AMAZON_VALUES.items()
    ),
    *(
        Scenario(
            f"takes the trace of {GOOGLE} {how}",
            headers=[(GOOGLE, value)],
            id=CLOUD_TRACE,
            options=VENDORS,
        )
        for how, value in GOOGLE_VALUES.items()
    ),
    *(
        Scenario(f"takes nothing of {how}", headers=[pair], options=VENDORS, refuses=True)
        for how, pair in MALFORMED.items()
    ),
    Scenario(
        "rejects a malformed vendor's header where it is told to",
        headers=[(AMAZON, "Root=x")],
        status=400,
        body=REFUSAL,
        options={**VENDORS, "on_invalid": "reject"},
        refuses=True,
    ),
    Scenario(
        "asks the validator about the root alone",
        headers=[(AMAZON, f"Root={ROOT};Sampled=1")],
        id=ROOT,
        options={**VENDORS, "validator": lambda value: value == ROOT},
    ),
    Scenario(
        "falls back to the next header where a vendor's is refused",
        headers=[(AMAZON, f"Root={ROOT}"), (GOOGLE, f"{CLOUD_TRACE}/1;o=1")],
        id=CLOUD_TRACE,
        options={**VENDORS, "validator": lambda value: value == CLOUD_TRACE},
        refuses=True,
    ),
    Scenario(
        "ignores a vendor's header that it is not told of",
        headers=[(AMAZON, f"Root={ROOT}")],
        never=(ROOT,),
    ),
    Scenario(
        "ignores a vendor's header where inbound IDs are not trusted",
        headers=[(AMAZON, f"Root={ROOT}")],
        options={**VENDORS, "trust_inbound": False},
        never=(ROOT,),
    ),
]


async def later(source: object) -> bool:
    """Answer too late."""
    return True


class Later:
    """A function whose answer must be awaited, which does not show."""

    def __call__(self, source: object) -> Any:
        """Answer too late."""

        class Answer:
            def __await__(self) -> Any:
                yield

        return Answer()


NEXT_SERVICE = [
    Scenario(
        "replaces an ID whose validator gives what must be awaited",
        headers=[(HEADER, "abc")],
        options={"validator": Later()},
        refuses=True,
    ),
    Scenario(
        "replaces an ID whose validator gives a coroutine",
        headers=[(HEADER, "abc")],
        options={"validator": lambda flow_id: later(str(flow_id))},
        refuses=True,
    ),
    Scenario("sends on the ID it has made", "/next"),
    Scenario("sends on an inbound ID", "/next", headers=[(HEADER, "abc")], id="abc"),
    Scenario("sends on a trace's ID", "/next", headers=[("traceparent", TRACEPARENT)], id=TRACE_ID),
    Scenario(
        "sends on what the validator accepts",
        "/next",
        headers=[(HEADER, WIDE)],
        id=WIDE,
        options={"validator": lambda flow_id: True},
    ),
    Scenario(
        "sends on an ID of 256 characters that the validator accepts",
        "/next",
        headers=[(HEADER, "|" * 256)],
        id="|" * 256,
        options={"validator": lambda flow_id: True},
    ),
    Scenario(
        "sends on a vendor's ID",
        "/next",
        headers=[(AMAZON, f"Root={ROOT}")],
        id=ROOT,
        options=VENDORS,
    ),
    Scenario(
        "makes a UUID where the factory does",
        "/next",
        id=UUID_TEXT,
        configuration={"id_factory": lambda: UUID(UUID_TEXT)},
    ),
]

OTHER_HEADER = [
    scenario
    for late in (False, True)
    for when in ["after" if late else "before"]
    for scenario in [
        Scenario(
            f"reads and writes the header of configure, called {when} the set-up",
            headers=[("X-Trace-Key", "abc"), (HEADER, "other")],
            id="abc",
            configuration={"header": "X-Trace-Key"},
            late=late,
        ),
        Scenario(
            f"still reads the other headers with one of configure, called {when} the set-up",
            headers=[("X-Request-ID", "abc")],
            id="abc",
            configuration={"header": "X-Trace-Key"},
            late=late,
        ),
        Scenario(
            f"prefers its own options to the header of configure, called {when} the set-up",
            headers=[("X-Trace-Key", "abc"), (HEADER, "other")],
            id="other",
            options={"request_headers": [HEADER], "response_header": "X-Out"},
            configuration={"header": "X-Trace-Key"},
            late=late,
        ),
        Scenario(
            f"writes the header of configure to the request, called {when} the set-up",
            "/headers",
            headers=[(HEADER, "other")],
            id="other",
            body="x-trace-key: {id}\n",
            options={"write_request_header": True},
            configuration={"header": "X-Trace-Key"},
            late=late,
        ),
        Scenario(
            f"exposes the header of configure, called {when} the set-up",
            options={"expose_header": True},
            configuration={"header": "X-Trace-Key"},
            has=[("Access-Control-Expose-Headers", "X-Trace-Key")],
            late=late,
        ),
    ]
]

WRITES = {"write_request_header": True}
BOTH = [("X-Request-ID", "second"), ("x-other", "kept")]

REQUEST_HEADER = [
    Scenario(
        "leaves the request's headers alone",
        "/headers",
        headers=[(HEADER, "abc"), *BOTH],
        id="abc",
        body="x-correlation-id: abc\nx-other: kept\nx-request-id: second\n",
    ),
    Scenario(
        "writes an inbound ID to the request",
        "/headers",
        headers=BOTH,
        id="second",
        body="x-correlation-id: {id}\nx-other: kept\n",
        options=WRITES,
    ),
    Scenario(
        "writes a fresh ID to the request",
        "/headers",
        body="x-correlation-id: {id}\n",
        options=WRITES,
    ),
    Scenario(
        "writes a fresh ID over one that is not trusted",
        "/headers",
        headers=[(HEADER, "theirs"), *BOTH],
        body="x-correlation-id: {id}\nx-other: kept\n",
        options={**WRITES, "trust_inbound": False},
        never=("theirs", "second"),
    ),
    Scenario(
        "writes a fresh ID over one that is refused",
        "/headers",
        headers=[(HEADER, "a,b")],
        body="x-correlation-id: {id}\n",
        options=WRITES,
        refuses=True,
    ),
    Scenario(
        "writes the first of the headers that it is told of",
        "/headers",
        headers=[("X-Second", "abc"), (HEADER, "kept")],
        id="abc",
        body="x-correlation-id: kept\nx-first: abc\n",
        options={**WRITES, "request_headers": ["X-First", "X-Second"]},
    ),
    Scenario(
        "writes nothing to the request of an excluded path",
        "/headers",
        headers=[(HEADER, "abc")],
        id=None,
        body="x-correlation-id: abc\n",
        options={**WRITES, "exclude_paths": ["/headers"]},
    ),
    Scenario(
        "sends no header where it is told to send none",
        headers=[(HEADER, "abc")],
        id="abc",
        options={"response_header": None},
    ),
    Scenario(
        "sends no header of its own beside the handler's",
        "/error/handled",
        headers=[(HEADER, "abc")],
        id="abc",
        status=409,
        options={"response_header": None},
    ),
]

STRANGE_STATE = [("traceparent", TRACEPARENT), ("tracestate", "headrace=00f067aa0ba902b7")]


def by_path(source: Mapping[str, Any]) -> bool:
    """Trust by the path, of a scope or environ alike."""
    return bool(source.get("path") or source.get("PATH_INFO") == "/id")


def failing(source: object) -> bool:
    """Fail."""
    raise LookupError


def stranger(source: object) -> bool:
    """Trust nobody."""
    return False


TRUST = [
    Scenario(
        "takes an ID over where the function trusts the request",
        headers=[(HEADER, "abc")],
        id="abc",
        options={"trust_inbound": by_path},
    ),
    *(
        Scenario(
            f"takes neither ID nor trace over where {what}",
            headers=[(HEADER, "theirs"), *STRANGE_STATE],
            options={"trust_inbound": trust},
            never=("theirs", TRACE_ID),
            play=has_no_cause,
        )
        for what, trust in {
            "nothing is trusted": False,
            "the function does not trust the request": stranger,
            "the function raises": failing,
            "the function's answer must be awaited": Later(),
        }.items()
    ),
    Scenario(
        "rejects nothing of a request that it does not trust",
        headers=[(HEADER, "not valid")],
        options={"trust_inbound": stranger, "on_invalid": "reject"},
    ),
]


def proving(mark: pytest.MarkDecorator, scenarios: list[Scenario]) -> list[Scenario]:
    """Mark the scenarios with the guarantee that they prove."""
    return [replace(scenario, marks=[mark]) for scenario in scenarios]


EDGE = [
    *proving(pytest.mark.guarantee(58), NEXT_SERVICE),
    *proving(pytest.mark.guarantee(60), OTHER_HEADER),
    *proving(pytest.mark.guarantee(111), REQUEST_HEADER),
    *proving(pytest.mark.guarantee(112), VENDOR_HEADERS),
    *proving(pytest.mark.guarantee(61), TRUST),
]
