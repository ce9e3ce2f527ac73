"""The cases of the W3C Trace Context test suite, under their original names.

https://github.com/w3c/trace-context/blob/main/test/test.py has the originals and their
expectations; these tests send the same headers to a service and check what it sends on.
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.trace import TraceFlags

import headrace
from headrace import asgi, wsgi

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.core.otel_kit import Spans

TRACE = "12345678901234567890123456789012"
PARENT = "1234567890123456"
SAMPLED = f"00-{TRACE}-{PARENT}-01"
UNSAMPLED = ("traceparent", f"00-{TRACE}-{PARENT}-00")
FUTURE = "what-the-future-will-be-like"

Headers = list[tuple[str, str]]
Call = "Callable[[Headers, int], list[dict[str, str]]]"

pytestmark = pytest.mark.guarantee(65)


class Sent:
    """The headers of one outgoing request of a service."""

    def __init__(self, carrier: dict[str, str]) -> None:
        match = re.fullmatch(
            r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})", carrier["traceparent"]
        )
        assert match is not None, carrier
        self.trace, self.parent, flags = match.groups()
        self.flags = int(flags, 16)
        assert self.trace.strip("0")
        assert self.parent.strip("0")
        members = [each for each in carrier.get("tracestate", "").split(",") if each]
        assert len(members) <= 32
        self.all = [tuple(member.split("=", 1)) for member in members]
        self.state = {key: value for key, value in self.all if key != "headrace"}


def by_hand(headers: Headers, count: int) -> list[dict[str, str]]:
    """Serve a message like a consumer without an integration."""
    with headrace.open_context(remote=headrace.extract(headers)):
        return [carrier() for _ in range(count)]


def by_asgi(headers: Headers, count: int) -> list[dict[str, str]]:
    """Serve a request with the ASGI middleware."""
    sent: list[dict[str, str]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        sent.extend(carrier() for _ in range(count))

    raw = [(name.lower().encode(), value.encode()) for name, value in headers]
    scope = {"type": "http", "method": "POST", "path": "/", "headers": raw}
    asyncio.run(asgi.FlowMiddleware(app)(scope, None, None))  # type: ignore[arg-type]
    return sent


def by_wsgi(headers: Headers, count: int) -> list[dict[str, str]]:
    """Serve a request with the WSGI middleware; servers join equal headers for it."""
    sent: list[dict[str, str]] = []

    def app(environ: Any, start_response: Any) -> list[bytes]:
        sent.extend(carrier() for _ in range(count))
        return []

    environ = {"REQUEST_METHOD": "POST", "PATH_INFO": "/"}
    for name, value in headers:
        key = "HTTP_" + name.upper().replace("-", "_")
        environ[key] = f"{environ[key]},{value}" if key in environ else value
    wsgi.FlowMiddleware(app)(environ, None)  # type: ignore[arg-type]
    return sent


def carrier() -> dict[str, str]:
    written: dict[str, str] = {}
    headrace.inject(written)
    return written


@pytest.fixture(params=["none", "otel"])
def backend(request: pytest.FixtureRequest, install: Callable[..., Spans]) -> None:
    """Without OpenTelemetry, and with its propagator writing the headers."""
    headrace.configure(request.param)
    if request.param == "otel":
        install()


@pytest.fixture(params=[by_hand, by_asgi, by_wsgi])
def call(request: pytest.FixtureRequest, backend: None) -> Any:
    """A service: it takes headers and the number of requests to send on."""

    def called(headers: Headers, count: int = 1) -> list[Sent]:
        return [Sent(written) for written in request.param(headers, count)]

    return called


def trace_of(call: Any, value: str, name: str = "traceparent") -> str:
    [sent] = call([(name, value)])
    return sent.trace


def state_of(call: Any, *values: str, name: str = "tracestate") -> dict[str, str]:
    [sent] = call([UNSAMPLED, *((name, value) for value in values)])
    assert sent.trace == TRACE
    assert sent.flags == 0
    return sent.state


# --- traceparent ----------------------------------------------------------------------------------


def test_both_traceparent_and_tracestate_missing(call: Any) -> None:
    """A valid traceparent is sent."""
    assert len(call([])) == 1


def test_traceparent_included_tracestate_missing(call: Any) -> None:
    """The trace continues with another parent."""
    [sent] = call([("traceparent", SAMPLED)])
    assert sent.trace == TRACE
    assert sent.parent != PARENT


def test_traceparent_duplicated(call: Any) -> None:
    """Two headers begin a new trace."""
    other = SAMPLED.replace(TRACE, TRACE[:-1] + "1")
    [sent] = call([("traceparent", other), ("traceparent", SAMPLED)])
    assert sent.trace not in {TRACE, TRACE[:-1] + "1"}


def test_traceparent_header_name(call: Any) -> None:
    """Other names are ignored."""
    assert trace_of(call, SAMPLED, "trace-parent") != TRACE
    assert trace_of(call, SAMPLED, "trace.parent") != TRACE


def test_traceparent_header_name_valid_casing(call: Any) -> None:
    """The case of the name does not matter."""
    for name in ("TraceParent", "TrAcEpArEnT", "TRACEPARENT"):
        assert trace_of(call, SAMPLED, name) == TRACE


def test_traceparent_version_0x00(call: Any) -> None:
    """Version 0 has nothing after the flags."""
    for more in (".", f"-{FUTURE}"):
        assert trace_of(call, SAMPLED + more) != TRACE


def test_traceparent_version_0xcc(call: Any) -> None:
    """A future version may have more fields, after a hyphen."""
    future = "cc" + SAMPLED[2:]
    assert trace_of(call, future) == TRACE
    assert trace_of(call, f"{future}-{FUTURE}") == TRACE
    assert trace_of(call, f"{future}.{FUTURE}") != TRACE


def test_traceparent_version_0xff(call: Any) -> None:
    """This version is forbidden."""
    assert trace_of(call, "ff" + SAMPLED[2:]) != TRACE


@pytest.mark.parametrize("version", [".0", "0."])
def test_traceparent_version_illegal_characters(call: Any, version: str) -> None:
    """A version is two hex digits."""
    assert trace_of(call, version + SAMPLED[2:]) != TRACE


@pytest.mark.parametrize("version", ["000", "0000"])
def test_traceparent_version_too_long(call: Any, version: str) -> None:
    """A version is two hex digits."""
    assert trace_of(call, version + SAMPLED[2:]) != TRACE


def test_traceparent_version_too_short(call: Any) -> None:
    """A version is two hex digits."""
    assert trace_of(call, SAMPLED[1:]) != TRACE


def test_traceparent_trace_id_all_zero(call: Any) -> None:
    """All zeros is not a trace ID; `Sent` rejects it."""
    assert trace_of(call, f"00-{'0' * 32}-{PARENT}-01")


@pytest.mark.parametrize("trace", ["." + TRACE[1:], TRACE[:-1] + "."])
def test_traceparent_trace_id_illegal_characters(call: Any, trace: str) -> None:
    """A trace ID is hex digits."""
    assert trace_of(call, f"00-{trace}-{PARENT}-01") != trace


def test_traceparent_trace_id_too_long(call: Any) -> None:
    """A trace ID has 32 digits; a longer one is not truncated."""
    sent = trace_of(call, f"00-{TRACE}3-{PARENT}-01")
    assert sent not in {TRACE, TRACE[1:] + "3"}


def test_traceparent_trace_id_too_short(call: Any) -> None:
    """A trace ID has 32 digits."""
    assert TRACE[:-1] not in trace_of(call, f"00-{TRACE[:-1]}-{PARENT}-01")


@pytest.mark.parametrize("parent", ["0" * 16])
def test_traceparent_parent_id_all_zero(call: Any, parent: str) -> None:
    """All zeros is not a parent ID."""
    assert trace_of(call, f"00-{TRACE}-{parent}-01") != TRACE


@pytest.mark.parametrize("parent", ["." + PARENT[1:], PARENT[:-1] + "."])
def test_traceparent_parent_id_illegal_characters(call: Any, parent: str) -> None:
    """A parent ID is hex digits."""
    assert trace_of(call, f"00-{TRACE}-{parent}-01") != TRACE


def test_traceparent_parent_id_too_long(call: Any) -> None:
    """A parent ID has 16 digits."""
    assert trace_of(call, f"00-{TRACE}-{PARENT}7-01") != TRACE


def test_traceparent_parent_id_too_short(call: Any) -> None:
    """A parent ID has 16 digits."""
    assert trace_of(call, f"00-{TRACE}-{PARENT[:-1]}-01") != TRACE


@pytest.mark.parametrize("flags", [".0", "0."])
def test_traceparent_trace_flags_illegal_characters(call: Any, flags: str) -> None:
    """Flags are two hex digits."""
    assert trace_of(call, f"00-{TRACE}-{PARENT}-{flags}") != TRACE


def test_traceparent_trace_flags_too_long(call: Any) -> None:
    """Flags are two hex digits."""
    assert trace_of(call, f"00-{TRACE}-{PARENT}-001") != TRACE


def test_traceparent_trace_flags_too_short(call: Any) -> None:
    """Flags are two hex digits."""
    assert trace_of(call, f"00-{TRACE}-{PARENT}-1") != TRACE


@pytest.mark.parametrize("around", [" {}", "\t{}", "{} ", "{}\t", "\t {} \t"])
def test_traceparent_ows_handling(call: Any, around: str) -> None:
    """Spaces and tabs around the value are ignored."""
    assert trace_of(call, around.format(SAMPLED)) == TRACE


# --- tracestate -----------------------------------------------------------------------------------


def test_tracestate_included_traceparent_missing(call: Any) -> None:
    """A tracestate alone is dropped."""
    for state in ("foo=1", "foo=1,bar=2"):
        [sent] = call([("tracestate", state)])
        assert sent.state == {}


def test_tracestate_included_traceparent_included(call: Any) -> None:
    """With a traceparent, the tracestate is passed on."""
    assert state_of(call, "foo=1,bar=2") == {"foo": "1", "bar": "2"}


def test_tracestate_header_name(call: Any) -> None:
    """Other names are ignored."""
    for name in ("trace-state", "trace.state"):
        assert state_of(call, "foo=1", name=name) == {}


def test_tracestate_header_name_valid_casing(call: Any) -> None:
    """The case of the name does not matter."""
    for name in ("TraceState", "TrAcEsTaTe", "TRACESTATE"):
        assert state_of(call, "foo=1", name=name) == {"foo": "1"}


def test_tracestate_empty_header(call: Any) -> None:
    """An empty header is ignored and does not affect another."""
    assert state_of(call, "") == {}
    assert state_of(call, "foo=1", "") == {"foo": "1"}
    assert state_of(call, "", "foo=1") == {"foo": "1"}


def test_tracestate_multiple_headers_different_keys(call: Any) -> None:
    """Several headers are one list, in their order."""
    state = state_of(call, "foo=1,bar=2", "rojo=1,congo=2", "baz=3")
    assert [*state] == ["foo", "bar", "rojo", "congo", "baz"]


@pytest.mark.parametrize(
    "values", [["foo=1,foo=1"], ["foo=1,foo=2"], ["foo=1", "foo=1"], ["foo=1", "foo=2"]]
)
def test_tracestate_duplicated_keys(call: Any, values: list[str]) -> None:
    """Of members with the same key only the first is passed on; the rest of the list is kept."""
    [sent] = call([UNSAMPLED, *(("tracestate", value) for value in [*values, "bar=3"])])
    assert [pair for pair in sent.all if pair[0] != "headrace"] == [("foo", "1"), ("bar", "3")]


def test_tracestate_all_allowed_characters(call: Any) -> None:
    """Every character of the grammar is passed on."""
    key = "abcdefghijklmnopqrstuvwxyz0123456789_-*/"
    value = "".join(chr(code) for code in range(0x20, 0x7F) if chr(code) not in ",=")
    assert state_of(call, f"{key}={value}") == {key: value}
    assert state_of(call, f"{key}@a-z0-9_-*/={value}") == {f"{key}@a-z0-9_-*/": value}


def test_tracestate_ows_handling(call: Any) -> None:
    """Spaces and tabs around members are ignored."""
    for state in ("foo=1 \t , \t bar=2, \t baz=3", "foo=1\t \t,\t \tbar=2,\t \tbaz=3"):
        assert state_of(call, state) == {"foo": "1", "bar": "2", "baz": "3"}
    for state in (" foo=1", "\tfoo=1", "foo=1 ", "foo=1\t", "\t foo=1 \t"):
        assert state_of(call, state) == {"foo": "1"}


@pytest.mark.parametrize("member", ["foo =1", "FOO=1", "foo.bar=1"])
def test_tracestate_key_illegal_characters(call: Any, member: str) -> None:
    """A key with an invalid character drops the list."""
    assert state_of(call, member) == {}


@pytest.mark.parametrize("key", ["foo@", "foo@@bar", "foo@bar@baz", "9to5"])
def test_tracestate_key_illegal_vendor_format(call: Any, key: str) -> None:
    """At level 2 an at sign may occur anywhere except at the start."""
    assert state_of(call, f"{key}=1,bar=2") == {key: "1", "bar": "2"}
    assert state_of(call, "@foo=1,bar=2") == {}


def test_tracestate_member_count_limit(call: Any) -> None:
    """A list of 32 members (including headrace's) is passed on, one of 33 is dropped."""
    members = [f"bar{number:02}={number:02}" for number in range(1, 34)]
    [sent] = call([
        UNSAMPLED,
        ("tracestate", ",".join(members[:20])),
        ("tracestate", ",".join(members[20:32])),
    ])
    assert sent.state["bar01"] == "01"
    assert len(sent.all) == 32
    assert state_of(call, ",".join(members)) == {}


@pytest.mark.parametrize(
    "key", ["z" * 256, "t" * 241 + "@" + "v" * 14, "t" * 242 + "@v", "t@" + "v" * 15]
)
def test_tracestate_key_length_limit(call: Any, key: str) -> None:
    """A key has at most 256 characters, wherever its at sign is."""
    assert state_of(call, "foo=1", f"{key}=1") == {"foo": "1", key: "1"}
    assert state_of(call, "foo=1", "z" * 257 + "=1") == {}


@pytest.mark.parametrize("state", ["foo=bar=baz", "foo=,bar=3"])
def test_tracestate_value_illegal_characters(call: Any, state: str) -> None:
    """A value that is empty or has an equals sign drops the list."""
    assert state_of(call, state) == {}


# --- Several requests, and level 2 ----------------------------------------------------------------


def test_multiple_requests_with_valid_traceparent(call: Any) -> None:
    """All outgoing requests continue the inbound trace."""
    sent = call([("traceparent", SAMPLED)], 3)
    assert [each.trace for each in sent] == [TRACE] * 3


def test_multiple_requests_without_traceparent(call: Any) -> None:
    """All outgoing requests share one trace."""
    assert len({each.trace for each in call([], 3)}) == 1


def test_multiple_requests_with_illegal_traceparent(call: Any) -> None:
    """An invalid header starts one new trace."""
    sent = call([("traceparent", f"00-{'0' * 32}-{PARENT}-01")], 3)
    assert len({each.trace for each in sent}) == 1


def test_propagates_random_flag(call: Any, request: pytest.FixtureRequest) -> None:
    """The flag for random trace IDs is passed on."""
    if "otel" in request.node.name and not hasattr(TraceFlags, "RANDOM_TRACE_ID"):
        pytest.skip("this version of OpenTelemetry's SDK drops the flag")
    [sent] = call([("traceparent", f"00-{TRACE}-{PARENT}-02")])
    assert sent.trace == TRACE
    assert sent.parent != PARENT
    assert sent.flags == 2
