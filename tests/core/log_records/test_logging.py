"""The correlation ID in log lines of the standard library's logging."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import logging.config
import logging.handlers
import queue
import threading
from typing import TYPE_CHECKING, Any

import pytest

import headrace
from headrace import logging as flow_logging
from headrace.backends import LoggingBackend

if TYPE_CHECKING:
    from collections.abc import Iterator

shop = headrace.flow("logging")
log = logging.getLogger("shop")
child = logging.getLogger("shop.cart.items")

NAMES = ("flow_id", "correlation_id", "flow", "step")
FORMAT = "%(flow_id)s %(correlation_id)s %(flow)s %(step)s %(message)s"


@shop.entrypoint
def receive(line: str = "received") -> None:
    """Log a line from the child logger, inside a step."""
    child.warning(line)


class Keeper(logging.Handler):
    """A handler that keeps what it would write."""

    def __init__(self, *filters: logging.Filter, format: str = FORMAT) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.records: list[logging.LogRecord] = []
        self.setFormatter(logging.Formatter(format))
        for each in filters:
            self.addFilter(each)

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)
        self.lines.append(self.format(record))


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    factory, handlers = logging.getLogRecordFactory(), [*log.handlers]
    headrace.configure("none")
    yield
    headrace.configure()
    flow_logging.uninstall()
    logging.setLogRecordFactory(factory)
    log.handlers[:] = handlers
    log.propagate = True
    log.setLevel(logging.NOTSET)


@pytest.fixture
def keeper() -> Keeper:
    """A handler with our filter, on the parent logger."""
    handler = Keeper(flow_logging.FlowFilter())
    log.addHandler(handler)
    return handler


# --- FlowFilter -----------------------------------------------------------------------------------


@pytest.mark.guarantee(33)
def test_the_fields_are_there_without_any_context(keeper: Keeper) -> None:
    """Outside any unit, and without `install`, a format string finds all four as text."""
    log.warning("hello")
    assert keeper.lines == ["- - - - hello"]


@pytest.mark.guarantee(33)
def test_the_fields_are_strings_wherever_a_line_is_logged(keeper: Keeper) -> None:
    """Outside, in a unit, in a step, with what a user gave: always there, always strings."""
    flow_logging.install()
    log.warning("outside")
    with headrace.open_context("order-17"):
        log.warning("in a unit")
        receive("in a step")
        log.warning("with a number", extra={"correlation_id": 17})
    assert keeper.lines == [
        "- - - - outside",
        "order-17 order-17 - - in a unit",
        "order-17 order-17 logging receive in a step",
        "17 17 - - with a number",
    ]
    added = [getattr(each, name) for each in keeper.records for name in ("flow_id", "flow", "step")]
    assert all(isinstance(each, str) for each in added)


def test_another_default() -> None:
    """`FlowFilter(default=...)` says what stands where there is nothing."""
    handler = Keeper(flow_logging.FlowFilter(default=""))
    log.addHandler(handler)
    log.warning("hello")
    assert handler.lines == ["    hello"]


def test_the_filter_lets_everything_through() -> None:
    """It adds, and refuses no record."""
    record = logging.makeLogRecord({"msg": "hello"})
    assert flow_logging.FlowFilter().filter(record) is True


@pytest.mark.guarantee(32)
@pytest.mark.parametrize("name", NAMES)
def test_the_user_s_extra_wins(name: str, keeper: Keeper) -> None:
    """`extra=` with any of our names is kept as it is, and nothing raises."""
    flow_logging.install()
    with headrace.open_context("order-17"):
        log.warning("hello", extra={name: "mine"})
    record = keeper.records[0]
    assert getattr(record, name) == "mine"
    if name in {"flow_id", "correlation_id"}:  # one ID under two names
        assert (record.flow_id, record.correlation_id) == ("mine", "mine")  # type: ignore[attr-defined]
    else:
        assert record.flow_id == "order-17"  # type: ignore[attr-defined]


@pytest.mark.guarantee(32)
def test_the_user_s_extra_stays_what_it_is(keeper: Keeper) -> None:
    """A value that is no text is not made one; what we add beside it is text."""
    with headrace.open_context("order-17"):
        log.warning("hello", extra={"flow_id": 17})
    assert vars(keeper.records[0])["flow_id"] == 17
    assert vars(keeper.records[0])["correlation_id"] == "17"


@pytest.mark.guarantee(32)
def test_all_our_names_may_be_the_user_s(keeper: Keeper) -> None:
    """All four in one `extra=`, in a step, each with a value of its own."""
    flow_logging.install()
    with headrace.open_context("order-17"):
        log.warning("hello", extra=dict(zip(NAMES, "abcd", strict=True)))
    assert keeper.lines == ["a b c d hello"]


def test_a_line_of_a_step_event_and_an_ordinary_one_have_the_same_fields(keeper: Keeper) -> None:
    """One query on `correlation_id` or `flow_id` finds both."""
    headrace.configure(LoggingBackend("shop.steps"))
    flow_logging.install()
    log.setLevel(logging.INFO)
    with headrace.open_context("order-17"):
        receive("ordinary")
    ordinary, event = keeper.lines
    assert ordinary == "order-17 order-17 logging receive ordinary"
    assert event.startswith("order-17 order-17 logging receive logging.receive ok in ")


# --- The emitting thread --------------------------------------------------------------------------


@pytest.mark.guarantee(31)
def test_lines_of_child_loggers_carry_the_context(keeper: Keeper) -> None:
    """The handler stands at the parent; a child's record, logged in a step, has all names."""
    flow_logging.install()
    with headrace.open_context("order-17"):
        receive()
    assert keeper.lines == ["order-17 order-17 logging receive received"]


