"""Units of work against a model: opened, left in any order, forgotten, copied, sent on.

`HEADRACE_EXAMPLES` sets the number of examples, and ``pytest --hypothesis-seed=N`` repeats a run.
"""

from __future__ import annotations

import contextlib
import os
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule
from hypothesis.stateful import run_state_machine_as_test as run_machine

import headrace
from headrace import FlowContext, extract, get_flow_context, inject, open_context
from headrace.integration import Unit, transport_context

if TYPE_CHECKING:
    from collections.abc import Callable

EXAMPLES = int(os.environ.get("HEADRACE_EXAMPLES", "200"))


@dataclass(eq=False)
class Entry:
    """A unit that has been opened.

    Attributes:
        context: its context.
        block: the context manager that ends it; None once it can no longer be ended.
        place: where it was opened.
    """

    context: FlowContext
    block: Any
    place: Place


@dataclass(eq=False)
class Place:
    """The view of a thread or task: a context of `contextvars`, and its model.

    Attributes:
        context: the real one.
        base: the unit that was current when it was copied.
        entries: the units opened here that may become current again, the current one last.
    """

    context: Context
    base: FlowContext | None
    entries: list[Entry] = field(default_factory=list)

    @property
    def current(self) -> FlowContext | None:
        """The unit that should be current here."""
        return self.entries[-1].context if self.entries else self.base


class Interruption(BaseException):
    """The exception of a signal handler."""


class Units(RuleBasedStateMachine):
    """Performs random operations on units, and compares the current unit with the model."""

    places = Bundle("places")
    opened = Bundle("opened")
    messages = Bundle("messages")

    def __init__(self) -> None:
        super().__init__()
        self.all_places: list[Place] = []
        self.pool = ThreadPoolExecutor(1)

    def teardown(self) -> None:
        """End the thread."""
        self.pool.shutdown()

    def do(self, place: Place, in_thread: bool, function: Callable[..., Any], *args: Any) -> Any:
        """Call the function in a place, in this thread or another."""
        if in_thread:
            return self.pool.submit(place.context.run, function, *args).result()
        return place.context.run(function, *args)

    @rule(target=places)
    def begin_outside(self) -> Place:
        """Begin a thread without any unit."""
        place = Place(Context(), None)
        self.all_places.append(place)
        return place

    @rule(target=places, place=places)
    def copy(self, place: Place) -> Place:
        """Begin a task, with a copy of the current context."""
        copied = Place(place.context.copy(), place.current)
        self.all_places.append(copied)
        return copied

    @rule(
        target=opened,
        place=places,
        in_thread=st.booleans(),
        kind=st.sampled_from(["open_context", "given", "fork", "transport", "flow"]),
    )
    def open(self, place: Place, in_thread: bool, kind: str) -> Entry:
        """Open a unit."""
        outer = place.current

        def enter() -> tuple[Any, FlowContext]:
            if kind == "fork":
                block: Any = (get_flow_context() or FlowContext()).fork()
            elif kind == "transport":
                block = Unit(transport_context("http"))
            elif kind == "flow":
                block = headrace.flow("tests.machine").open("order-1")
            else:
                block = open_context("order-1" if kind == "given" else None)
            return block, block.__enter__()

        block, context = self.do(place, in_thread, enter)
        if kind in {"open_context", "fork"} and outer is not None:
            assert context.correlation_id == outer.correlation_id
        if kind != "transport" and outer is not None:
            assert context.causation_id == outer.unit_id
        return self._opened(place, block, context)

    @rule(entry=opened, in_thread=st.booleans())
    def leave(self, entry: Entry, in_thread: bool) -> None:
        """Leave a unit where it was opened, in any order."""
        if entry.block is not None:
            self.do(entry.place, in_thread, entry.block.__exit__, None, None, None)
            self._left(entry)

    @rule(entry=opened, in_thread=st.booleans())
    def leave_by_an_error(self, entry: Entry, in_thread: bool) -> None:
        """Leave a unit by an exception: units opened inside are left too."""
        if entry.block is None:
            return
        error = ZeroDivisionError()
        self.do(entry.place, in_thread, entry.block.__exit__, type(error), error, None)
        entry.block = None
        entries = entry.place.entries
        if entry in entries:
            del entries[entries.index(entry) :]

    @rule(entry=opened, place=places, in_thread=st.booleans())
    def leave_elsewhere(self, entry: Entry, place: Place, in_thread: bool) -> None:
        """Leave a unit in a place where it is not current: that place does not change."""
        if entry.block is None or place is entry.place or place.current is entry.context:
            return
        self.do(place, in_thread, entry.block.__exit__, None, None, None)
        entry.block = None

    @rule(entry=opened)
    def forget(self, entry: Entry) -> None:
        """Forget the block of a unit: it stays current until an enclosing unit ends."""
        if not isinstance(entry.block, FlowContext):  # that one is referenced while it is current
            entry.block = None

    @rule(place=places, kind=st.sampled_from(["raise", "return"]))
    def interrupt(self, place: Place, kind: str) -> None:
        """Raise a signal inside nested units: the previous unit is current again."""

        def nested() -> None:
            with contextlib.suppress(Interruption), open_context(), open_context():
                if kind == "raise":
                    raise Interruption

        self.do(place, False, nested)

    @rule(target=messages, place=places)
    def publish(self, place: Place) -> Any:
        """Send a message: it names the operation and the unit."""
        carrier: dict[str, str] = {}
        self.do(place, False, inject, carrier)
        sender = place.current
        if sender is None:
            assert carrier == {}
            return multiple()
        assert extract(carrier).correlation_id == sender.correlation_id
        return carrier, sender

    @rule(target=opened, message=messages, place=places, in_thread=st.booleans())
    def deliver(self, message: Any, place: Place, in_thread: bool) -> Entry:
        """Deliver a message, possibly again: each delivery is a new unit of the operation."""
        carrier, sender = message

        def enter() -> tuple[Any, FlowContext]:
            block = Unit(transport_context("task", "work", extract(carrier)))
            return block, block.__enter__()

        block, context = self.do(place, in_thread, enter)
        assert context.correlation_id == sender.correlation_id
        assert context.causation_id == sender.unit_id
        assert context.unit_id != sender.unit_id
        return self._opened(place, block, context)

    @invariant()
    def each_place_sees_its_own(self) -> None:
        """In each place the model's unit is current, and none is current outside."""
        for place in self.all_places:
            assert place.context.run(get_flow_context) is place.current
        assert get_flow_context() is None

    def _opened(self, place: Place, block: Any, context: FlowContext) -> Entry:
        entry = Entry(context, block, place)
        place.entries.append(entry)
        return entry

    def _left(self, entry: Entry) -> None:
        entry.block = None
        entries = entry.place.entries
        if entry not in entries:
            return
        if entries[-1] is not entry and entries[-1].block is None:
            # Nothing can end the current unit: it was forgotten, or ended elsewhere.
            del entries[entries.index(entry) :]
        else:
            entries.remove(entry)


@pytest.mark.guarantee(99)
def test_units_do_what_their_model_does() -> None:
    """Each place sees its own unit, for any operations in any order."""
    run_machine(Units, settings=settings(max_examples=EXAMPLES, deadline=None))
