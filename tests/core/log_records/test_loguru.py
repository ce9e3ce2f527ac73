"""The patcher for loguru, with loguru itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import headrace
import headrace.logging
from headrace.loguru import FlowPatcher, flow_patcher

loguru = pytest.importorskip("loguru")

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FORMAT = "{extra[flow_id]} {extra[flow]}.{extra[step]} {message}"


@pytest.fixture
def lines() -> Iterator[Callable[..., list[str]]]:
    """Return a function that sets loguru up with a patcher, and returns the list of its lines."""

    def set_up(
        patcher: Any = flow_patcher, form: str = FORMAT, *, enqueue: bool = False
    ) -> list[str]:
        written: list[str] = []
        sink = {"sink": written.append, "format": form, "enqueue": enqueue}
        loguru.logger.configure(handlers=[sink], patcher=patcher)
        return written

    yield set_up
    loguru.logger.remove()
    loguru.logger.configure(patcher=lambda record: None, extra={})
    headrace.logging.uninstall()


def test_message_has_the_id_and_the_step(lines: Callable[..., list[str]]) -> None:
    """Inside a step, a format can name the ID, the flow and the step; outside, they are dashes."""
    written = lines()
    orders = headrace.flow("loguru_orders")

    @orders.entrypoint
    def pay() -> None:
        loguru.logger.info("paid")

    with headrace.open_context("an-id"):
        pay()
        loguru.logger.info("done")
    loguru.logger.info("outside")
    assert [line.rstrip() for line in written] == [
        "an-id loguru_orders.pay paid",
        "an-id -.- done",
        "- -.- outside",
    ]


def test_values_are_those_of_the_thread_that_logs(lines: Callable[..., list[str]]) -> None:
    """With ``enqueue=True``, another thread writes the line, with the ID of the first."""
    written = lines(enqueue=True)
    with headrace.open_context("an-id"):
        loguru.logger.info("queued")
    loguru.logger.complete()
    assert [line.rstrip() for line in written] == ["an-id -.- queued"]


def test_bound_values_take_precedence(lines: Callable[..., list[str]]) -> None:
    """What the application binds under one of the names stays."""
    written = lines()
    with headrace.open_context("an-id"):
        loguru.logger.bind(flow_id="mine").info("bound")
    assert written == ["mine -.- bound\n"]


def test_exception_that_has_left_its_unit_has_its_id(lines: Callable[..., list[str]]) -> None:
    """Outside any unit, the message about an exception has the ID of the unit that it left."""
    written = lines()
    try:
        with headrace.open_context("an-id"):
            raise LookupError("lost")
    except LookupError:
        loguru.logger.exception("unhandled")
    assert written[0].startswith("an-id -.- unhandled")


def test_metadata_is_added_by_name(lines: Callable[..., list[str]]) -> None:
    """The fields of the patcher and of `install` are there, numbers as numbers."""
    headrace.logging.install(fields=["tenant"])
    seen: list[dict[str, Any]] = []
    lines(FlowPatcher("?", ["amount", "unit_id", "missing"]))
    loguru.logger.configure(handlers=[{"sink": lambda line: seen.append(line.record["extra"])}])
    with headrace.open_context("an-id", metadata={"tenant": "acme", "amount": 12}) as unit:
        loguru.logger.info("paid")
    assert seen[0] == {
        "flow_id": "an-id",
        "flow": "?",
        "step": "?",
        "tenant": "acme",
        "amount": 12,
        "unit_id": unit.unit_id,
        "missing": "?",
    }


def test_text_from_outside_breaks_no_line(lines: Callable[..., list[str]]) -> None:
    """A line break in metadata is escaped."""
    written = lines(FlowPatcher(fields=["tenant"]), "{extra[tenant]} {message}")
    with headrace.open_context(metadata={"tenant": "a\nb"}):
        loguru.logger.info("paid")
    assert len(written[0].splitlines()) == 1


def test_misspelt_option_is_refused() -> None:
    """An unknown option and a wrong type of `fields` are errors."""
    with pytest.raises(TypeError, match="did you mean 'fields'"):
        FlowPatcher(feilds=["tenant"])  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="list of names"):
        FlowPatcher(fields="tenant")