@pytest.mark.guarantee(31)
def test_a_queue_listener_writes_the_context_of_the_thread_that_logged() -> None:
    """The handler and its filter run in the listener's thread, which has no context."""
    flow_logging.install()
    lines: queue.Queue[Any] = queue.Queue()
    log.addHandler(logging.handlers.QueueHandler(lines))
    keeper = Keeper(flow_logging.FlowFilter(), format=FORMAT + " %(threadName)s")
    with headrace.open_context("order-17"):
        receive()
        log.warning("with args %s", {"a": 1})
    with headrace.open_context("listener"):  # whatever is current there does not matter
        listener = logging.handlers.QueueListener(lines, keeper)
        listener.start()
        listener.stop()
    assert keeper.lines == [
        "order-17 order-17 logging receive received MainThread",
        "order-17 order-17 - - with args {'a': 1} MainThread",
    ]


@pytest.mark.guarantee(31)
def test_threads_and_tasks_each_log_their_own_id(keeper: Keeper) -> None:
    """Units that run at the same time never write each other's ID."""
    flow_logging.install()

    def work(number: int) -> None:
        with headrace.open_context(f"order-{number}"):
            for _ in range(20):
                receive(f"order-{number}")

    async def work_async(number: int) -> None:
        with headrace.open_context(f"order-{number}"):
            for _ in range(20):
                await asyncio.sleep(0)
                receive(f"order-{number}")

    async def main() -> None:
        await asyncio.gather(*(work_async(number) for number in range(100, 110)))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(10)]
    for thread in threads:
        thread.start()
    asyncio.run(main())
    for thread in threads:
        thread.join()
    assert len(keeper.records) == 400
    assert {each.message for each in keeper.records if each.flow_id != each.message} == set()  # type: ignore[attr-defined]


# --- install and uninstall ------------------------------------------------------------------------


def test_install_twice_is_install_once() -> None:
    """A second call leaves the factory alone, and one `uninstall` undoes both."""
    before = logging.getLogRecordFactory()
    flow_logging.install()
    once = logging.getLogRecordFactory()
    flow_logging.install()
    assert logging.getLogRecordFactory() is once
    flow_logging.uninstall()
    assert logging.getLogRecordFactory() is before
    flow_logging.uninstall()
    assert logging.getLogRecordFactory() is before


class Stamped(logging.LogRecord):
    """A record class of another library's."""

    stamp = "theirs"


def test_a_factory_set_before_ours_goes_on_working(keeper: Keeper) -> None:
    """Its records are what we add to."""
    logging.setLogRecordFactory(Stamped)
    flow_logging.install()
    with headrace.open_context("order-17"):
        log.warning("hello")
    assert isinstance(keeper.records[0], Stamped)
    assert keeper.lines == ["order-17 order-17 - - hello"]
    flow_logging.uninstall()
    assert logging.getLogRecordFactory() is Stamped


