"""A chain is a definition, a run is a run."""

from __future__ import annotations

import asyncio
import copy
import pickle
import subprocess
import sys
import types
from typing import TYPE_CHECKING, Any

import pytest

import headrace
from headrace import AsyncChain, Chain, ChainError, ChainResult, literal
from headrace._chains import run, sync_driver

if TYPE_CHECKING:
    from tests.chains.runners import Runner


def double(value: int) -> int:
    """Double it."""
    return 2 * value


def test_each_step_gets_what_earlier_steps_gave(runner: Runner) -> None:
    """The result of a step stands under its `out`, where later steps find it."""
    chain = runner.chain().put("n", 3)
    chain.next(runner.fn(double), out="twice", args=["n"])
    chain.next(runner.fn(lambda a, b: a + b), out="sum", args=["n"], kwargs={"b": "twice"})
    assert runner.run(chain) == {"n": 3, "twice": 6, "sum": 9}


def test_a_step_without_out_keeps_nothing(runner: Runner) -> None:
    """Without `out` the step is done and its result dropped."""
    seen: list[int] = []
    chain = runner.chain().next(runner.fn(seen.append), args=[literal("x")])
    assert runner.run(chain) == {}
    assert seen == ["x"]


def test_inputs_win_over_put_values(runner: Runner) -> None:
    """An input of `run` replaces what `put` has put there, for this run alone."""
    chain = runner.chain().put("n", 1).next(runner.fn(double), out="twice", args=["n"])
    assert runner.run(chain, n=10)["twice"] == 20
    assert runner.run(chain)["twice"] == 2


def test_an_input_may_have_any_name(runner: Runner) -> None:
    """`self` and `plan` are names of inputs like any other."""
    chain = runner.chain().next(runner.fn(double), out="twice", args=["self"])
    assert runner.run(chain, self=4, plan=5) == {"self": 4, "plan": 5, "twice": 8}


def test_a_step_may_replace_an_input_that_it_reads(runner: Runner) -> None:
    """`args=["n"], out="n"` reads the input and then takes its place."""
    chain = runner.chain().next(runner.fn(double), out="n", args=["n"])
    assert runner.run(chain, n=4) == {"n": 8}


def test_a_chain_without_steps_gives_its_values(runner: Runner) -> None:
    """A chain of no steps is a run of no steps."""
    result = runner.run(runner.chain().put("a", 1), b=2)
    assert result == {"a": 1, "b": 2}
    assert result.steps == []


def test_runs_do_not_share_their_context(runner: Runner) -> None:
    """What one run has put into its context no other run sees."""
    chain = runner.chain().next(runner.fn(double), out="twice", args=["n"])
    first = runner.run(chain, n=1)
    first["more"] = "x"
    assert runner.run(chain, n=2) == {"n": 2, "twice": 4}


@pytest.mark.parametrize("build", [lambda c: c.next(double), lambda c: c.put("a", 1)])
def test_the_first_run_freezes_the_chain(runner: Runner, build: Any) -> None:
    """Building further raises, and points at the inputs of `run`."""
    chain = runner.chain().next(runner.fn(double), args=["n"])
    runner.run(chain, n=1)
    with pytest.raises(ChainError, match=r"chain\.run\(order=order\)"):
        build(chain)
    with pytest.raises(RuntimeError):
        chain.parallel(runner.chain().next(runner.fn(double)))


def test_looking_at_a_chain_does_not_freeze_it(runner: Runner) -> None:
    """`graph`, `check` and `repr` leave the chain open to building."""
    chain = runner.chain("looked_at").next(runner.fn(double), out="a", args=["n"])
    chain.graph()
    chain.check("n")
    assert repr(chain) == f"<{type(chain).__name__} looked_at, 1 steps>"
    chain.next(runner.fn(double), out="b", args=["a"])
    assert runner.run(chain, n=1) == {"n": 1, "a": 2, "b": 4}


def test_a_result_knows_its_operation(runner: Runner) -> None:
    """Inside a unit the result has its correlation ID, outside that of the run's own unit."""
    chain = runner.chain().next(runner.fn(headrace.current_flow_id), out="id")
    result = runner.run(chain)
    assert result["id"] == result.correlation_id
    with headrace.open_context("the-operation"):
        assert runner.run(chain).correlation_id == "the-operation"


