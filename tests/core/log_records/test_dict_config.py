"""`dict_config` is a complete configuration, and each style names the fields as its store does."""

from __future__ import annotations

import contextlib
import json
import logging
import logging.config
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

import headrace
from headrace.logging import JsonFormatter, LinesFormatter, dict_config

if TYPE_CHECKING:
    from collections.abc import Iterator

TRACE = "80dbd0f64cfb4bd47a9fd1ca5ae5f0a9"
HOST = "web-1"
PID = os.getpid()
REQUEST = {
    "event": "unit.end",
    "kind": "http",
    "unit_name": "/orders/{id}",
    "outcome": "error",
    "error": "RuntimeError: no stock",
    "duration_ms": 12.34567,
    "method": "GET",
    "path": "/orders/7",
    "status": 500,
}


@pytest.fixture
def _root_as_it_was() -> Iterator[None]:
    names = [*dict_config("json")["loggers"], None]
    loggers = [logging.getLogger(name) for name in names]
    before = [(log.handlers[:], log.level, log.propagate) for log in loggers]
    yield
    for log, (handlers, level, propagate) in zip(loggers, before, strict=True):
        log.handlers[:], log.propagate = handlers, propagate
        log.setLevel(level)


# --- The dictionary -------------------------------------------------------------------------------


def test_the_dictionary() -> None:
    """One handler on the root logger writes to stderr; no other library keeps its own handler."""
    config = dict_config("json", level="DEBUG", fields=["user"], style="ecs", service="shop")
    names: list[str] = ["django.server", "gunicorn.access", "gunicorn.error"]
    names += ["hypercorn.access", "hypercorn.error", "uvicorn", "uvicorn.access", "uvicorn.error"]
    assert config.pop("loggers") == {
        "django": {"handlers": []},
        **{name: {"handlers": ["stderr"], "propagate": False} for name in names},
    }
    assert config == {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "json": {
                "()": "headrace.logging.JsonFormatter",
                "fields": ["user"],
                "style": "ecs",
                "service": "shop",
            },
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"handlers": ["stderr"], "level": "DEBUG"},
    }


def test_each_dictionary_is_new() -> None:
    """A program may add to its dictionary, and store it as JSON for servers that read files."""
    config = dict_config("lines")
    config["loggers"]["shop"] = {"level": "DEBUG"}
    assert "shop" not in dict_config("lines")["loggers"]
    assert json.loads(json.dumps(config)) == config


