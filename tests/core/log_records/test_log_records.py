"""Log records under `headrace.logging.install`: nothing private in them, and nothing lost."""

from __future__ import annotations

import copy
import io
import json
import logging
import logging.handlers
import pickle
import queue
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any, Self

import ecs_logging
import json_log_formatter
import pytest
import structlog
from opentelemetry.instrumentation.logging import LoggingInstrumentor
from pythonjsonlogger.json import JsonFormatter

import headrace
from headrace import logging as flow_logging
from headrace.structlog import flow_processor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

log = logging.getLogger("records")
plain_attributes = set(vars(logging.makeLogRecord({})))


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    factory = logging.getLogRecordFactory()
    yield
    flow_logging.uninstall()
    logging.setLogRecordFactory(factory)


def made(message: object = "hello", **options: Any) -> logging.LogRecord:
    """Return a record as a logger makes it."""
    exc_info, extra = options.get("exc_info"), options.get("extra")
    return log.makeRecord("records", logging.INFO, "f", 1, message, (), exc_info, extra=extra)


def published(record: logging.LogRecord) -> tuple[Any, ...]:
    """Return the filter's values for `record`, in another thread and another unit."""
    shown: list[Any] = []

    def show() -> None:
        with headrace.open_context("elsewhere"):
            flow_logging.FlowFilter(fields=["user"]).filter(record)
        shown.extend(vars(record)[name] for name in ("flow_id", "flow", "step", "user"))

    thread = threading.Thread(target=show)
    thread.start()
    thread.join()
    return tuple(shown)


# --- Factories ------------------------------------------------------------------------------------


class Theirs(logging.LogRecord):
    """Another library's record class, with its own slot, attribute and method."""

    __slots__ = ("kept",)
    kept: str

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kept = "in a slot"
        self.stamp = "theirs"

    def getMessage(self) -> str:  # noqa: N802 - logging's name
        """Return the message in capitals."""
        return super().getMessage().upper()


class NoHeirs(logging.LogRecord):
    """A record class that forbids subclasses."""

    def __init_subclass__(cls) -> None:
        raise TypeError("final")


class Strict(logging.LogRecord):
    """A record class that requires arguments and sets attributes only by its own methods."""

    __slots__ = ("kept",)
    kept: str

    def __new__(cls, name: Any, *args: Any, **kwargs: Any) -> Self:
        made = super().__new__(cls)
        object.__setattr__(made, "kept", name)
        return made


class Reducing(logging.LogRecord):
    """A record class with its own `__reduce__`."""

    def __reduce__(self) -> Any:
        return logging.makeLogRecord, (dict(vars(self)),)


class Answering(logging.LogRecord):
    """A record class that returns a value for every attribute."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return f"no {name}"


class Refusing(logging.LogRecord):
    """A record class that rejects private attributes."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name.startswith("_"):
            raise AttributeError(name)
        super().__setattr__(name, value)


class Hidden(logging.LogRecord):
    """A record class whose `__dict__` raises."""

    @property
    def __dict__(self) -> Any:  # type: ignore[override]
        raise RuntimeError("hidden")


