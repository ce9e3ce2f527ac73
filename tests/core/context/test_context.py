"""The context of a unit of work: what it holds, what is shared, and what a fork isolates."""

from __future__ import annotations

import asyncio
import gc
import os
import re
import sys
import threading
import weakref
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest

from headrace import (
    FlowContext,
    HeadraceError,
    OutsideFlowError,
    configure,
    current_flow_id,
    detached,
    flow,
    get_flow_context,
    get_flow_context_value,
    open_context,
    set_flow_context_value,
)
from headrace._context import model as internals
from headrace.integration.messages import is_valid_id
from headrace.testing import reset
from tests.core.flow_kit import new_flow, run_python

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def _reset() -> Iterator[None]:
    yield
    reset()


def test_outside_any_unit_there_is_nothing() -> None:
    """Without a unit there is no ID, no context, and every value is the default."""
    assert current_flow_id() is None
    assert get_flow_context() is None
    assert get_flow_context_value("tenant") is None
    assert get_flow_context_value("tenant", "default") == "default"


def test_setting_a_value_outside_any_unit_is_an_error() -> None:
    """The error names the key, and says how to open a unit."""
    with pytest.raises(OutsideFlowError, match=r"cannot set 'tenant'.*open_context") as caught:
        set_flow_context_value("tenant", "a")
    assert isinstance(caught.value, RuntimeError)
    assert isinstance(caught.value, HeadraceError)


def test_fresh_context() -> None:
    """A context made with nothing has a fresh ID, no cause, and is of kind ``manual``."""
    context = FlowContext()
    assert re.fullmatch(r"[0-9a-f]{32}", context.correlation_id)
    assert re.fullmatch(r"[0-9a-f]{16}", context.unit_id)
    assert (context.causation_id, context.kind, context.name, context.deadline) == (
        None,
        "manual",
        None,
        None,
    )
    assert context.metadata == {}


def test_functions_read_the_current_context() -> None:
    """`current_flow_id` and `get_flow_context` tell of the unit that is open."""
    with open_context("order-1") as context:
        assert current_flow_id() == context.correlation_id == "order-1"
        assert get_flow_context() is context


def test_flow_and_step_are_live() -> None:
    """The context tells the flow and step that are current where it is read."""
    made = new_flow()
    seen = []

    @made.step
    def charge(context: FlowContext) -> None:
        seen.append((context.flow, context.step))

    with open_context() as context:
        assert (context.flow, context.step) == (None, None)
        charge(context)
        with made.open():
            assert (context.flow, context.step) == (made.name, None)
    assert seen == [(made.name, "charge")]
    assert (context.flow, context.step) == (None, None)


def test_metadata_is_read_and_written() -> None:
    """Values are set, read with a default, and deleted; deleting what is not there is no error."""
    with open_context(metadata={"tenant": "a"}) as context:
        set_flow_context_value("user", 7)
        assert context.get_value("user") == get_flow_context_value("user") == 7
        assert context.get_value("missing") is None
        assert context.get_value("missing", "default") == "default"
        context.set_value("user", 8)
        assert context.metadata == {"tenant": "a", "user": 8}
        context.delete_value("user")
        context.delete_value("user")
        assert context.metadata == {"tenant": "a"}


def test_metadata_given_and_read_are_copies() -> None:
    """Neither the mapping that was given nor the one that is read is the unit's own."""
    given = {"tenant": "a"}
    with open_context(metadata=given) as context:
        given["tenant"] = "b"
        context.metadata["tenant"] = "c"
        assert context.get_value("tenant") == "a"


def test_repr_shows_the_ids_and_no_metadata() -> None:
    """What identifies the unit is shown; metadata may be private."""
    with (
        open_context("order-1") as outer,
        open_context(metadata={"password": "secret"}) as context,
    ):
        assert repr(context) == (
            f"<FlowContext manual - correlation_id=order-1 unit_id={context.unit_id} "
            f"causation_id={outer.unit_id}>"
        )
    assert "http /orders" in repr(FlowContext(kind="http", name="/orders"))


def test_context_has_no_other_attributes() -> None:
    """A misspelt attribute is an error, on reading and on writing."""
    context: Any = FlowContext()
    with pytest.raises(AttributeError, match="correlationid"):
        _ = context.correlationid
    with pytest.raises(AttributeError):
        context.correlationid = "a"


# --- trap 5 -----------------------------------------------------------------------------------