def test_a_result_made_by_hand_is_a_dict_without_steps() -> None:
    """For the tests of users: a `ChainResult` can be made like a dict."""
    result = ChainResult({"a": 1}, b=2)
    assert result == {"a": 1, "b": 2}
    assert result.steps == []
    assert result.correlation_id is None
    assert repr(result) == "{'a': 1, 'b': 2}"
    assert "finished" in str(result.report)
    result.correlation_id = "order-1"
    assert copy.copy(result).correlation_id == "order-1"
    with pytest.raises(AttributeError, match="'ChainResult' object has no attribute 'nonsense'"):
        _ = result.nonsense


@pytest.mark.parametrize(
    ("copied", "secret"),
    [
        (copy.copy, "hunter2"),
        (copy.deepcopy, "hunter2"),
        (lambda r: pickle.loads(pickle.dumps(r)), "***"),
    ],
)
def test_a_result_can_be_copied_and_pickled(runner: Runner, copied: Any, secret: str) -> None:
    """Values, steps, ID and redaction survive; functions stay behind, and secrets in a pickle."""
    chain = runner.chain(redact=["secret"]).put("secret", "hunter2")
    result = runner.run(chain.next(runner.fn(double), out="a", args=["n"]), n=1)
    again = copied(result)
    assert type(again) is ChainResult
    assert again == {**result, "secret": secret}
    assert again.steps == result.steps
    assert again.correlation_id == result.correlation_id
    assert "hunter2" not in repr(again)


def test_pydantic_takes_a_result_as_the_mapping_that_it_is() -> None:
    """A `ChainResult` can be the annotation of a response."""
    adapter = pytest.importorskip("pydantic").TypeAdapter(ChainResult)
    assert adapter.dump_json(ChainResult(a=1)) == b'{"a":1}'
    assert adapter.json_schema()["type"] == "object"


def test_names_come_from_name_then_out_then_function(runner: Runner) -> None:
    """A step is called by `name`, else by `out`, else by its function."""
    chain = runner.chain()
    chain.next(runner.fn(double), name="named", out="a", args=["n"])
    chain.next(runner.fn(double), out="b", args=["n"])
    chain.next(runner.fn(double), args=["n"])
    assert [step.name for step in runner.run(chain, n=1).steps] == ["named", "b", "double"]


def test_a_second_step_of_one_name_gets_a_number(runner: Runner) -> None:
    """Names are unique, so that reports and graphs can tell the steps apart."""
    chain = runner.chain()
    for _ in range(3):
        chain.next(runner.fn(double), args=["n"])
    assert [step.name for step in runner.run(chain, n=1).steps] == [
        "double",
        "double_2",
        "double_3",
    ]


def test_the_step_is_current_while_it_runs(runner: Runner) -> None:
    """`context.step` and `.flow` are the step's, and afterwards what they were before."""

    def look() -> tuple[str | None, str | None]:
        context = headrace.get_flow_context()
        assert context is not None
        return context.flow, context.step

    chain = runner.chain("look_around").next(runner.fn(look), out="seen")
    chain.next(runner.fn(look), out="more")
    with headrace.open_context() as context:
        result = runner.run(chain)
        assert (context.flow, context.step) == (None, None)
    assert result == {"seen": ("look_around", "seen"), "more": ("look_around", "more")}


def test_an_async_run_in_the_same_task_restores_the_step() -> None:
    """Awaited directly, a run leaves the task's step and unit as they were."""

    async def main() -> tuple[Any, ...]:
        chain = AsyncChain().next(asyncio.sleep, args=[0])
        outside = headrace.get_flow_context()
        await chain.run()
        with headrace.flow("outer_flow").open() as context:
            await chain.run()
            return outside, headrace.get_flow_context() is context, context.flow

    assert asyncio.run(main()) == (None, True, "outer_flow")


def test_a_closed_run_changes_nothing_where_it_is_closed() -> None:
    """A coroutine closed in another context than it ran in leaves that context alone."""
    chain = AsyncChain().next(asyncio.sleep, args=[1])

    async def main() -> None:
        started = chain.run()
        with headrace.open_context():
            started.send(None)
        with headrace.flow("elsewhere").open() as context:
            started.close()
            assert headrace.get_flow_context() is context
            assert context.flow == "elsewhere"

    asyncio.run(main())