def wrapping(wrapped: Callable[..., logging.LogRecord]) -> Callable[..., logging.LogRecord]:
    """Return a factory that stamps the records of `wrapped`."""

    def factory(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = wrapped(*args, **kwargs)
        record.stamp = "theirs"
        return record

    return factory


def standard() -> None:
    """No other library has a factory."""
    flow_logging.install()


def class_before() -> None:
    """Another library's record class was set first."""
    logging.setLogRecordFactory(Theirs)
    flow_logging.install()


def function_before() -> None:
    """Another library's function was set first, and makes records of its class."""
    logging.setLogRecordFactory(wrapping(Theirs))
    flow_logging.install()


def wrapper_before() -> None:
    """A function around the standard class was set first."""
    logging.setLogRecordFactory(wrapping(logging.LogRecord))
    flow_logging.install()


def wrapper_after() -> None:
    """Another library has wrapped headrace's factory."""
    flow_logging.install()
    logging.setLogRecordFactory(wrapping(logging.getLogRecordFactory()))
    flow_logging.install()


def replaced_after() -> None:
    """Another library has replaced headrace's factory, which was installed again."""
    flow_logging.install()
    logging.setLogRecordFactory(Theirs)
    flow_logging.install()


FACTORIES = [standard, class_before, function_before, wrapper_before, wrapper_after, replaced_after]
every_factory = pytest.mark.parametrize("set_up", FACTORIES, ids=lambda each: each.__name__)


@every_factory
@pytest.mark.guarantee(69)
def test_nothing_private_is_in_a_record(set_up: Callable[[], None]) -> None:
    """`vars` of a record is the same as without headrace; extra= may use the public names."""
    set_up()
    flow_logging.install(fields=["user"])
    with headrace.open_context("order-7", metadata={"user": "ada"}):
        record = made(extra=dict.fromkeys(("flow_id", "correlation_id", "flow", "step", "user"), 1))
    names = {"flow_id", "correlation_id", "flow", "step", "user"}
    assert set(vars(record)) - plain_attributes - names <= {"stamp"}


@every_factory
@pytest.mark.guarantee(69)
@pytest.mark.parametrize(
    "passed_on",
    [
        lambda record: record,
        copy.copy,
        copy.deepcopy,
        lambda record: copy.copy(copy.copy(record)),
        lambda record: pickle.loads(pickle.dumps(record)),
        lambda record: pickle.loads(pickle.dumps(copy.copy(record), protocol=0)),
        lambda record: logging.handlers.QueueHandler(queue.Queue()).prepare(record),
    ],
    ids=["itself", "copy", "deepcopy", "copies", "pickle", "old pickle", "queue handler"],
)
def test_a_record_keeps_its_context(set_up: Callable[[], None], passed_on: Any) -> None:
    """The context survives copies, pickles and queues, for each record class."""
    set_up()
    flow_logging.install(fields=["user"])
    with headrace.open_context("order-7", metadata={"user": "ada"}):
        record = passed_on(made())
    assert published(record) == ("order-7", "-", "-", "ada")
    assert published(passed_on(made())) == ("-", "-", "-", "-")


@pytest.mark.guarantee(69)
@pytest.mark.parametrize("set_up", [class_before, function_before, replaced_after])
def test_a_record_of_another_library_stays_one(set_up: Callable[[], None]) -> None:
    """Its class, slots, attributes and methods are kept, also in copies."""
    set_up()
    for record in (made(), copy.copy(made()), pickle.loads(pickle.dumps(made()))):
        assert isinstance(record, Theirs)
        assert type(record).__name__ == "Theirs"
        assert (record.kept, record.stamp) == ("in a slot", "theirs")
        assert record.getMessage() == "HELLO"


@pytest.mark.guarantee(69)
@pytest.mark.parametrize("factory", [NoHeirs, wrapping(NoHeirs)], ids=["class", "function"])
def test_a_record_class_without_heirs_is_used_as_it_is(factory: Any) -> None:
    """If no slot can be added the line is still written, with the writer's context."""
    logging.setLogRecordFactory(factory)
    flow_logging.install()
    once = logging.getLogRecordFactory()
    flow_logging.install()
    assert logging.getLogRecordFactory() is once
    with headrace.open_context("order-7"):
        record = made()
        assert not any("headrace" in name for name in vars(record))
        flow_logging.FlowFilter().filter(record)
    assert type(record) is NoHeirs
    assert vars(record)["flow_id"] == "order-7"


@pytest.mark.guarantee(69)
@pytest.mark.parametrize("wrapped", [False, True])
def test_record_classes_with_ways_of_their_own(wrapped: bool) -> None:
    """Required arguments, its own `__reduce__` or attribute access: each copy keeps the ID."""
    for base in (Strict, Reducing, Answering, Refusing):
        logging.setLogRecordFactory(wrapping(base) if wrapped else base)
        flow_logging.install()
        with headrace.open_context("order-7"):
            record = made()
        assert isinstance(copy.copy(record), base)
        assert published(copy.copy(record))[0] == "order-7"
        assert published(pickle.loads(pickle.dumps(record)))[0] == "order-7"
        flow_logging.uninstall()


@pytest.mark.guarantee(69)
def test_a_record_that_captured_nothing_and_answers_everything() -> None:
    """The value that its `__getattr__` returns for a slot is not read as a context."""
    with headrace.open_context("order-7"):
        record = Answering("x", 20, "", 0, "", (), None)
        flow_logging.FlowFilter(fields=["user"]).filter(record)
    assert (vars(record)["flow_id"], vars(record)["user"]) == ("order-7", "-")


def test_a_record_that_shows_nothing_passes_through() -> None:
    """A record whose attributes cannot be read is left unchanged."""
    logging.setLogRecordFactory(wrapping(Hidden))
    flow_logging.install()
    assert type(logging.getLogRecordFactory()("x", 20, "", 0, "", (), None)) is Hidden


def test_a_factory_may_return_what_is_no_record() -> None:
    """What is not a `LogRecord` passes through."""
    thing = type("Thing", (), {"name": "x", "exc_info": None})()
    logging.setLogRecordFactory(lambda *_, **__: thing)
    flow_logging.install()
    assert logging.getLogRecordFactory()("x") is thing
    assert vars(thing) == {}


@pytest.mark.guarantee(69)
def test_a_record_that_is_made_of_nothing_is_logged_here() -> None:
    """A factory called without a name, outside `makeLogRecord`, uses the current context."""
    flow_logging.install()
    with headrace.open_context("order-7"):
        record = logging.getLogRecordFactory()(None, 20, "", 0, "", (), None)
    assert published(record)[0] == "order-7"


@pytest.mark.guarantee(69)
def test_a_pickled_record_can_be_read_without_headrace() -> None:
    """In a process that cannot import headrace the record has the public names."""
    flow_logging.install()
    with headrace.open_context("order-7"):
        data = pickle.dumps(made())
    code = (
        "import sys; sys.modules['headrace'] = None\n"
        f"import pickle; record = pickle.loads({data!r})\n"
        "print(type(record).__name__, record.flow_id, record.correlation_id)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stdout.split() == ["LogRecord", "order-7", "order-7"]


@pytest.mark.guarantee(69)
def test_a_pickled_record_keeps_what_the_user_gave() -> None:
    """`extra=` takes precedence over the captured ID, under both of its names."""
    flow_logging.install()
    with headrace.open_context("order-7"):
        record = pickle.loads(pickle.dumps(made(extra={"correlation_id": "mine"})))
    assert published(record)[0] == "mine"


@pytest.mark.guarantee(69)
def test_a_record_that_is_sent_as_a_dict_has_the_sender_s_names() -> None:
    """`SocketHandler` sends `__dict__`: with the filter on it, the receiver has the names."""
    flow_logging.install()
    handler = logging.handlers.SocketHandler("localhost", 9)
    with headrace.open_context("sender"):
        record = made()
        flow_logging.FlowFilter().filter(record)
        received = logging.makeLogRecord(pickle.loads(handler.makePickle(record)[4:]))
    assert published(received)[0] == "sender"


@pytest.mark.guarantee(69)
@every_factory
def test_a_copy_by_make_log_record_keeps_the_context(set_up: Callable[[], None]) -> None:
    """`makeLogRecord(record.__dict__)`, structlog's way to copy, keeps the context in any unit."""
    set_up()
    flow_logging.install(fields=["user"])
    with headrace.open_context("order-7", metadata={"user": "ada"}):
        record = made()
    with headrace.open_context("elsewhere"):
        copied = logging.makeLogRecord(record.__dict__)
        again = logging.makeLogRecord(vars(copied))
    assert published(copied) == published(again) == ("order-7", "-", "-", "ada")


@pytest.mark.guarantee(69)
def test_structlog_s_formatter_behind_a_buffer_keeps_the_context() -> None:
    """Lines written during a later unit of the same thread keep their own ID."""
    flow_logging.install()
    stream = io.StringIO()
    target = logging.StreamHandler(stream)
    target.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[flow_processor],
            processor=structlog.processors.JSONRenderer(),
        )
    )
    buffer = logging.handlers.MemoryHandler(10, target=target)
    for number in (1, 2):
        with headrace.open_context(f"order-{number}"):
            buffer.handle(made(f"paid {number}"))
    with headrace.open_context("later"):
        buffer.close()
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["flow_id"] for line in lines] == ["order-1", "order-2"]