@pytest.mark.usefixtures("_root_as_it_was")
@pytest.mark.parametrize(
    ("format", "options", "start"),
    [
        ("json", {}, '{"time": "'),
        ("json", {"style": "ecs"}, '{"@timestamp": "'),
        ("lines", {"fields": ["user"]}, ""),
    ],
)
def test_configured(
    format: Any, options: dict[str, Any], start: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """`dictConfig` takes the dictionary; lines of the root's level and above are written once."""
    logging.config.dictConfig(dict_config(format, **options))
    with headrace.open_context("order-16"):
        logging.getLogger("shop.dict_config").info("paid")
        logging.getLogger("uvicorn.error").warning("slow")
        logging.getLogger("shop.dict_config").debug("not shown")
    out, err = capsys.readouterr()
    paid, slow = err.splitlines()[:2]
    assert out == ""
    assert paid.startswith(start)
    assert "paid" in paid
    assert "slow" in slow
    assert "order-16" in paid


@pytest.mark.parametrize(
    ("arguments", "options", "error", "words"),
    [
        (["jsno"], {}, ValueError, "did you mean 'json'"),
        (["json"], {"style": "datadgo"}, ValueError, "did you mean 'datadog'"),
        (["json"], {"level": "INFOO"}, ValueError, "did you mean 'INFO'"),
        (["lines"], {"style": "ecs"}, ValueError, "apply to 'json' only"),
        (["lines"], {"service": "shop"}, ValueError, "apply to 'json' only"),
        (["json"], {"fields": "user"}, TypeError, "takes a list of names"),
        (["json"], {"fields": ["name"]}, ValueError, "cannot be a field"),
        (["json"], {"levle": "INFO"}, TypeError, "did you mean 'level'"),
    ],
)
def test_refused(
    arguments: list[Any], options: dict[str, Any], error: type[Exception], words: str
) -> None:
    """A wrong argument is rejected at once, with what to write instead."""
    with pytest.raises(error, match=words):
        dict_config(*arguments, **options)


# --- Styles ---------------------------------------------------------------------------------------


def line_of(
    monkeypatch: pytest.MonkeyPatch, style: Any, extra: dict[str, Any], flow_id: str = TRACE
) -> dict[str, Any]:
    """Return the fields of a line with `extra`, logged with a traceback outside any frame."""
    monkeypatch.setattr("headrace._log_records.json_lines.gethostname", lambda: HOST)
    record = logging.getLogger("shop").makeRecord(
        "shop", logging.WARNING, "f", 1, "GET %s 500", ("/orders/{id}",), None, extra=extra
    )
    record.created = 1_795_000_987.25
    record.exc_info = (RuntimeError, RuntimeError("no stock"), None)
    with headrace.open_context(flow_id) as context:
        context._unit_id = "5" * 16  # the same in each run
        line: dict[str, Any] = json.loads(JsonFormatter(style=style, service="shop").format(record))
    return line


@pytest.mark.parametrize(
    ("style", "line"),
    [
        (
            None,
            {
                "time": "2026-11-18T11:23:07.250000Z",
                "level": "WARNING",
                "logger": "shop",
                "message": "GET /orders/{id} 500",
                "event": "unit.end",
                "flow_id": TRACE,
                "correlation_id": TRACE,
                "unit_id": "5" * 16,
                "service": "shop",
                "host": HOST,
                "pid": PID,
                "exception": "RuntimeError: no stock",
                "kind": "http",
                "outcome": "error",
                "error": "RuntimeError: no stock",
                "duration_ms": 12.346,
                "method": "GET",
                "path": "/orders/7",
                "status": 500,
                "name": "/orders/{id}",
            },
        ),
        (
            "ecs",
            {
                "@timestamp": "2026-11-18T11:23:07.250000Z",
                "log.level": "warning",
                "message": "GET /orders/{id} 500",
                "log.logger": "shop",
                "event.action": "unit.end",
                "trace.id": TRACE,
                "service.name": "shop",
                "host.name": HOST,
                "process.pid": PID,
                "error.stack_trace": "RuntimeError: no stock",
                "flow_id": TRACE,
                "unit_id": "5" * 16,
                "ecs.version": "1.6.0",
                "event.duration": 12_345_670,
                "event.outcome": "failure",
                "kind": "http",
                "outcome": "error",
                "error.message": "RuntimeError: no stock",
                "duration_ms": 12.346,
                "http.request.method": "GET",
                "url.path": "/orders/7",
                "http.response.status_code": 500,
                "name": "/orders/{id}",
            },
        ),
        (
            "gcp",
            {
                "time": "2026-11-18T11:23:07.250000Z",
                "severity": "WARNING",
                "message": "GET /orders/{id} 500",
                "stack_trace": "RuntimeError: no stock",
                "logger": "shop",
                "event": "unit.end",
                "flow_id": TRACE,
                "unit_id": "5" * 16,
                "service": "shop",
                "host": HOST,
                "pid": PID,
                "logging.googleapis.com/trace": f"projects/acme/traces/{TRACE}",
                "serviceContext": {"service": "shop"},
                "httpRequest": {
                    "requestMethod": "GET",
                    "requestUrl": "/orders/7",
                    "status": 500,
                    "latency": "0.012346s",
                },
                "kind": "http",
                "outcome": "error",
                "error": "RuntimeError: no stock",
                "duration_ms": 12.346,
                "method": "GET",
                "path": "/orders/7",
                "status": 500,
                "name": "/orders/{id}",
            },
        ),
        (
            "datadog",
            {
                "timestamp": "2026-11-18T11:23:07.250000Z",
                "status": "WARNING",
                "message": "GET /orders/{id} 500",
                "logger.name": "shop",
                "dd.trace_id": TRACE,
                "error.stack": "RuntimeError: no stock",
                "event": "unit.end",
                "flow_id": TRACE,
                "unit_id": "5" * 16,
                "service": "shop",
                "host": HOST,
                "pid": PID,
                "duration": 12_345_670,
                "kind": "http",
                "outcome": "error",
                "error.message": "RuntimeError: no stock",
                "duration_ms": 12.346,
                "http.method": "GET",
                "http.url_details.path": "/orders/7",
                "http.status_code": 500,
                "name": "/orders/{id}",
            },
        ),
    ],
)
def test_styles(style: str | None, line: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """The line of a request has the names that the log store documents, and no others for them."""
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "acme")
    assert list(line_of(monkeypatch, style, REQUEST).items()) == list(line.items())


@pytest.mark.parametrize("style", ["gcp", "datadog"])
def test_only_trace_ids_are_traces(style: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A correlation ID that is no trace ID is not named as one; `flow_id` has it in every style."""
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "acme")
    line = line_of(monkeypatch, style, {}, flow_id="order-16")
    assert line["flow_id"] == "order-16"
    assert not {"dd.trace_id", "logging.googleapis.com/trace", "correlation_id"} & set(line)


def test_trace_without_a_project(monkeypatch: pytest.MonkeyPatch) -> None:
    """Google's name of a trace begins with the project, so without it none is written."""
    monkeypatch.delenv("GOOGLE_CLOUD_PROJECT", raising=False)
    assert "logging.googleapis.com/trace" not in line_of(monkeypatch, "gcp", {})


def test_tracers_trace_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    """The trace that Datadog's tracer has put on the record is kept."""
    assert line_of(monkeypatch, "datadog", {"dd.trace_id": "17"})["dd.trace_id"] == "17"


@pytest.mark.parametrize(
    ("style", "extra", "written"),
    [
        ("ecs", {"user": 17, "path": "/tmp"}, {"labels.user": 17, "path": "/tmp"}),
        ("ecs", {"user": {"id": "17"}}, {"user": {"id": "17"}}),
        ("ecs", {"event": "unit.end", "user": 17}, {"labels.user": 17}),
        ("gcp", {"severity": 3, "method": "card"}, {"severity_": 3, "method": "card"}),
        ("datadog", {"status": "paid"}, {"status_": "paid", "status": "WARNING"}),
    ],
)
def test_names_that_clash(
    style: str, extra: dict[str, Any], written: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An application's own value neither replaces nor breaks a field of the log store."""
    assert written.items() <= line_of(monkeypatch, style, extra).items()


def test_styles_of_levels(monkeypatch: pytest.MonkeyPatch) -> None:
    """Levels of other libraries' making keep their names."""
    record = logging.LogRecord("shop", 5, "f", 1, "hi", (), None)
    record.levelname = "TRACE"
    assert json.loads(JsonFormatter(style="ecs").format(record))["log.level"] == "trace"
    assert json.loads(JsonFormatter(style="gcp").format(record))["severity"] == "TRACE"


# --- Lines for people -----------------------------------------------------------------------------

PROGRAM = """
import logging, logging.config, time
import headrace, headrace.logging
time.localtime = time.gmtime
logging.config.dictConfig(headrace.logging.dict_config("lines", fields=["user"]))
logging.getLogger("headrace").setLevel("WARNING")
log = logging.getLogger("shop")
orders = headrace.flow("orders")
def say(level, msg, **options):
    extra = options.pop("extra", {})
    record = log.makeRecord("shop", level, "f", 1, msg, (), options.get("exc_info"), extra=extra)
    record.created = 1_795_000_987.25
    log.handle(record)
@orders.entrypoint
def receive():
    say(20, "got order", extra={"amount": 12, "note": "two\\nlines"})
with headrace.open_context("80dbd0f64cfb4bd47a9fd1ca5ae5f0a9", metadata={"user": "ann"}):
    receive()
say(30, "\\x1b[1;31mred\\x1b[0m \\x1b[2J and\\u202e\\r\\nmore\\n\\n11:23:07.250 INFO\\r forged\\n")
say(20, "GET / 200", extra={"event": "unit.end", "duration_ms": 1.0, "correlation_id": "order-16"})
say(40, "failed", exc_info=(ValueError, ValueError("bad \\x1b[2J\\n11:23:07 INFO forged"), None))
"""
PLAIN = r"""
11:23:07.250 INFO     5ae5f0a9 got order [shop orders.receive] amount=12 note=two\nlines user=ann
11:23:07.250 WARNING  -        red \x1b[2J and\u202e [shop]
    | more
    |
    | 11:23:07.250 INFO\r forged
11:23:07.250 INFO     order-16 GET / 200 [shop]
11:23:07.250 ERROR    -        failed [shop]
    | ValueError: bad \x1b[2J
    | 11:23:07 INFO forged
"""


def lines_with(**environment: str) -> str:
    """Return what the program writes to a stderr that is no terminal."""
    env = {name: value for name, value in os.environ.items() if not name.endswith("_COLOR")}
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**env, **environment},
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    return ran.stderr


@pytest.mark.guarantee(72)
def test_lines() -> None:
    """Lines are aligned, show the end of the ID, and no character moves the cursor."""
    assert lines_with() == PLAIN.lstrip()


@pytest.mark.parametrize(
    ("environment", "is_coloured"),
    [
        ({}, False),
        ({"FORCE_COLOR": "1"}, True),
        ({"FORCE_COLOR": ""}, False),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        ({"FORCE_COLOR": "1", "NO_COLOR": ""}, True),
    ],
)
def test_colours(environment: dict[str, str], is_coloured: bool) -> None:
    """NO_COLOR decides, then FORCE_COLOR, then whether stderr is a terminal."""
    assert ("\x1b[33mWARNING " in lines_with(**environment)) is is_coloured


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
@pytest.mark.parametrize(("term", "is_coloured"), [("xterm", True), ("dumb", False)])
def test_colours_on_a_terminal(term: str, is_coloured: bool) -> None:
    """A terminal gets colours, unless it has none."""
    ours, theirs = os.openpty()
    env = {name: value for name, value in os.environ.items() if not name.endswith("_COLOR")}
    subprocess.run(
        [sys.executable, "-c", PROGRAM], env=env | {"TERM": term}, stderr=theirs, check=True
    )
    os.close(theirs)
    written = b""
    with contextlib.suppress(OSError):  # Linux: the other side is closed
        while piece := os.read(ours, 4096):
            written += piece
    os.close(ours)
    assert b"got order" in written
    assert (b"\x1b[33mWARNING " in written) is is_coloured


def test_lines_of_any_record() -> None:
    """A record with attributes of other types makes a line too, with its traceback and stack."""
    record = logging.makeLogRecord({"msg": "moved", "name": "shop", "stack_info": "Stack:\n  a"})
    record.created, record.levelno = "yesterday", "high"  # type: ignore[assignment]
    assert LinesFormatter(color=True).format(record).splitlines()[1:] == [
        "    | Stack:",
        "    |   a",
    ]
    assert LinesFormatter(color=False).format(record).split()[:2] == ["-", "Level"]
