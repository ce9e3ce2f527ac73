"""The correlation ID in structlog's events."""

from __future__ import annotations

import io
import json
import logging
import logging.handlers
import queue
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
import structlog

import headrace
from headrace import logging as flow_logging
from headrace.structlog import flow_processor

if TYPE_CHECKING:
    from collections.abc import Iterator

shop = headrace.flow("structlog")


def event(**fields: Any) -> dict[str, Any]:
    """Return what the processor makes of an event with `fields`."""
    return dict(flow_processor(None, "info", {"event": "hello", **fields}))


@shop.step
def in_a_step(**fields: Any) -> dict[str, Any]:
    """Return the same, from inside a step."""
    return event(**fields)


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    factory = logging.getLogRecordFactory()
    headrace.configure("none")
    structlog.contextvars.clear_contextvars()
    yield
    structlog.contextvars.clear_contextvars()
    structlog.reset_defaults()
    headrace.configure()
    flow_logging.uninstall()
    logging.setLogRecordFactory(factory)


# --- The processor --------------------------------------------------------------------------------


def test_a_step_s_event_has_all_three() -> None:
    """`flow_id`, `flow` and `step` are added, and nothing else is."""
    with headrace.open_context("order-17"):
        assert in_a_step() == {
            "event": "hello",
            "flow_id": "order-17",
            "flow": "structlog",
            "step": "in_a_step",
        }


def test_absent_keys_stay_absent() -> None:
    """No unit: no key; a unit without a step: the ID alone; no placeholder anywhere."""
    assert event() == {"event": "hello"}
    with headrace.open_context("order-17"):
        assert event() == {"event": "hello", "flow_id": "order-17"}
        with shop.open():
            assert event() == {"event": "hello", "flow_id": "order-17", "flow": "structlog"}


@pytest.mark.guarantee(35)
@pytest.mark.parametrize("name", ["flow_id", "flow", "step"])
def test_what_is_there_is_not_overwritten(name: str) -> None:
    """The application's own key of that name wins, even if it is empty."""
    for mine in ("mine", "", None):
        with headrace.open_context("order-17"):
            made = in_a_step(**{name: mine})
        assert made[name] == mine
        assert set(made) == {"event", "flow_id", "flow", "step"}


@pytest.mark.guarantee(35)
def test_the_application_s_context_variables_are_left_alone() -> None:
    """What the application has bound is the same before, inside and after units and steps."""
    structlog.contextvars.bind_contextvars(user="ada", step="checkout")
    bound = structlog.contextvars.get_contextvars()
    with headrace.open_context("order-17"):
        merged = structlog.contextvars.merge_contextvars(None, "info", {"event": "hello"})
        made = dict(flow_processor(None, "info", merged))
        in_a_step()
        assert structlog.contextvars.get_contextvars() == bound
    assert structlog.contextvars.get_contextvars() == bound == {"user": "ada", "step": "checkout"}
    assert made == {"event": "hello", "user": "ada", "step": "checkout", "flow_id": "order-17"}


@pytest.mark.guarantee(35)
def test_clearing_structlog_s_variables_leaves_the_unit_alone() -> None:
    """An application that clears its own variables at the start of a request keeps the ID."""
    with headrace.open_context("order-17"):
        structlog.contextvars.clear_contextvars()
        assert event()["flow_id"] == "order-17"


@pytest.mark.guarantee(9)
@pytest.mark.parametrize("form", ["True", "exception", "tuple"])
def test_an_event_about_an_unhandled_error_carries_the_id(form: str) -> None:
    """After the unit has ended, its exception in `exc_info` still tells the ID."""
    try:
        with headrace.open_context("order-17"):
            raise ValueError("no stock")
    except ValueError as exc:
        exc_info: Any = {"True": True, "exception": exc, "tuple": sys.exc_info()}[form]
        assert event(exc_info=exc_info)["flow_id"] == "order-17"
    assert "flow_id" not in event(exc_info=True)
    assert "flow_id" not in event(exc_info=())