@pytest.mark.guarantee(69)
def test_a_record_made_from_a_dict_never_has_the_receiver_s_context() -> None:
    """A record from elsewhere belongs to no unit of the process, thread or task that reads it."""
    flow_logging.install()
    with headrace.open_context("sender"):
        sent = dict(vars(made()))
    with headrace.open_context("receiver"):
        received = logging.makeLogRecord(sent)
        flow_logging.FlowFilter(fields=["unit_id"]).filter(received)
        local = logging.makeLogRecord({"msg": "logged here"})
        flow_logging.FlowFilter().filter(local)
    assert (vars(received)["flow_id"], vars(received)["unit_id"]) == ("-", "-")
    assert vars(local)["flow_id"] == "receiver"


def test_without_install_a_line_from_another_thread_has_no_context() -> None:
    """The lines that a listener writes do not get the listener's own unit."""
    assert published(made()) == ("-", "-", "-", "-")


# --- Other libraries ------------------------------------------------------------------------------


def by_structlog(record: logging.LogRecord) -> dict[str, Any]:
    """Return structlog's event for `record`."""
    event = structlog.stdlib.ExtraAdder()(None, "info", {"_record": record})  # type: ignore[arg-type]
    return dict(event)


def by_otel(record: logging.LogRecord) -> dict[str, Any]:
    """Return the attributes that OpenTelemetry exports for `record`."""
    from opentelemetry.sdk._logs import LoggerProvider, export

    try:
        from opentelemetry.instrumentation.logging.handler import LoggingHandler
    except ImportError:
        from opentelemetry.sdk._logs import LoggingHandler
    names = ("InMemoryLogRecordExporter", "InMemoryLogExporter")  # the second one is older
    exporter = next(getattr(export, name) for name in names if hasattr(export, name))()
    provider = LoggerProvider()
    provider.add_log_record_processor(export.SimpleLogRecordProcessor(exporter))
    LoggingHandler(logger_provider=provider).emit(record)
    (exported,) = exporter.get_finished_logs()
    return dict(exported.log_record.attributes or {})