def _wrap_the_factory() -> None:
    wrapped = logging.getLogRecordFactory()

    def factory(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = wrapped(*args, **kwargs)
        record.stamp = "theirs"
        return record

    logging.setLogRecordFactory(factory)


def test_a_factory_set_around_ours_goes_on_working(keeper: Keeper) -> None:
    """Ours works inside of it, is not installed again, and `uninstall` silences it there."""
    flow_logging.install()
    _wrap_the_factory()
    theirs = logging.getLogRecordFactory()
    flow_logging.install()
    assert logging.getLogRecordFactory() is theirs

    def log_here_and_filter_there() -> logging.LogRecord:
        # The filter runs in another context than the line was logged in, as in a listener.
        with headrace.open_context("order-17"):
            record = log.makeRecord("shop", logging.INFO, "", 0, "hello", (), None)
        flow_logging.FlowFilter().filter(record)
        return record

    assert (log_here_and_filter_there().flow_id, log_here_and_filter_there().stamp) == (
        "order-17",
        "theirs",
    )  # type: ignore[attr-defined]
    flow_logging.uninstall()
    assert logging.getLogRecordFactory() is theirs
    assert log_here_and_filter_there().flow_id == "-"  # type: ignore[attr-defined]
    flow_logging.install()
    assert log_here_and_filter_there().flow_id == "order-17"  # type: ignore[attr-defined]


def test_a_factory_that_replaces_ours_is_wrapped_by_the_next_install(keeper: Keeper) -> None:
    """Where another library has dropped our factory, `install` sets it again."""
    flow_logging.install()
    logging.setLogRecordFactory(Stamped)
    flow_logging.install()
    with headrace.open_context("order-17"):
        log.warning("hello")
    assert keeper.lines == ["order-17 order-17 - - hello"]
    assert isinstance(keeper.records[0], Stamped)


# --- Complete set-ups -----------------------------------------------------------------------------


class JsonFormatter(logging.Formatter):
    """A formatter as users write it: every attribute that is not the record's own."""

    own = set(logging.makeLogRecord({}).__dict__) | {"message"}

    def format(self, record: logging.LogRecord) -> str:
        fields = {key: value for key, value in vars(record).items() if key not in self.own}
        return json.dumps({"message": record.getMessage(), **fields})


def test_a_dict_config_with_json(monkeypatch: pytest.MonkeyPatch) -> None:
    """`dictConfig` with our filter on the handler, and a JSON formatter: the names are there."""
    stream = io.StringIO()
    flow_logging.install()
    logging.config.dictConfig({
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"flow": {"()": "headrace.logging.FlowFilter", "default": "none"}},
        "formatters": {"json": {"()": JsonFormatter}},
        "handlers": {
            "out": {
                "class": "logging.StreamHandler",
                "stream": stream,
                "filters": ["flow"],
                "formatter": "json",
            }
        },
        "loggers": {"shop": {"handlers": ["out"], "level": "INFO", "propagate": False}},
    })
    log.info("outside")
    with headrace.open_context("order-17"):
        receive()
        log.info("paid", extra={"amount": 12, "step": "mine"})
    outside, received, paid = map(json.loads, stream.getvalue().splitlines())
    ours = dict.fromkeys(NAMES, "none")
    assert outside == {"message": "outside", **ours}
    ids = {"flow_id": "order-17", "correlation_id": "order-17"}
    assert received == {"message": "received", **ids, "flow": "logging", "step": "receive"}
    assert paid == {"message": "paid", **ids, "flow": "none", "step": "mine", "amount": 12}


# --- The marked exception -------------------------------------------------------------------------


def _fail() -> None:
    with headrace.open_context("order-17"):
        raise ValueError("no stock")


@pytest.mark.guarantee(9)
@pytest.mark.parametrize("installed", [True, False])
def test_the_line_about_an_unhandled_error_carries_the_id(installed: bool, keeper: Keeper) -> None:
    """A server logs the traceback after the unit has ended; its line has the unit's ID."""
    if installed:
        flow_logging.install()
    try:
        _fail()
    except ValueError:
        log.exception("unhandled")
    log.warning("the next line")
    assert keeper.lines[0].startswith("order-17 order-17 - - unhandled\nTraceback")
    assert keeper.lines[1] == "- - - - the next line"


@pytest.mark.guarantee(9)
def test_the_line_about_an_unhandled_error_carries_the_id_through_a_queue() -> None:
    """The queue's handler drops the traceback, and keeps the ID that was captured from it."""
    flow_logging.install()
    lines: queue.Queue[Any] = queue.Queue()
    log.addHandler(logging.handlers.QueueHandler(lines))
    try:
        _fail()
    except ValueError:
        log.exception("unhandled")
    keeper = Keeper(flow_logging.FlowFilter())
    keeper.handle(lines.get())
    assert keeper.lines[0].startswith("order-17 order-17 - - unhandled")


def test_the_active_unit_has_the_word_before_the_mark(keeper: Keeper) -> None:
    """A line that a unit logs about another one's error belongs to the unit that logs it."""
    flow_logging.install()
    with headrace.open_context("watcher"):
        try:
            _fail()
        except ValueError:
            log.exception("an order failed")
    assert keeper.lines[0].startswith("watcher watcher - - an order failed")


@pytest.mark.parametrize("exc_info", [(None, None, None), None, ValueError("unmarked")])
def test_no_mark_no_id(exc_info: Any, keeper: Keeper) -> None:
    """A line without an exception, or with one that left no unit, has no ID."""
    flow_logging.install()
    log.warning("hello", exc_info=exc_info)
    assert keeper.lines[0].startswith("- - - - hello")