@pytest.mark.guarantee(5)
def test_tasks_of_a_unit_share_its_metadata() -> None:
    """What one task under `gather` writes, its siblings and the unit see: it is the unit's."""

    async def write(number: int) -> None:
        set_flow_context_value(f"task-{number}", number)
        await asyncio.sleep(0)
        assert get_flow_context_value("task-0") == 0

    async def main() -> dict[str, Any]:
        with open_context() as context:
            await asyncio.gather(*(write(number) for number in range(10)))
            return context.metadata

    assert asyncio.run(main()) == {f"task-{number}": number for number in range(10)}


@pytest.mark.guarantee(5)
def test_what_a_thread_writes_is_there_afterwards() -> None:
    """A plain function in a thread, as a framework runs it, writes to the unit that is shared."""

    async def main() -> Any:
        with open_context():
            await asyncio.to_thread(set_flow_context_value, "user", 7)
            return get_flow_context_value("user")

    assert asyncio.run(main()) == 7


@pytest.mark.guarantee(5)
def test_fork_isolates() -> None:
    """Each fork has a deep copy of the metadata: nothing written in one is seen in another."""

    async def write(number: int) -> Any:
        context = get_flow_context()
        assert context is not None
        with context.fork() as own:
            set_flow_context_value("number", number)
            own.get_value("basket").append(number)
            await asyncio.sleep(0)
            return own.metadata

    async def main() -> tuple[list[Any], Any]:
        with open_context(metadata={"basket": [0], "number": None}) as context:
            seen = await asyncio.gather(*(write(number) for number in range(1, 6)))
            return seen, context.metadata

    seen, left = asyncio.run(main())
    assert seen == [{"basket": [0, number], "number": number} for number in range(1, 6)]
    assert left == {"basket": [0], "number": None}


@pytest.mark.guarantee(5)
def test_fork_is_a_unit_of_the_same_operation() -> None:
    """Same correlation ID, kind and name; a unit of its own, caused by the forked one."""
    with open_context("order-1") as context:
        forked = context.fork()
        assert get_flow_context() is context
        with forked as entered:
            assert entered is forked is get_flow_context()
        assert get_flow_context() is context
    assert forked.correlation_id == "order-1"
    assert forked.causation_id == context.unit_id
    assert forked.unit_id != context.unit_id
    assert (forked.kind, forked.name) == (context.kind, context.name)


def test_fork_keeps_what_metadata_values_share() -> None:
    """A value that stands under two keys is one value in the fork as well."""
    basket: list[int] = []
    with open_context(metadata={"a": basket, "b": basket}) as context:
        forked = context.fork()
    assert forked.get_value("a") is forked.get_value("b")
    assert forked.get_value("a") is not basket


@pytest.mark.parametrize("value", [threading.Lock(), (each for each in "ab"), sys.modules])
def test_fork_names_the_value_that_cannot_be_copied(value: Any) -> None:
    """The error tells the key and the type, and what to do."""
    with (
        open_context(metadata={"fine": 1, "culprit": value}) as context,
        pytest.raises(TypeError, match=r"metadata value 'culprit'.*keep such objects outside"),
    ):
        context.fork()


def test_fork_is_entered_once() -> None:
    """A fork has one life, and the error says how to get another."""
    forked = FlowContext().fork()
    with forked:
        pass
    with pytest.raises(RuntimeError, match=r"use `with context\.fork\(\):`"), forked:
        pass


# --- made when asked for ------------------------------------------------------------------------


def test_unit_id_is_made_once_for_all_threads() -> None:
    """Many threads that ask at once are told the same one, and write into the same metadata."""
    for _ in range(200):
        context = FlowContext()
        seen: list[Any] = []
        barrier = threading.Barrier(4)

        def ask(
            number: int,
            context: FlowContext = context,
            seen: list[Any] = seen,
            barrier: threading.Barrier = barrier,
        ) -> None:
            barrier.wait()
            seen.append(context.unit_id)
            context.set_value(str(number), number)

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(set(seen)) == 1
        assert len(context.metadata) == 4


def test_unit_id_can_be_asked_for_while_one_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """A signal handler or a finalizer that asks in the middle of it does not wait for ever."""
    other = FlowContext()
    make = internals.new_unit_id

    def interrupted() -> str:
        monkeypatch.setattr(internals, "new_unit_id", make)
        assert other.unit_id
        return make()

    monkeypatch.setattr(internals, "new_unit_id", interrupted)
    context = FlowContext()
    done = threading.Event()
    thread = threading.Thread(target=lambda: (context.unit_id, done.set()), daemon=True)
    thread.start()
    assert done.wait(60)


