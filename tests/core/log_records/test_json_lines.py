"""`JsonFormatter`: one valid JSON object per record, whatever the record holds."""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import fractions
import io
import json
import logging
import logging.handlers
import math
import pathlib
import pickle
import queue
import re
import socket
import sys
import threading
import uuid
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import headrace
from headrace import logging as flow_logging
from headrace.logging import JsonFormatter

if TYPE_CHECKING:
    from collections.abc import Iterator

STYLES = [None, "ecs", "gcp", "datadog"]
orders = headrace.flow("json.orders")


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    factory = logging.getLogRecordFactory()
    yield
    flow_logging.uninstall()
    logging.setLogRecordFactory(factory)


def refused(constant: str) -> NoReturn:
    """Reject a constant that JSON does not have."""
    raise ValueError(f"{constant} is not JSON")


def record_of(msg: Any = "paid", *args: Any, **extra: Any) -> logging.LogRecord:
    """Return a record of the logger `shop`."""
    return logging.getLogger("shop").makeRecord(
        "shop", logging.INFO, "f", 1, msg, args, None, extra=extra
    )


def line_of(record: logging.LogRecord, **options: Any) -> dict[str, Any]:
    """Return the fields of the line of `record`, which a strict parser must accept."""
    text = JsonFormatter(**options).format(record)
    assert len(text.splitlines()) == 1
    assert text.isascii()
    assert not re.search(r"(?<!\\)(\\\\)*\\u[dD][89a-fA-F]..(?!\\u[dD][c-fC-F])", pairless(text))
    line = json.loads(text, parse_constant=refused, object_pairs_hook=unique)
    assert isinstance(line, dict)
    return line


def pairless(text: str) -> str:
    """Return `text` without escaped surrogate pairs."""
    return re.sub(r"\\\\|\\ud[89ab]..\\ud[c-f]..", "", text)


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the object of `pairs`, whose names must differ."""
    assert len({name for name, _ in pairs}) == len(pairs)
    return dict(pairs)


# --- The fields -----------------------------------------------------------------------------------


def test_fields_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time, level, logger and message come first, then the context, the process, and the rest."""
    monkeypatch.setenv("OTEL_SERVICE_NAME", "shop-web")
    record = record_of("paid %s", 12, amount=12)
    record.created = 1_795_000_987.25
    with headrace.open_context("order-16") as context, context.fork() as inner:
        line = line_of(record)
        assert inner.causation_id == context.unit_id
    assert list(line.items()) == [
        ("time", "2026-11-18T11:23:07.250000Z"),
        ("level", "INFO"),
        ("logger", "shop"),
        ("message", "paid 12"),
        ("flow_id", "order-16"),
        ("correlation_id", "order-16"),
        ("unit_id", inner.unit_id),
        ("causation_id", context.unit_id),
        ("service", "shop-web"),
        ("host", socket.gethostname()),
        ("pid", record.process),
        ("amount", 12),
    ]


def test_flow_and_step() -> None:
    """A line that a step logs names its flow and its step."""
    lines = []

    @orders.entrypoint(name="receive")
    def receive() -> None:
        lines.append(line_of(record_of()))

    receive()
    assert (lines[0]["flow"], lines[0]["step"]) == ("json.orders", "receive")


def test_outside_any_unit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a unit or a service name, those fields are left out."""
    monkeypatch.delenv("OTEL_SERVICE_NAME", raising=False)
    assert list(line_of(record_of())) == ["time", "level", "logger", "message", "host", "pid"]


def test_service_argument(monkeypatch: pytest.MonkeyPatch) -> None:
    """The argument takes precedence over the environment."""
    monkeypatch.setenv("OTEL_SERVICE_NAME", "shop-web")
    assert line_of(record_of(), service="worker")["service"] == "worker"


def test_taken_names() -> None:
    """A value of extra= whose name is taken keeps its value under a longer name."""
    line = line_of(record_of(level=7, host="db1", host_="db2", pid=None))
    assert (line["level"], line["level_"]) == ("INFO", 7)
    assert (line["host_"], line["host__"]) == ("db1", "db2")


def test_context_from_extra() -> None:
    """IDs of extra= win, and the current unit's other IDs do not mix with them."""
    with headrace.open_context("outer") as outer, outer.fork():
        line = line_of(record_of(correlation_id="given", unit_id="5" * 16, event="unit.end"))
    assert (line["flow_id"], line["correlation_id"], line["unit_id"]) == (
        "given",
        "given",
        "5" * 16,
    )
    assert line["event"] == "unit.end"
    assert "causation_id" not in line


def test_metadata_fields() -> None:
    """The metadata named in `fields` follows, and a value of extra= takes precedence."""
    metadata = {"user": 17, "plan": ["a", "b"], "tenant": "acme"}
    with headrace.open_context("order-16", metadata=metadata):
        line = line_of(record_of(tenant="given"), fields=["user", "plan", "tenant", "missing"])
    assert (line["user"], line["plan"], line["tenant"]) == (17, "['a', 'b']", "given")
    assert "missing" not in line


