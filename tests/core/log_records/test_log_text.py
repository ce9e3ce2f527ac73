"""No external value puts a control character into headrace's plain text."""

from __future__ import annotations

import io
import json
import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

import headrace
from headrace import logging as flow_logging
from headrace._cli.streams import tell
from headrace.backends import LoggingBackend
from headrace.commands import flow_lines, flow_problems, graph_main
from headrace.integration import plain_text
from headrace.structlog import FlowProcessor

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.guarantee(72)

EVIL = "a\nb\r\x1b[31m\x9b\u2028\u202e"
SAFE = r"a\nb\r\x1b[31m\x9b\u2028\u202e"
LINE = "%(flow_id)s|%(correlation_id)s|%(flow)s|%(step)s|%(user)s|%(funcName)s|%(message)s"


class Keeper(logging.Handler):
    """Keeps the lines of a plain format."""

    def __init__(self, formatter: logging.Formatter) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.setFormatter(formatter)

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@contextmanager
def unit(**options: Any) -> Iterator[headrace.FlowContext]:
    """Enter a unit, and set an invalid ID."""
    with headrace.FlowContext(**options) as context:
        context.correlation_id = EVIL
        yield context


@pytest.fixture(params=["filter", "formatter"])
def lines(request: pytest.FixtureRequest) -> Iterator[list[str]]:
    """The lines of a plain format, by the filter and by the formatter."""
    if request.param == "filter":
        keeper = Keeper(logging.Formatter(LINE))
        keeper.addFilter(flow_logging.FlowFilter(fields=["user"]))
    else:
        keeper = Keeper(flow_logging.Formatter(LINE, fields=["user"]))
    loggers = [logging.getLogger(name) for name in ("text", "headrace")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.addHandler(keeper)
        logger.setLevel(logging.DEBUG)
    yield keeper.lines
    for logger, level in zip(loggers, levels, strict=True):
        logger.removeHandler(keeper)
        logger.setLevel(level)
    headrace.configure()


def test_ids_names_and_metadata_are_printable(lines: list[str]) -> None:
    """Fields of a line are escaped, even for a unit made by hand with an invalid ID."""
    flow = headrace.flow(EVIL)

    @flow.step(name=EVIL)
    def step() -> None:
        logging.getLogger("text").warning("hello")

    headrace.configure("none")
    with unit(metadata={"user": EVIL}):
        step()
    assert lines == [f"{SAFE}|{SAFE}|{SAFE}|{SAFE}|{SAFE}|step|hello"]


def test_a_synonym_of_the_users_value_is_printable(lines: list[str]) -> None:
    """A value of `extra=` is kept; the second name of the ID, added by headrace, is printable."""
    logging.getLogger("text").warning("hello", extra={"flow_id": "a\x1b"})
    assert lines[0].split("|")[:2] == ["a\x1b", r"a\x1b"]


def test_step_events_are_printable(lines: list[str]) -> None:
    """The fields of the logging backend are escaped: flow, step, ID and error."""
    records: list[logging.LogRecord] = []
    logging.getLogger("headrace").addFilter(lambda record: records.append(record) or True)
    headrace.configure(LoggingBackend())

    @headrace.flow(EVIL).step(name=EVIL + "fails")
    def fails() -> None:
        raise ValueError(EVIL)

    with pytest.raises(ValueError, match="a"), unit():
        fails()
    logging.getLogger("headrace").filters.clear()
    start, end = lines[1:3]
    shown = f"{SAFE}|{SAFE}|{SAFE}|{SAFE}fails|-|{SAFE}fails|{SAFE}.{SAFE}fails"
    assert start == f"{shown} started"
    assert end.startswith(f"{shown} error after ")
    assert [vars(each)["error"] for each in records[-2:]] == [f"ValueError: {SAFE}"] * 2


@pytest.mark.filterwarnings("ignore::pytest.PytestWarning")
def test_lines_of_chains_are_printable(lines: list[str]) -> None:
    """Names of steps, messages of exceptions and values in a template are escaped."""

    def fails() -> None:
        raise ValueError(EVIL)

    headrace.configure("none")
    chain = headrace.Chain()
    chain.put("note", EVIL).put("order", {"note": EVIL})
    chain.next(lambda: 1, name=EVIL, log_fmt="{note} {order}")
    chain.next(fails, name="f" + EVIL, retries=1, backoff=0.0, undo=None)
    with pytest.raises(headrace.StepFailedError):
        chain.run()
    messages = [line.split("|")[-1] for line in lines]
    assert messages[0].startswith(SAFE + " {")
    assert json.loads(messages[0].removeprefix(SAFE)) == {"note": EVIL}
    assert len(messages) >= 3
    assert all(line.split("\nTraceback")[0].isprintable() for line in lines)


def test_a_chain_s_line_stays_redacted(lines: list[str]) -> None:
    """A `redact` function gets the original line, and its result is made printable."""
    headrace.configure("none")
    chain = headrace.Chain(redact=lambda line: line.replace(EVIL, "***") + "\n")
    chain.put("note", EVIL).next(lambda: 1, name="one", log_fmt="n={note}")
    chain.run()
    assert [line.split("|")[-1] for line in lines] == [r"n=***\n"]


def test_structlog_s_events_are_printable() -> None:
    """ID and metadata are escaped, for plain-text renderers."""
    with unit(metadata={"user": EVIL}):
        event = FlowProcessor(fields=["user"])(None, "info", {})
    assert dict(event) == {"flow_id": SAFE, "user": SAFE}


def test_the_text_of_a_context_is_printable() -> None:
    """The repr of a unit is escaped: its route or task may have any name."""
    with unit(name=EVIL) as context:
        text = repr(context)
    assert text.isprintable()
    assert SAFE in text


def test_the_command_line_is_printable() -> None:
    """Messages, listed flows and their problems are one line each."""

    @headrace.flow(EVIL + "cli").step(name=EVIL, after="x" + EVIL)
    def step() -> None: ...

    stream = io.StringIO()
    tell(stream, f"cannot read {EVIL}")
    assert stream.getvalue() == f"headrace: cannot read {SAFE}\n"
    assert [line.startswith(SAFE) for line in flow_lines() if "cli" in line] == [True]
    (problem,) = flow_problems([EVIL + "cli"])
    assert str(problem).isprintable()


def test_a_refused_argument_is_printable(capsys: pytest.CaptureFixture[str]) -> None:
    """A command escapes the control characters of an unknown option in its message."""
    with pytest.raises(SystemExit):
        graph_main(["--" + EVIL])
    assert f"there is no option '--{SAFE}'; " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (EVIL, SAFE),
        (17, "17"),
        (None, "None"),
        ("été 日本 👩‍👩‍👧", "été 日本 👩‍👩‍👧"),
        ("\ud800", r"\ud800"),
        (b"a\n", r"b'a\n'"),
    ],
)
def test_plain_text(value: Any, text: str) -> None:
    """Printable text is unchanged, the rest is escaped as in a Python string."""
    assert plain_text(value) == text