@pytest.mark.guarantee(7)
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_child_does_not_wait_for_a_lock_of_its_parents_threads() -> None:
    """Forked while another thread makes a unit ID, the child makes its own at once."""
    program = (
        "import os, threading, headrace\n"
        "from headrace._process import locks\n"
        "held, go_on = threading.Event(), threading.Event()\n"
        "def hold():\n"
        "    with locks._once_lock:\n"
        "        held.set()\n"
        "        go_on.wait()\n"
        "thread = threading.Thread(target=hold)\n"
        "thread.start()\n"
        "held.wait()\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    import signal; signal.alarm(60)\n"
        "    headrace.FlowContext().unit_id\n"
        "    os._exit(0)\n"
        "status = os.waitpid(child, 0)[1]\n"
        "go_on.set(); thread.join()\n"
        "raise SystemExit(status)\n"
    )
    assert run_python("-W", "ignore", "-c", program) == ""


# --- IDs of one's own ---------------------------------------------------------------------------


@pytest.mark.usefixtures("_reset")
def test_id_factory_makes_the_ids_of_units() -> None:
    """``configure(id_factory=...)`` is asked for each unit that is given none."""
    numbers = iter(range(100))
    configure(id_factory=lambda: f"own-{next(numbers)}")
    made = new_flow()
    entry = made.entrypoint(name="entry")(current_flow_id)
    fresh = made.entrypoint(name="fresh", new=True)(current_flow_id)
    with open_context():
        assert [current_flow_id(), entry(), fresh()] == ["own-0", "own-0", "own-1"]
    assert entry() == "own-2"
    with made.open() as context:
        assert context.correlation_id == "own-3"
    with open_context("given"):
        assert current_flow_id() == "given"
    assert next(numbers) == 4


@pytest.mark.usefixtures("_reset")
@pytest.mark.parametrize("wrong", ["", "a b", "a\nb", 7, None, b"bytes", "x" * 257, uuid4])
def test_invalid_id_of_the_factory_is_replaced_and_reported(
    wrong: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """What the factory returns is checked; the refused text is not logged."""
    configure("none", id_factory=lambda: wrong)
    for _ in range(3):
        with open_context() as context:
            assert is_valid_id(context.correlation_id)
    (record,) = caplog.records  # not one for each unit
    assert record.levelname == "ERROR"
    assert "id_factory returned an invalid correlation ID" in record.getMessage()
    assert not wrong or repr(wrong) not in record.getMessage()


@pytest.mark.usefixtures("_reset")
@pytest.mark.guarantee(110)
def test_factory_may_make_uuids(caplog: pytest.LogCaptureFixture) -> None:
    """`uuid.uuid4` is a factory: its UUID is converted to text, and nothing is logged."""
    configure("none", id_factory=uuid4)
    with open_context() as context:
        assert str(UUID(context.correlation_id)) == context.correlation_id
    assert caplog.records == []


@pytest.mark.usefixtures("_reset")
def test_failing_factory_costs_no_unit(caplog: pytest.LogCaptureFixture) -> None:
    """A factory that raises is reported, and an ID made without it."""

    def fail() -> str:
        raise ZeroDivisionError

    configure("none", id_factory=fail)
    for _ in range(3):
        with open_context() as context:
            assert is_valid_id(context.correlation_id)
    (record,) = caplog.records
    assert "id_factory raised" in record.getMessage()
    assert record.exc_info is not None


# --- detached -----------------------------------------------------------------------------------


def test_detached_has_no_context() -> None:
    """Inside the block there is no unit, flow or step, and a unit opened there has no cause."""
    with flow("detached").open() as outer:
        with detached():
            assert get_flow_context() is None
            assert current_flow_id() is None
            with open_context() as own:
                assert own.causation_id is None
                assert own.correlation_id != outer.correlation_id
                assert (own.flow, own.step) == (None, None)
        assert get_flow_context() is outer
        assert outer.flow == "detached"


def test_detached_is_for_one_use() -> None:
    """The block is entered once, and is no decorator: coroutines would run attached under it."""
    block: Any = detached()
    with block:
        pass
    with pytest.raises(RuntimeError, match=r"call headrace\.detached\(\)"), block:
        pass
    with pytest.raises(TypeError):
        block(current_flow_id)


def test_open_context_is_no_decorator() -> None:
    """Used as one it is refused at once: under a coroutine function it would be silently wrong."""
    block: Any = open_context()
    with pytest.raises(TypeError):
        block(current_flow_id)


def test_units_are_freed_without_the_garbage_collector() -> None:
    """A unit that has ended, and its metadata, are in no reference cycle of ours."""

    class Value: ...

    gc.disable()
    try:
        value = Value()
        reference = weakref.ref(value)
        with open_context(metadata={"value": value}) as context, context.fork() as forked:
            assert forked.get_value("value") is not value
        del value, context, forked
        assert reference() is None
    finally:
        gc.enable()