def test_beside_a_filter() -> None:
    """A filter's text for missing values on the same handler does not become a value."""
    record = record_of()
    flow_logging.FlowFilter(fields=["user"]).filter(record)
    assert not {"flow_id", "flow", "step", "user"} & set(line_of(record))


def test_private_names_and_noise() -> None:
    """Attributes with a leading underscore, and uvicorn's coloured message, are left out."""
    line = line_of(record_of(_private=1, color_message="\x1b[1mpaid", shown=2))
    assert line["shown"] == 2
    assert not {"_private", "color_message"} & set(line)


@pytest.mark.parametrize(
    ("logger", "name"), [("celery.worker.strategy", "data"), ("django.request", "request")]
)
def test_objects_for_handlers(logger: str, name: str) -> None:
    """The arguments of tasks, and requests with their query strings, which frameworks hide."""
    record = record_of("failed", **{name: "secret"})
    assert line_of(record)[name] == "secret"
    record.name = logger
    assert name not in line_of(record)


def test_exception_and_stack() -> None:
    """The traceback and the stack are texts."""
    try:
        raise RuntimeError("no stock")
    except RuntimeError:
        exc_info = sys.exc_info()
    record = logging.makeLogRecord({
        "msg": "failed",
        "exc_info": exc_info,
        "stack_info": "Stack:\n",
    })
    line = line_of(record)
    assert line["exception"].startswith("Traceback (most recent call last):\n")
    assert line["exception"].endswith("RuntimeError: no stock")
    assert line["stack"] == "Stack:\n"


# --- Values ---------------------------------------------------------------------------------------


class Colour(enum.Enum):
    """An enumeration whose members are objects."""

    RED = 1


class Size(enum.IntEnum):
    """An enumeration whose members are numbers."""

    BIG = 3


def not_loaded(_self: object) -> NoReturn:
    """Raise, as a lazy object does whose database is gone."""
    raise LookupError("not loaded")


methods = ("__str__", "__repr__", "__hash__", "__len__", "__bool__", "__iter__", "__eq__")
Hostile: Any = type(
    "Hostile", (), dict.fromkeys(methods, not_loaded) | {"__class__": property(not_loaded)}
)
"""Raises wherever it is asked for anything."""
Shown: Any = type("Shown", (Hostile,), {"__repr__": object.__repr__})
"""As `Hostile`, but with a `repr()` for the reports of Hypothesis."""


