"""Large chains: the work, counted in executed lines of headrace, is linear in the steps."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import headrace
from headrace import Chain, StepFailedError, flow, generate_dag

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.chains.runners import Runner

pytestmark = [pytest.mark.guarantee(96), pytest.mark.unmeasured]

OURS = str(Path(headrace.__file__).parent)


def lines_of(work: Callable[[], object]) -> int:
    """Return the number of headrace lines executed by `work`."""
    count = 0

    def on_line(frame: Any, event: str, _: object) -> Any:
        nonlocal count
        count += event == "line"
        return on_line

    def on_call(frame: Any, *_: object) -> Any:
        return on_line if frame.f_code.co_filename.startswith(OURS) else None

    before = sys.gettrace()
    sys.settrace(on_call)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


def step(value: object = None) -> object:
    """The function of every step."""
    return value


def straight(count: int, name: str | None = None) -> Chain:
    """Return a chain of `count` steps of one function."""
    chain = Chain(name)
    for _ in range(count):
        chain.next(step)
    return chain


def nested(count: int, make: Callable[[], Any] = Chain, function: Any = step) -> Any:
    """Return a chain with `count` nested branches, each with a sibling."""
    chain = make().next(function, out="innermost")
    for i in range(count):
        beside = make().next(step, out=f"b{i}", args=["given"])
        chain = make().next(step, out=f"a{i}").parallel(chain, beside)
    return chain


def wide(count: int) -> Any:
    """Return a chain of `count` consecutive pairs of branches."""
    chain = Chain()
    for _ in range(count):
        chain.parallel(Chain().next(step), Chain().next(step))
    return chain


WORK: dict[str, Callable[[int], object]] = {
    "build": straight,
    "build of a flow": lambda n: straight(n, f"scale.{n}"),
    "build of branches within each other": lambda n: nested(n // 10),
    "build of branches in a row": wide,
}
READY: dict[str, tuple[Callable[[int], Any], Callable[[Any], object]]] = {
    "run": (straight, lambda chain: chain.run()),
    "check": (straight, lambda chain: chain.check()),
    "graph": (straight, lambda chain: chain.graph()),
    "steps": (lambda n: straight(n).run(), lambda result: result.steps),
    "report": (lambda n: straight(n).run(), lambda result: str(result.report)),
    "steps within": (lambda n: nested(n // 10).run(), lambda result: result.steps),
    "graph of branches": (lambda n: nested(n // 10), lambda chain: chain.graph()),
}
for _format in ("text", "mermaid", "dot", "json"):
    READY[f"{_format}"] = (
        lambda n: straight(n).graph(),
        lambda graph, each=_format: graph.render(each),
    )


@pytest.mark.parametrize("what", [*WORK, *READY])
def test_twice_the_steps_are_twice_the_work(what: str) -> None:
    """Twice the steps take twice the lines, within a quarter."""
    if what in WORK:
        small, large = (lines_of(lambda n=n: WORK[what](n)) for n in (300, 600))  # type: ignore[misc]
    else:
        make, work = READY[what]
        ready = [make(n) for n in (300, 600)]
        small, large = (lines_of(lambda each=each: work(each)) for each in ready)  # type: ignore[misc]
    assert small > 0
    assert large < 2.5 * small + 100  # quadratic work would take four times as many


def test_two_thousand_steps_of_one_function_have_names() -> None:
    """Each step gets its own name, in order; run, report and drawing use it."""
    chain = straight(2000, "scale.two.thousand")
    result = chain.run()
    assert [each.name for each in result.steps][-1] == "step_2000"
    assert "step_2000" in str(result.report)
    assert generate_dag("scale.two.thousand", format="text").count("\n") == 2000  # type: ignore[union-attr]
    assert len(flow("scale.two.thousand").graph().nodes) == 2000


def test_branches_of_one_function_within_each_other_have_names() -> None:
    """Each step gets its own number, in reading order."""
    chain = Chain().next(step)
    for _ in range(100):
        chain = Chain().parallel(chain, Chain().next(step))
    names = [each.name for each in chain.run().steps]
    assert names == ["step", *(f"step_{i}" for i in range(2, 102))]


def test_three_hundred_branches_within_each_other(runner: Runner) -> None:
    """They are built, checked, drawn, run and reported without a RecursionError."""
    chain = nested(300, runner.chain, runner.fn(step))
    assert chain.check("given") == []
    graph = chain.graph()
    for format in ("text", "mermaid", "dot", "json"):
        assert "innermost" in graph.render(format)
    assert max(len(note.text) for notes in graph.notes.values() for note in notes) < 40
    result = runner.run(chain, given=1)
    assert len(result) == 602
    assert len(result.steps) == 601
    assert pickle.loads(pickle.dumps(result)) == result
    assert "601 steps" in repr(chain)


def test_a_failure_three_hundred_branches_deep_is_told(runner: Runner) -> None:
    """The report names the failed step, and everything done before it is undone."""

    def fail() -> None:
        raise ValueError("deep")

    chain = nested(300, runner.chain, runner.fn(fail))
    with pytest.raises(StepFailedError) as caught:
        runner.run(chain, given=1)
    assert caught.value.step == "innermost"
    assert len(str(caught.value)) < 10_000
    assert pickle.loads(pickle.dumps(caught.value)).reason == caught.value.reason
