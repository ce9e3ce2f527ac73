"""Chosen metadata in log lines, and formats that need no filter."""

from __future__ import annotations

import asyncio
import logging
import logging.handlers
import pickle
import queue
import threading
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

import pytest
import structlog

import headrace
from headrace import logging as flow_logging
from headrace.asgi import FlowMiddleware
from headrace.structlog import FlowProcessor, flow_processor

if TYPE_CHECKING:
    from collections.abc import Iterator

log = logging.getLogger("fields")
shop = headrace.flow("fields")


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    factory = logging.getLogRecordFactory()
    yield
    flow_logging.uninstall()
    logging.setLogRecordFactory(factory)


def made(**options: Any) -> logging.LogRecord:
    """Return a record as a logger makes it."""
    return log.makeRecord("fields", logging.INFO, "f", 1, "hello", (), None, **options)


def made_with(error: BaseException) -> logging.LogRecord:
    """Return a record about `error`."""
    exc_info = (type(error), error, error.__traceback__)
    return log.makeRecord("fields", logging.ERROR, "f", 1, "failed", (), exc_info)


def filtered(record: logging.LogRecord, *fields: str) -> dict[str, Any]:
    """Return the attributes of `record` behind a filter with `fields`."""
    flow_logging.FlowFilter(fields=fields).filter(record)
    return dict(vars(record))


class Broken:
    """A value whose `str()` raises."""

    def __str__(self) -> str:
        raise LookupError("not loaded")


class Chatty:
    """A value whose `str()` logs, like a lazy object that queries a database."""

    def __str__(self) -> str:
        return f"chatty, {filtered(made(), 'user', 'lazy')['lazy']}"


# --- FlowFilter and install -----------------------------------------------------------------------


@pytest.mark.guarantee(70)
@pytest.mark.parametrize("installed", [False, True])
def test_the_filter_adds_the_chosen_metadata(installed: bool) -> None:
    """The named fields are strings; a missing one is `-`, also outside a unit."""
    if installed:
        flow_logging.install()
    with headrace.open_context(metadata={"user": 17, "tenant": "acme", "password": "x"}):
        inside = filtered(made(), "user", "tenant", "plan")
    assert (inside["user"], inside["tenant"], inside["plan"]) == ("17", "acme", "-")
    assert "password" not in inside
    outside = filtered(made(), "user")
    assert outside["user"] == "-"


@pytest.mark.guarantee(70)
def test_the_unit_s_own_ids_are_fields() -> None:
    """`unit_id` and `causation_id` are the unit's, whatever the metadata says."""
    with (
        headrace.open_context() as outer,
        headrace.open_context(metadata={"unit_id": "mine"}) as inner,
    ):
        values = filtered(made(), "unit_id", "causation_id")
    assert (values["unit_id"], values["causation_id"]) == (inner.unit_id, outer.unit_id)


@pytest.mark.guarantee(70)
def test_a_listener_writes_the_metadata_of_the_line() -> None:
    """With `install(fields=...)` the values are captured when and where the line is logged."""
    flow_logging.install(fields=["user", "unit_id"])
    lines: queue.Queue[Any] = queue.Queue()
    handler = logging.handlers.QueueHandler(lines)
    with headrace.open_context(metadata={"user": "ada"}) as context:
        handler.handle(made())
        context.set_value("user", "bob")
    shown: list[Any] = []

    def listen() -> None:
        with headrace.open_context(metadata={"user": "listener"}):
            shown.append(filtered(lines.get()))
            shown.append(filtered(made(), "user"))

    thread = threading.Thread(target=listen)
    thread.start()
    thread.join()
    assert (shown[0]["user"], shown[0]["unit_id"]) == ("ada", context.unit_id)
    assert shown[1]["user"] == "listener"


@pytest.mark.guarantee(70)
def test_a_filter_elsewhere_never_shows_another_unit_s_metadata() -> None:
    """A field not captured with the record is absent while another unit is current."""
    flow_logging.install()
    with headrace.open_context(metadata={"user": "ada"}):
        record = made()
    with headrace.open_context(metadata={"user": "bob"}):
        assert filtered(record, "user")["user"] == "-"


@pytest.mark.guarantee(70)
def test_a_listener_shows_no_metadata_of_its_own() -> None:
    """A field is absent if another thread writes the line, even in the same operation."""
    flow_logging.install()
    with headrace.open_context("order-7"):
        record = made()
    shown: list[Any] = []

    def listen() -> None:
        with headrace.open_context("order-7", metadata={"user": "listener"}):
            shown.append(filtered(record, "user")["user"])

    thread = threading.Thread(target=listen)
    thread.start()
    thread.join()
    assert shown == ["-"]