@pytest.mark.guarantee(160)
@pytest.mark.parametrize(
    ("value", "written"),
    [
        (1 / 3, 0.333),
        (1e300, 1e300),
        (-0.0004, -0.0),
        (2**63 - 1, 2**63 - 1),
        (2**63, "9223372036854775808"),
        (10**5000, "<ValueError>"),
        (True, True),
        (Size.BIG, 3),
        (Colour.RED, "Colour.RED"),
        (fractions.Fraction(1, 8), 0.125),
        (decimal.Decimal("0.00001"), "0.00001"),
        (b"caf\xc3\xa9 \xff", "café \\xff"),
        (dt.datetime(2026, 11, 21, tzinfo=dt.UTC), "2026-11-21T00:00:00+00:00"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (pathlib.PurePosixPath("/tmp"), "/tmp"),
        ("two\nlines\u2028\x85", "two\nlines\u2028\x85"),
        ("\ud800 and 😀", "\\ud800 and 😀"),
        ("\\ud800", "\\ud800"),
        ((1, [2.5551, {3}]), [1, [2.555, [3]]]),
        ({1: "a", "1": "b", None: math.nan}, {"1": "a", "1_": "b", "None": None}),
        (Hostile(), "<LookupError>"),
        ([Hostile(), 1], ["<LookupError>", 1]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_values(value: object, written: object) -> None:
    """What JSON has stays what it is, with three decimals; the rest becomes text."""
    line = line_of(record_of(value=value))
    assert line["value"] == written
    assert type(line["value"]) is type(written)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_not_a_number(value: float) -> None:
    """JSON has no such numbers: null, at any depth."""
    line = line_of(record_of(value=value, parts=[value]))
    assert (line["value"], line["parts"]) == (None, [None])


def test_cycles_and_size() -> None:
    """The rest of a value that contains itself, is too deep or too large is cut."""
    ring: list[Any] = [1]
    ring.append(ring)
    deep: Any = "end"
    for _ in range(5000):
        deep = {"in": deep}
    laughs: Any = ["ha"]
    for _ in range(60):
        laughs = [laughs, laughs]
    wide = {"wide": [0] * 20_000, "wide_dict": dict.fromkeys(range(20_000))}
    line = line_of(record_of(ring=ring, deep=deep, laughs=laughs, many=range(3), **wide))
    assert line["ring"] == [1, "..."]
    assert json.dumps(line["deep"]).count("in") == 20
    assert len(json.dumps(line["laughs"])) < 200_000
    assert line["wide"] == [0] * 10_000 + ["..."]
    assert len(line["wide_dict"]) == 10_001
    assert line["wide_dict"]["..."] == "..."


def test_message_with_wrong_arguments() -> None:
    """The line is kept, with the format, the error and the arguments."""
    assert line_of(record_of("%d of %d", 1))["message"] == ("%d of %d <TypeError: (1,)>")
    assert line_of(record_of(Hostile()))["message"].startswith("<LookupError> <LookupError:")


anything = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(),
        st.text(st.characters(categories=["Cs", "Cc", "Zl", "Zp"])),
        st.binary(),
        st.decimals(),
        st.datetimes(),
        st.complex_numbers(),
        st.builds(Shown),
        st.builds(object),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(st.one_of(st.text(), st.integers(), st.binary()), inner, max_size=4),
    ),
    max_leaves=10,
)
names = st.one_of(
    st.text(), st.sampled_from(["status", "severity", "user", "trace.id", "duration"])
)


@pytest.mark.guarantee(160)
@settings(deadline=None)  # the first call imports modules
@given(
    st.sampled_from([None, "order-16", "80dbd0f64cfb4bd47a9fd1ca5ae5f0a9"]),
    st.dictionaries(names, anything, max_size=6),
    st.sampled_from(STYLES),
    st.sampled_from([None, "unit.end", 7]),
)
def test_any_extra(
    context: str | None, extra: dict[str, Any], style: str | None, event: object
) -> None:
    """Whatever extra= holds, the line is one valid JSON object with its message."""
    with nullcontext() if context is None else headrace.open_context(context):
        record = record_of("paid")
        others = {name: value for name, value in extra.items() if name not in vars(record)}
        vars(record).update(others, event=event)
        line = line_of(record, style=style)
    assert line["message"] == "paid"
    if context is None:
        return
    assert line["flow_id"] == context or {"flow_id", "correlation_id"} & set(extra)


@pytest.mark.guarantee(160)
@settings(deadline=None)  # the first call imports modules
@given(
    st.fixed_dictionaries(
        {},
        optional=dict.fromkeys(
            (
                *("msg", "args", "created", "process", "levelname", "levelno", "name", "thread"),
                *("exc_text", "exc_info", "stack_info", "event", "flow_id", "unit_id", "step"),
            ),
            anything,
        ),
    ),
    st.sampled_from(STYLES),
)
def test_any_record(attributes: dict[str, Any], style: str | None) -> None:
    """Whatever a record's own attributes hold, such as one from a socket, there is a valid line."""
    record = record_of()
    vars(record).update(attributes)
    assert "message" in line_of(record, style=style)


@pytest.mark.guarantee(160)
@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize(
    "name",
    [
        *("msg", "args", "created", "process", "levelname", "name", "thread", "exc_text"),
        *("exc_info", "stack_info", "event", "flow_id", "unit_id", "user", "outcome"),
    ],
)
def test_hostile_attributes(name: str, style: str | None) -> None:
    """An attribute whose code raises costs the line no more than that attribute."""
    record = record_of(amount=12)
    vars(record)[name] = Hostile()
    assert line_of(record, style=style, fields=["tenant"])["amount"] == 12


# --- Queues and processes -------------------------------------------------------------------------


def test_queue_listener() -> None:
    """With `install`, a line from another thread carries the IDs of the one that logged."""
    flow_logging.install(fields=["user"])
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(JsonFormatter())
    lines: queue.Queue[Any] = queue.Queue()
    listener = logging.handlers.QueueListener(lines, handler)
    log = logging.getLogger("json.queued")
    log.handlers, log.propagate = [logging.handlers.QueueHandler(lines)], False
    with headrace.open_context("order-17", metadata={"user": 17}) as unit:
        log.warning("out of stock")
    listener.start()
    listener.stop()
    line = json.loads(out.getvalue())
    assert (line["flow_id"], line["unit_id"], line["user"]) == ("order-17", unit.unit_id, 17)


def test_pickled_record() -> None:
    """A record that was sent to another process keeps its IDs."""
    flow_logging.install()
    with headrace.open_context("order-18") as outer, outer.fork() as unit:
        sent = pickle.dumps(record_of())
    line = line_of(pickle.loads(sent))
    assert (line["flow_id"], line["unit_id"]) == ("order-18", unit.unit_id)
    assert line["causation_id"] == outer.unit_id


def test_threads_share_a_formatter() -> None:
    """Times that several threads format at once do not mix."""
    formatter = JsonFormatter()
    seconds = range(1_700_000_000, 1_700_000_008)
    wrong: list[str] = []

    def work(second: int) -> None:
        record = record_of()
        record.created = second + 0.5
        expected = dt.datetime.fromtimestamp(second, dt.UTC).isoformat()[:19]
        for _ in range(2000):
            time = json.loads(formatter.format(record))["time"]
            if time != f"{expected}.500000Z":
                wrong.append(time)

    threads = [threading.Thread(target=work, args=(second,)) for second in seconds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