# --- Complete set-ups -----------------------------------------------------------------------------


def test_structlog_configured_for_json() -> None:
    """A real `structlog.configure` with the processor writes the names as JSON."""
    stream = io.StringIO()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            flow_processor,
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )
    log = structlog.get_logger()
    with headrace.open_context("order-17"):
        log.info("paid", amount=12)
    log.info("outside")
    paid, outside = map(json.loads, stream.getvalue().splitlines())
    assert paid == {"event": "paid", "level": "info", "amount": 12, "flow_id": "order-17"}
    assert outside == {"event": "outside", "level": "info"}


def _processor_formatter() -> structlog.stdlib.ProcessorFormatter:
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.ExtraAdder(allow=["amount", "step"]), flow_processor],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.JSONRenderer(),
        ],
    )


@contextmanager
def _listening(logger: logging.Logger) -> Iterator[io.StringIO]:
    """Have structlog write the lines of `logger`, in another thread; all are there at the end."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_processor_formatter())
    lines: queue.Queue[Any] = queue.Queue()
    queued = logging.handlers.QueueHandler(lines)
    listener = logging.handlers.QueueListener(lines, handler)
    logger.addHandler(queued)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    listener.start()
    try:
        yield stream
    finally:
        listener.stop()
        logger.removeHandler(queued)
        logger.propagate = True
        logger.setLevel(logging.NOTSET)


@pytest.mark.guarantee(31)
def test_foreign_lines_carry_the_context_of_the_thread_that_logged() -> None:
    """In `foreign_pre_chain`, in a listener's thread: the names that were captured at the call."""
    logger = logging.getLogger("foreign")
    flow_logging.install()

    @shop.step(name="pays")
    def pays() -> None:
        logger.info("paid", extra={"amount": 12})
        logger.info("paid", extra={"step": "mine"})

    with _listening(logger) as stream:
        with headrace.open_context("order-17"):
            pays()
        logger.info("outside")
        try:
            with headrace.open_context("order-18"):
                raise ValueError("no stock")
        except ValueError:
            logger.exception("unhandled")
    paid, mine, outside, unhandled = map(json.loads, stream.getvalue().splitlines())
    names = {"flow_id": "order-17", "flow": "structlog"}
    assert paid == {"event": "paid", "amount": 12, **names, "step": "pays"}
    assert mine == {"event": "paid", **names, "step": "mine"}
    assert outside == {"event": "outside"}
    assert unhandled["flow_id"] == "order-18"


def test_foreign_lines_without_install_are_read_where_they_are_written() -> None:
    """Without the record factory, a handler in the emitting thread finds the context there."""
    formatter = _processor_formatter()
    record = logging.makeLogRecord({"msg": "paid", "levelname": "INFO"})
    with headrace.open_context("order-17"):
        assert json.loads(formatter.format(record)) == {"event": "paid", "flow_id": "order-17"}
    assert json.loads(formatter.format(record)) == {"event": "paid"}


def test_structlog_through_the_standard_library() -> None:
    """A structlog event rendered by `ProcessorFormatter` has the names of where it was logged."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_processor_formatter())
    logger = logging.getLogger("native")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    structlog.configure(
        processors=[flow_processor, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    try:
        with headrace.open_context("order-17"):
            structlog.get_logger("native").info("paid", amount=12)
    finally:
        logger.removeHandler(handler)
        logger.propagate = True
        logger.setLevel(logging.NOTSET)
    assert json.loads(stream.getvalue()) == {"event": "paid", "amount": 12, "flow_id": "order-17"}


def test_a_record_key_of_the_application_s_is_no_log_record() -> None:
    """An event whose `_record` is something else is taken for an ordinary one."""
    with headrace.open_context("order-17"):
        assert event(_record={"id": 1})["flow_id"] == "order-17"