@pytest.mark.parametrize("has_undo", [True, False])
def test_an_interrupt_between_steps_comes_out(
    runner: Runner, monkeypatch: pytest.MonkeyPatch, has_undo: bool
) -> None:
    """A KeyboardInterrupt may come anywhere, even when the last step has just ended."""
    if runner.has_threads:
        return
    undone: list[int] = []

    class Interrupted(BaseException):
        pass

    class Ends(list[float]):
        def append(self, ended: float) -> None:
            super().append(ended)
            if len(self) == 2:
                raise Interrupted

    real = run.new_context

    def new_context(*args: Any) -> Any:
        context = real(*args)
        context._ends = Ends()
        return context

    monkeypatch.setattr("headrace._chains.sync_driver.new_context", new_context)
    monkeypatch.setattr("headrace._chains.async_driver.new_context", new_context)
    undo = {"undo": runner.fn(undone.append)} if has_undo else {}
    chain = (
        runner.chain().next(runner.fn(double), args=[1], **undo).next(runner.fn(double), args=[1])
    )
    with pytest.raises(Interrupted):
        runner.run(chain)
    assert undone == ([2] if has_undo else [])


def test_a_sync_run_never_waits_for_an_event_loop() -> None:
    """What it awaits never suspends; if it did, that would be seen at once."""
    with pytest.raises(RuntimeError, match="cannot wait for an event loop"):
        sync_driver.drive(asyncio.sleep(0))


def test_import_headrace_does_not_import_chains() -> None:
    """Chains cost nothing until they are used, and a `Chain` does without asyncio."""
    program = (
        "import sys, headrace\n"
        "assert not any(name.startswith('headrace._chains') for name in sys.modules)\n"
        "headrace.Chain().next(print).run()\n"
        "assert 'asyncio' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_import_chain_loads_nothing_that_a_chain_needs_only_later() -> None:
    """What builds and runs chains is loaded by the first chain, and by its first run."""
    program = """if True:
        import sys
        from headrace import Chain
        late = {"ast", "asyncio", "copy", "dataclasses", "inspect", "json", "logging", "traceback"}
        assert not late & sys.modules.keys(), late & sys.modules.keys()
        own = sorted(name for name in sys.modules if name.startswith("headrace._chains."))
        assert own == ["headrace._chains.chain"], own
        assert "headrace._context" not in sys.modules
        chain = Chain().next(print)
        assert "headrace._chains.sync_driver" not in sys.modules
        chain.run()
    """
    subprocess.run([sys.executable, "-c", program], check=True)


def test_chains_are_among_the_public_names() -> None:
    """`from headrace import *` and `dir` know them."""
    assert {"Chain", "AsyncChain", "ChainResult", "ref", "literal"} <= set(dir(headrace))
    assert headrace.Chain is Chain


def _trio(current_task: Any) -> types.SimpleNamespace:
    """Return the trio function that detects a trio task."""
    return types.SimpleNamespace(lowlevel=types.SimpleNamespace(current_task=current_task))


def test_a_task_of_trio_is_refused_before_anything_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error gives the reason and the alternative."""
    calls: list[int] = []

    async def step() -> None:
        calls.append(1)

    monkeypatch.setitem(sys.modules, "trio", _trio(object))
    run = AsyncChain().next(step, undo=print).run()
    with pytest.raises(RuntimeError, match=r"needs asyncio.*trio.to_thread.run_sync"):
        run.send(None)
    assert calls == []
    assert headrace.get_flow_context() is None


def test_trio_may_be_imported_beside_asyncio(monkeypatch: pytest.MonkeyPatch) -> None:
    """An asyncio task is accepted even while trio is running in the thread."""

    def current_task() -> None:
        raise RuntimeError("must be called from async context")

    async def step() -> int:
        return 1

    monkeypatch.setitem(sys.modules, "trio", _trio(current_task))
    assert asyncio.run(AsyncChain().next(step, out="x").run()) == {"x": 1}
