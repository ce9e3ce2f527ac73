"""Lines of other shapes: headrace's styles, other libraries, own formatters."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import ecs_logging
import pytest
import structlog
from pythonjsonlogger.json import JsonFormatter as PythonJsonFormatter

import headrace
import headrace.logging
import headrace.structlog
from headrace.integration import Publication
from headrace_trace._shapes import FIELDS, native_sql
from headrace_trace._store._database import database
from tests.trace.log_kit import ID, out_of, story

if TYPE_CHECKING:
    from pathlib import Path

FILTERED = "%(asctime)s %(levelname)s %(name)s %(message)s %(flow_id)s %(flow)s %(step)s"
orders = headrace.flow("shapes_order")


@orders.step
def charge() -> None:
    """Log a line of the application's own."""
    logging.getLogger("shop").warning("charged %s", "Ada")


@contextmanager
def written(formatter: logging.Formatter, *filters: logging.Filter) -> Iterator[io.StringIO]:
    """Collect what all loggers write, with `formatter`."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    for one in filters:
        handler.addFilter(one)
    root, level = logging.getLogger(), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    headrace.logging.install()
    try:
        yield stream
    finally:
        headrace.logging.uninstall()
        root.removeHandler(handler)
        root.setLevel(level)


def operate() -> str:
    """Run a unit of work with a step and a publish; return its ID."""
    with headrace.open_context(ID) as unit:
        charge()
        with Publication("shop.ship", "t1", queue="default"):
            pass
        return unit.unit_id


@pytest.mark.parametrize("style", [None, "ecs", "gcp", "datadog"])
def test_styles_of_headrace_tell_the_same_story(
    tmp_path: Path, style: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the names of the fields, unit, step, publish and the application's line are read."""
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "shop-1")
    formatter = headrace.logging.JsonFormatter(style=style, service="shop")
    with written(formatter) as stream:
        unit_id = operate()
    (tmp_path / "app.log").write_text(stream.getvalue())
    node, leaf = story(ID, tmp_path)["nodes"]
    (unit,) = node["attempts"]
    assert (unit["unit_id"], unit["outcome"], unit["has_end"]) == (unit_id, "ok", True)
    assert (unit["service"], unit["host"] is not None) == ("shop", True)
    assert isinstance(unit["duration_ms"], float)
    lines = [(one["event"], one["level"], one["logger"], one["step"]) for one in unit["lines"]]
    assert lines == [
        (None, "WARNING", "shop", "charge"),
        ("step.end", "INFO", "headrace", "charge"),
        ("task.published", "INFO", "headrace", None),
        ("unit.end", "INFO", "headrace", None),
    ]
    assert unit["lines"][0]["message"] == "charged Ada"
    assert all(one["time"] for one in unit["lines"])
    assert leaf["publish"]["task"] == "shop.ship"


def by_python_json_logger() -> str:
    """Return what python-json-logger writes with headrace's filter."""
    formatter = PythonJsonFormatter(FILTERED)
    with written(formatter, headrace.logging.FlowFilter()) as stream:
        operate()
    return stream.getvalue()


def by_ecs_logging() -> str:
    """Return what ecs-logging writes with headrace's filter."""
    with written(ecs_logging.StdlibFormatter(), headrace.logging.FlowFilter()) as stream:
        operate()
    return stream.getvalue()


def by_structlog() -> str:
    """Return what structlog writes with headrace's processor."""
    stream = io.StringIO()
    processors: list[Any] = [
        headrace.structlog.flow_processor,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso"),
        structlog.processors.JSONRenderer(),
    ]
    logger = structlog.wrap_logger(structlog.PrintLogger(stream), processors=processors)
    with headrace.open_context(ID):
        logger.warning("charged Ada")
    return stream.getvalue()


@pytest.mark.parametrize("write", [by_python_json_logger, by_ecs_logging, by_structlog])
def test_lines_of_other_libraries_are_read(tmp_path: Path, write: Callable[[], str]) -> None:
    """Time, level and message of the application's line are found under the library's names."""
    (tmp_path / "app.log").write_text(write())
    lines = [
        one
        for node in story(ID, tmp_path)["nodes"]
        for unit in node["attempts"]
        for one in unit["lines"]
    ]
    (line,) = [one for one in lines if one["message"] == "charged Ada"]
    assert (line["level"], line["event"]) == ("WARNING", None)
    assert line["time"] is not None


