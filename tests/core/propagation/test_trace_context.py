"""W3C Trace Context, beyond the cases of the standard's own suite (`test_w3c_suite`)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from opentelemetry import trace

import headrace
from headrace import RemoteContext, extract, inject, open_context
from headrace.integration import HttpOptions, HttpPolicy, transport_context

if TYPE_CHECKING:
    from tests.core.otel_kit import Spans

TRACE = "12345678901234567890123456789012"
PARENT = "1234567890123456"
VALID = f"00-{TRACE}-{PARENT}-01"
PARENT_FORMAT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
Headers = list[tuple[str, str]]

TRACEPARENTS = {
    VALID: True,
    # Upper case, which the grammar (HEXDIGLC) excludes, and malformed values.
    f"00-{TRACE[:-2]}AB-{PARENT}-01": False,
    f"00-{TRACE}-{PARENT[:-2]}AB-01": False,
    f"00-{TRACE}-{PARENT}-0A": False,
    f"00-{TRACE}-{PARENT}-01\n": False,
    f"{VALID},{VALID}": False,
    "": False,
    "x" * 65536: False,
}


def numbered(count: int) -> str:
    return ",".join(f"bar{number:02}={number:02}" for number in range(1, count + 1))


def sent(headers: Headers) -> dict[str, str]:
    """Return what a unit sends that a message with `headers` has opened."""
    carrier: dict[str, str] = {}
    with open_context(remote=extract(headers)):
        inject(carrier)
    return carrier


def parent_of(carrier: dict[str, str]) -> tuple[str, ...]:
    match = PARENT_FORMAT.fullmatch(carrier["traceparent"])
    assert match is not None
    return match.groups()


def state_of(carrier: dict[str, str]) -> str:
    """Return the tracestate but for its first member, which is ours."""
    ours, _, others = carrier["tracestate"].partition(",")
    assert re.fullmatch("headrace=[0-9a-f]{16}", ours)
    return others


# --- traceparent ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("value", "valid"), TRACEPARENTS.items())
def test_traceparent_is_taken_over_where_it_is_valid(value: str, valid: bool) -> None:
    """A valid one's trace goes on, with a parent of our own; any other begins a new trace."""
    trace_id, parent_id, _ = parent_of(sent([("traceparent", value)]))
    assert (trace_id == TRACE) == valid
    assert int(trace_id, 16) * int(parent_id, 16) > 0
    assert parent_id != PARENT


@pytest.mark.parametrize(("value", "valid"), TRACEPARENTS.items())
def test_its_trace_id_is_the_correlation_id_of_a_request(value: str, valid: bool) -> None:
    """A middleware reads the same values in the same way."""
    context, reject = HttpPolicy(HttpOptions(on_invalid="reject")).admit(
        "http", "/", [("traceparent", value)]
    )
    assert (context.correlation_id == TRACE) == valid
    assert not reject


def test_wsgi_s_names_are_known() -> None:
    """The header names of an environ have a prefix."""
    assert extract({"HTTP_TRACEPARENT": VALID}).trace is not None


def test_each_message_has_a_parent_of_its_own() -> None:
    """Three messages from one unit share the trace, and none the parent ID."""
    with open_context(remote=extract([("traceparent", VALID)])):
        carriers: list[dict[str, str]] = [{}, {}, {}]
        for carrier in carriers:
            inject(carrier)
    assert {parent_of(carrier)[0] for carrier in carriers} == {TRACE}
    assert len({parent_of(carrier)[1] for carrier in carriers}) == 3


@pytest.mark.parametrize(
    ("inbound", "outbound"), [("00", "00"), ("01", "01"), ("03", "03"), ("fe", "02"), ("ff", "03")]
)
def test_only_known_flags_are_passed_on(inbound: str, outbound: str) -> None:
    """The decision to sample goes on, and what a future version may mean by the others does not."""
    assert parent_of(sent([("traceparent", f"00-{TRACE}-{PARENT}-{inbound}")]))[2] == outbound


# --- tracestate -----------------------------------------------------------------------------------


def test_at_most_32_members_are_sent() -> None:
    """Of 32 members the last makes room for ours."""
    carrier = sent([("traceparent", VALID), ("tracestate", numbered(32))])
    assert state_of(carrier) == numbered(31)


def test_a_long_tracestate_is_shortened_by_the_standards_rule() -> None:
    """Over 512 characters, members longer than 128 go first, and then the last ones."""
    long = "long=" + "x" * 200
    short = [f"k{number}=" + "x" * 60 for number in range(8)]
    state = ",".join([short[0], long, *short[1:]])
    carrier = sent([("traceparent", VALID), ("tracestate", state)])
    assert len(carrier["tracestate"]) <= 512
    assert state_of(carrier) == ",".join(short[:7])