def formatted(formatter: logging.Formatter) -> Callable[[logging.LogRecord], dict[str, Any]]:
    """Return the output of `formatter` as a dict."""
    return lambda record: dict(json.loads(formatter.format(record)))


LIBRARIES = {
    "structlog": by_structlog,
    "OpenTelemetry": by_otel,
    "python-json-logger": formatted(JsonFormatter()),
    "json-log-formatter": formatted(json_log_formatter.JSONFormatter()),
    "json-log-formatter, verbose": formatted(json_log_formatter.VerboseJSONFormatter()),
    "ecs-logging": formatted(ecs_logging.StdlibFormatter()),
}


@pytest.mark.guarantee(69)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("shown", LIBRARIES.values(), ids=LIBRARIES)
def test_other_libraries_print_nothing_private(
    shown: Callable[[logging.LogRecord], dict[str, Any]],
) -> None:
    """Captured records are written as without headrace; filtered ones have the public names."""
    before = shown(made(extra={"amount": 12}))
    flow_logging.install(fields=["user"])
    with headrace.open_context("order-7", metadata={"user": "ada"}):
        record = made(extra={"amount": 12})
    assert set(shown(record)) == set(before)
    flow_logging.FlowFilter().filter(record)
    added = {"flow_id", "correlation_id", "flow", "step", "user"}
    assert set(shown(record)) - set(before) == added
    assert not any("headrace" in name for name in shown(record))


@pytest.mark.guarantee(69)
@pytest.mark.parametrize("first", ["theirs", "ours"])
def test_opentelemetry_s_logging_instrumentation_goes_on_working(first: str) -> None:
    """Its factory, set before headrace's or after it, gives each record the IDs of the span."""
    instrumentor = LoggingInstrumentor()
    if first == "ours":
        flow_logging.install()
    instrumentor.instrument(inject_trace_context=True)
    try:
        flow_logging.install()
        with headrace.open_context("order-7"):
            record = copy.copy(made())
        assert hasattr(record, "otelTraceID")
        assert published(record)[0] == "order-7"
    finally:
        instrumentor.uninstrument()


@pytest.mark.guarantee(69)
def test_a_stream_handler_of_python_json_logger_writes_our_names() -> None:
    """End to end, through a logger and a queue: one object per line, with only the public names."""
    flow_logging.install()
    stream = io.StringIO()
    writer = logging.StreamHandler(stream)
    writer.addFilter(flow_logging.FlowFilter(fields=["unit_id"]))
    writer.setFormatter(JsonFormatter("%(message)s %(levelname)s"))
    lines: queue.Queue[Any] = queue.Queue()
    queued = logging.handlers.QueueHandler(lines)
    log.addHandler(queued)
    try:
        with headrace.open_context("order-7"):
            log.warning("paid", extra={"amount": 12})
    finally:
        log.removeHandler(queued)
    writer.handle(lines.get())
    assert json.loads(stream.getvalue()) == {
        "message": "paid",
        "levelname": "WARNING",
        "amount": 12,
        "flow_id": "order-7",
        "correlation_id": "order-7",
        "flow": "-",
        "step": "-",
        "unit_id": "-",  # not captured where the line was logged
    }


class Renamed(logging.LogRecord):
    """A record class that another library gives to records that were made before."""

    def getMessage(self) -> str:  # noqa: N802 - the name is logging's
        return f"renamed {super().getMessage()}"


@pytest.mark.guarantee(69)
def test_a_record_can_be_given_another_class() -> None:
    """As Sphinx does it with its records: the methods are the new ones, the context is kept."""
    flow_logging.install()
    factory = logging.getLogRecordFactory()
    with headrace.open_context("order-1"):
        record = factory("shop", logging.INFO, "shop.py", 1, "sent", (), None)
    record.__class__ = Renamed
    assert isinstance(record, Renamed)
    for each in (record, copy.copy(record), pickle.loads(pickle.dumps(record))):
        assert each.getMessage() == "renamed sent"
        flow_logging.FlowFilter().filter(each)
        assert each.flow_id == "order-1"  # type: ignore[attr-defined]
    assert not [key for key in vars(record) if key.startswith("_headrace")]