@pytest.mark.guarantee(70)
@pytest.mark.parametrize("installed", [False, True])
def test_a_line_about_another_unit_s_error_has_no_metadata_of_this_one(installed: bool) -> None:
    """If the ID is that of the unit which the exception has left, no other fields are added."""
    if installed:
        flow_logging.install(fields=["user"])
    with headrace.open_context("earlier", metadata={"user": "ada"}):
        left_current = copy_context()  # like a server's connection with its first request
    error = ValueError("no stock")
    with pytest.raises(ValueError, match="no stock"), headrace.open_context("failed"):
        raise error
    found = left_current.run(lambda: filtered(made_with(error), "user"))
    processor = FlowProcessor(fields=["user"])
    event = left_current.run(processor, None, "error", {"exc_info": error})
    assert (found["flow_id"], found["user"]) == ("failed", "-")
    assert (event["flow_id"], "user" in event) == ("failed", False)


@pytest.mark.guarantee(70)
@pytest.mark.parametrize("installed", [False, True])
def test_lines_that_a_server_logs_of_a_response_have_its_metadata(installed: bool) -> None:
    """Lines that a server logs while sending have the request's ID and fields."""
    if installed:
        flow_logging.install(fields=["user"])
    shown: list[tuple[str, str]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        headrace.set_flow_context_value("user", "ada")
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def send(message: Any) -> None:
        values = filtered(made(), "user")
        shown.append((values["flow_id"], values["user"]))

    scope = {"type": "http", "method": "GET", "path": "/", "headers": [(b"x-request-id", b"r-1")]}
    asyncio.run(FlowMiddleware(app)(scope, send, send))  # type: ignore[arg-type]
    assert shown == [("r-1", "ada"), ("r-1", "ada")]


@pytest.mark.guarantee(70)
def test_fields_of_several_calls_add_up() -> None:
    """`install()` by an integration removes no fields; `uninstall` removes all."""
    flow_logging.install(fields=["user"])
    flow_logging.install()
    flow_logging.install(fields=["tenant", "user"])
    with headrace.open_context(metadata={"user": "ada", "tenant": "acme"}):
        values = filtered(made())
        assert (values["user"], values["tenant"]) == ("ada", "acme")
        flow_logging.uninstall()
        assert "user" not in filtered(made())


@pytest.mark.guarantee(32)
@pytest.mark.parametrize("installed", [False, True])
def test_the_user_s_value_wins(installed: bool) -> None:
    """A value of `extra=` under a field's name is kept, and nothing raises."""
    if installed:
        flow_logging.install(fields=["user"])
    with headrace.open_context(metadata={"user": "ada"}):
        assert filtered(made(extra={"user": 17}), "user")["user"] == 17


@pytest.mark.guarantee(70)
@pytest.mark.parametrize("captured", [False, True])
def test_a_value_that_cannot_be_written_costs_its_text_alone(captured: bool) -> None:
    """A `str()` that raises is shown by its error; one that logs causes no recursion."""
    if captured:
        flow_logging.install(fields=["user", "lazy", "note"])
    metadata = {"user": Broken(), "lazy": Chatty(), "note": "a\nb\x1b[31m"}
    with headrace.open_context("order-7", metadata=metadata):
        values = filtered(made(), "user", "lazy", "note")
    assert values["flow_id"] == "order-7"
    assert values["user"] == "<LookupError>"
    assert values["lazy"] == "chatty, -"
    assert values["note"] == r"a\nb\x1b[31m"


@pytest.mark.parametrize("make", [flow_logging.FlowFilter, flow_logging.Formatter, FlowProcessor])
def test_wrong_fields_are_refused(make: Any) -> None:
    """A string, other types and the standard library's own names are refused, with the reason."""
    with pytest.raises(TypeError, match="list of names"):
        make(fields="user")
    with pytest.raises(TypeError, match="list of names"):
        make(fields=[1])
    with pytest.raises(ValueError, match="'name' cannot be a field"):
        make(fields=["user", "name"])
    for taken in ("message", "getMessage", "__dict__"):
        with pytest.raises(ValueError, match=f"'{taken}' cannot be a field"):
            flow_logging.install(fields=[taken])
    make(fields=["flow_id", "step"])  # present anyway


# --- structlog ------------------------------------------------------------------------------------


@pytest.mark.guarantee(70)
def test_structlog_s_events_have_the_chosen_metadata() -> None:
    """Existing values are added as strings, and never overwrite those of the event."""
    chosen = FlowProcessor(fields=["user", "tenant", "unit_id", "plan"])
    with headrace.open_context("order-7", metadata={"user": 17, "tenant": "acme"}) as context:
        event = dict(chosen(None, "info", {"event": "paid", "tenant": "mine"}))
    assert event == {
        "event": "paid",
        "flow_id": "order-7",
        "user": "17",
        "tenant": "mine",
        "unit_id": context.unit_id,
    }
    assert dict(chosen(None, "info", {"event": "paid"})) == {"event": "paid"}


@pytest.mark.guarantee(70)
def test_structlog_s_events_have_the_fields_of_install() -> None:
    """`install(fields=...)` applies to `flow_processor`, in structlog's and foreign events."""
    flow_logging.install(fields=["user"])
    with headrace.open_context("order-7", metadata={"user": "ada"}):
        assert dict(flow_processor(None, "info", {}))["user"] == "ada"
        record = made()
    assert dict(flow_processor(None, "info", {"_record": record}))["user"] == "ada"


def test_flow_processor_is_still_a_function() -> None:
    """It still works in a list of processors."""
    with headrace.open_context("order-7"):
        logger = structlog.wrap_logger(
            None, processors=[flow_processor, lambda *args: str(args[2])]
        )
        assert logger.bind()._process_event("info", "paid", {})[0] == (
            "{'event': 'paid', 'flow_id': 'order-7'}",
        )


# --- Formatter ------------------------------------------------------------------------------------

STYLES = [
    ("%", "%(flow_id)s %(correlation_id)s %(flow)s %(step)s %(user)s %(message)s"),
    ("{", "{flow_id} {correlation_id} {flow} {step} {user} {message}"),
    ("$", "$flow_id ${correlation_id} $flow $step $user $message"),
]


@pytest.mark.guarantee(71)
@pytest.mark.parametrize(("style", "text"), STYLES)
@pytest.mark.parametrize("installed", [False, True])
def test_a_formatter_needs_no_filter(style: Any, text: str, installed: bool) -> None:
    """The format works outside any unit, in a unit and in a step, and shows the values."""
    if installed:
        flow_logging.install()
    formatter = flow_logging.Formatter(text, style=style, fields=["user"])

    @shop.step(name=f"style {style} {installed}")
    def step() -> str:
        return formatter.format(made())

    assert formatter.format(made()) == "- - - - - hello"
    with headrace.open_context("order-7", metadata={"user": "ada"}):
        assert formatter.format(made()) == "order-7 order-7 - - ada hello"
        assert step() == f"order-7 order-7 fields style {style} {installed} ada hello"


@pytest.mark.guarantee(71)
def test_a_formatter_takes_defaults() -> None:
    """`defaults=` sets the text for missing values, for headrace's names and others."""
    formatter = flow_logging.Formatter(
        "%(flow_id)s|%(step)s|%(user)s|%(other)s",
        defaults={"flow_id": "none", "user": "nobody", "other": "x"},
        fields=["user"],
    )
    assert formatter.format(made()) == "none|-|nobody|x"
    with headrace.open_context("order-7"):
        assert formatter.format(made(extra={"user": "mine"})) == "order-7|-|mine|x"


@pytest.mark.guarantee(33)
def test_each_handler_has_its_own_text_for_no_value() -> None:
    """A handler's default replaces the default that an earlier handler's filter has set."""
    record = made(extra={"step": "mine"})
    for default in ("-", "", "-"):
        flow_logging.FlowFilter(default, fields=["user"]).filter(record)
        names = ("flow_id", "correlation_id", "flow", "user")
        assert [vars(record)[name] for name in names] == [default] * 4
        assert vars(record)["step"] == "mine"
    formatter = flow_logging.Formatter("%(flow_id)s|%(flow)s", defaults={"flow_id": "none"})
    assert formatter.format(record) == "none|-"
    assert type(vars(pickle.loads(pickle.dumps(record)))["flow_id"]) is str


@pytest.mark.guarantee(71)
def test_a_formatter_leaves_the_record_alone() -> None:
    """Another handler's output is the same with and without this formatter."""
    record = made()
    before = {*vars(record), "message"}
    with headrace.open_context("order-7"):
        flow_logging.Formatter("%(flow_id)s %(message)s").format(record)
    assert set(vars(record)) == before
    assert filtered(record)["flow_id"] == "-"


@pytest.mark.guarantee(71)
def test_a_formatter_formats_times_tracebacks_and_stacks_as_logging_does() -> None:
    """Only headrace's names are added."""
    text = "%(asctime)s %(levelname)s %(message)s"
    try:
        raise ValueError("no stock")
    except ValueError as error:
        record = log.makeRecord(
            "fields", 20, "f", 1, "%s", ("x",), (ValueError, error, error.__traceback__)
        )
    record.stack_info = "the stack"
    ours = flow_logging.Formatter(text, "%H:%M").format(record)
    assert ours == logging.Formatter(text, "%H:%M").format(record)
    assert "no stock" in ours


@pytest.mark.guarantee(71)
def test_dict_config_takes_the_formatter() -> None:
    """It can be configured by `class`, with `format` and `style`, and by `()`."""
    from logging.config import dictConfig

    handlers = [*logging.getLogger().handlers]
    dictConfig({
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "a": {"class": "headrace.logging.Formatter", "format": "{flow_id}", "style": "{"},
            "b": {"()": "headrace.logging.Formatter", "fmt": "%(user)s", "fields": ["user"]},
        },
        "handlers": {
            name: {"class": "logging.NullHandler", "formatter": name} for name in ("a", "b")
        },
        "loggers": {"fields.configured": {"handlers": ["a", "b"]}},
    })
    logging.getLogger().handlers[:] = handlers
    a, b = logging.getLogger("fields.configured").handlers
    with headrace.open_context("order-7", metadata={"user": "ada"}):
        assert (a.format(made()), b.format(made())) == ("order-7", "ada")