# --- correlation ----------------------------------------------------------------------------------


def test_the_correlation_header_wins() -> None:
    """With both, the header is the correlation ID, and the trace goes on under its own."""
    headers = [("x-correlation-id", "order-1"), ("traceparent", VALID)]
    carrier = sent(headers)
    assert carrier["X-Correlation-ID"] == "order-1"
    assert parent_of(carrier)[0] == TRACE


def test_a_trace_alone_is_the_correlation_id() -> None:
    """Without the header, the trace's ID is the correlation ID."""
    assert sent([("traceparent", VALID)])["X-Correlation-ID"] == TRACE


def test_a_fresh_operation_has_its_own_id_as_trace() -> None:
    """A made correlation ID is valid as a trace ID, and sampled downstream as without us."""
    carrier = sent([])
    assert parent_of(carrier)[0] == carrier["X-Correlation-ID"]
    assert parent_of(carrier)[2] == "01"


def test_an_id_that_is_no_trace_id_has_one_and_the_same_trace() -> None:
    """Wherever the operation goes, its trace is the same: a hash of its ID."""
    first, second = (sent([("x-correlation-id", "order-1")]) for _ in range(2))
    assert parent_of(first)[0] == parent_of(second)[0]
    other = sent([("x-correlation-id", "order-2")])
    assert parent_of(other)[0] != parent_of(first)[0]


def test_the_receiver_knows_the_unit_that_sent() -> None:
    """The cause of the receiver's unit is the sender's, whatever stands between them."""
    carrier: dict[str, str] = {}
    with open_context() as sender:
        inject(carrier)
    carrier["tracestate"] = "proxy=1," + carrier["tracestate"]
    for remote in (extract(carrier), extract({k.encode(): v.encode() for k, v in carrier.items()})):
        assert remote.causation_id == sender.unit_id
        assert transport_context("http", remote=remote).causation_id == sender.unit_id


@pytest.mark.parametrize("value", ["headrace=1", "headrace=" + "0" * 16, "headrace=" + "x" * 16])
def test_a_cause_that_is_no_unit_id_counts_as_none(value: str) -> None:
    """What anyone can send is checked as every ID is."""
    assert extract([("traceparent", VALID), ("tracestate", value)]).causation_id is None


def test_nested_units_and_forks_stay_in_the_trace() -> None:
    """Units of the same operation send the same trace on; one of another operation does not."""
    with open_context("order-1", remote=extract([("traceparent", VALID)])) as context:
        traces = []
        for unit in (open_context(), context.fork(), open_context("order-2")):
            carrier: dict[str, str] = {}
            with unit:
                inject(carrier)
            traces.append(parent_of(carrier)[0])
    assert traces[:2] == [TRACE, TRACE]
    assert traces[2] != TRACE


def test_untrusted_traces_are_not_taken_over() -> None:
    """With `trust_inbound=False` a middleware does not even collect the headers."""
    assert HttpPolicy(HttpOptions(trust_inbound=False)).wanted == frozenset()


def test_remote_contexts_are_made_without_a_trace() -> None:
    """The field is optional, for whoever makes a remote context by hand."""
    assert RemoteContext("order-1").trace is None


# --- OpenTelemetry --------------------------------------------------------------------------------


def test_opentelemetrys_propagator_alone_writes_the_headers(spans: Spans) -> None:
    """With a span active, the headers are those of that span, and a stale one is replaced."""
    carrier = {"Traceparent": "stale", "tracestate": "stale=1"}
    with spans.app.start_as_current_span("client") as span, open_context():
        inject(carrier)
        context = span.get_span_context()
    trace_id, parent_id, _ = parent_of(carrier)
    assert trace_id == f"{context.trace_id:032x}" == carrier["X-Correlation-ID"]
    assert parent_id == f"{context.span_id:016x}"
    assert {*carrier} == {"X-Correlation-ID", "traceparent"}


def test_the_span_of_a_unit_is_the_parent_of_what_is_sent(spans: Spans) -> None:
    """With the OpenTelemetry backend, the receiver's span hangs below the sender's step."""
    carrier: dict[str, str] = {}
    with open_context() as unit:
        inject(carrier)
        current = trace.get_current_span().get_span_context()
    assert parent_of(carrier)[:2] == (unit.correlation_id, f"{current.span_id:016x}")


def test_an_active_trace_wins_over_an_inbound_one(spans: Spans) -> None:
    """An instrumented server's span has read the header already, by its own rules."""
    with spans.app.start_as_current_span("server") as span:
        context = transport_context("http", remote=extract([("traceparent", VALID)]))
        with headrace.open_context(remote=extract([("traceparent", VALID)])) as opened:
            pass
    expected = f"{span.get_span_context().trace_id:032x}"
    assert context.correlation_id == opened.correlation_id == expected