@pytest.mark.parametrize(
    "entry",
    [
        {"ts": 1790000000.5, "lvl": "info", "request_id": ID, "text": "found"},
        {"ts": 1790000000500, "request_id": ID, "text": "found"},
        {"ts": 1790000000500000, "request_id": ID, "text": "found"},
        {"ts": 1790000000500000000, "request_id": ID, "text": "found"},
        {"ts": "2026-09-21 14:13:20,500", "http": {"request_id": ID}, "text": "found"},
        {"ts": "2026-09-21T16:13:20.5+02:00", "http.request_id": ID, "text": "found"},
    ],
)
def test_fields_names_the_keys_of_own_lines(tmp_path: Path, entry: dict[str, Any]) -> None:
    """--fields finds the ID and the text under any key or path, and the time in any unit."""
    (tmp_path / "app.log").write_text(json.dumps(entry))
    key = "request_id" if "request_id" in entry else "http.request_id"
    words = ["--fields", f"flow_id={key},message=text", tmp_path]
    told = json.loads(out_of("show", "--json", ID, *words))
    (line,) = told["nodes"][0]["attempts"][0]["lines"]
    assert (line["message"], line["time"]) == ("found", "2026-09-21T14:13:20.500000Z")
    assert ID in out_of("list", *words)


@pytest.mark.parametrize(
    "entry",
    [
        {"severity": "INFO", "labels": {"flow_id": ID}},
        {"severity": "INFO", "logging.googleapis.com/labels": {"correlation_id": ID}},
        {"severity": "INFO", "logging.googleapis.com/trace": f"projects/p/traces/{ID}"},
        {"jsonPayload": {"flow_id": ID, "message": "found"}},
        {"trace": {"id": ID}},
        {"trace.id": ID},
        {"dd": {"trace_id": ID}},
        {"dd.trace_id": ID},
        {"extra": {"flow_id": ID}},
        {"trace_id": ID},
    ],
)
def test_id_is_found_where_vendors_keep_it(tmp_path: Path, entry: dict[str, Any]) -> None:
    """Labels, traces and payloads are searched for an ID."""
    (tmp_path / "app.log").write_text(json.dumps({"message": "found"} | entry))
    assert story(ID, tmp_path)["nodes"][0]["attempts"][0]["lines"][0]["message"] == "found"


def test_shapes_may_be_mixed_in_one_file(tmp_path: Path) -> None:
    """Lines of other shapes and text among headrace's own are read and counted."""
    with written(headrace.logging.JsonFormatter()) as stream:
        operate()
    text = by_structlog() + stream.getvalue() * 2000 + "text\n" + by_structlog()
    (tmp_path / "app.log").write_text(text)
    entry = json.loads(out_of("list", "--json", tmp_path))
    assert entry["lines"] == 2 + 4 * 2000


@pytest.mark.parametrize("columns", [tuple(FIELDS), ("flow_id",)], ids=["all", "few"])
def test_keys_identify_headraces_own_lines(columns: tuple[str, ...]) -> None:
    """A line is one of headrace's own if no key is missing or null, whichever columns are read."""
    own = {"time": "2026-01-01T00:00:00Z", "level": "INFO", "logger": "shop", "message": "paid"}
    values = ["text", 1, True, [1], {"_": True}, None]
    lines = [own | {"message": value} for value in values] + [{**own, "flow_id": ID}, {"time": 1}]
    with database() as connection:
        connection.execute("CREATE TABLE given (file INTEGER, number INTEGER, text VARCHAR)")
        for number, line in enumerate(lines):
            connection.execute("INSERT INTO given VALUES (0, ?, ?)", (number, json.dumps(line)))
        query = f"SELECT rest IS NULL FROM ({native_sql('given', columns)}) ORDER BY number"
        is_own = [value for (value,) in connection.execute(query).fetchall()]
    assert is_own == [True, True, True, True, True, False, True, False]
