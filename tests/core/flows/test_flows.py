"""Declaring flows: the three forms, the registry, names, references, and what is refused."""

from __future__ import annotations

import asyncio
import functools
import importlib
import importlib.util
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import headrace
from headrace import (
    DuplicateStepError,
    Flow,
    HeadraceError,
    OutsideFlowError,
    StepInfo,
    UnknownFlowError,
    all_flows,
    configure,
    current_flow_id,
    entrypoint,
    flow,
    get_flow,
    get_flow_context,
    open_context,
    step,
)
from headrace.testing import capture, reset
from tests.core.flow_kit import new_flow, run_python, unused_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def here() -> str:
    """Return the current flow and step."""
    context = get_flow_context()
    return "outside" if context is None else f"{context.flow}.{context.step}"


def info_of(made: Flow, name: str) -> StepInfo:
    """Return what is known of the step `name`."""
    return made.graph().steps[name]


# --- the registry -----------------------------------------------------------------------------


def test_flow_is_made_once() -> None:
    """The same name gives the same flow, from `flow` as from `get_flow`."""
    name = unused_name()
    made = flow(name)
    assert flow(name) is made
    assert get_flow(name) is made
    assert made in all_flows()
    assert made.name == name


def test_unknown_flow_names_those_that_are_known() -> None:
    """`get_flow` of a name nobody declared raises a `KeyError` that reads as a sentence."""
    known = new_flow()
    with pytest.raises(UnknownFlowError, match=r"no flow named 'nobodys' is declared") as caught:
        get_flow("nobodys")
    assert isinstance(caught.value, KeyError)
    assert isinstance(caught.value, HeadraceError)
    assert known.name in str(caught.value)
    assert str(UnknownFlowError()) == ""


def test_all_flows_are_sorted_by_name() -> None:
    """`all_flows` gives every flow once, in the order of the names."""
    new_flow(), new_flow()
    names = [each.name for each in all_flows()]
    assert names == sorted(set(names))


@pytest.mark.parametrize("name", [None, 7, b"orders", ["orders"], print])
def test_flow_name_of_a_wrong_type_is_refused(name: Any) -> None:
    """A flow's name is a string, and the error says what was given."""
    with pytest.raises(TypeError, match=r'as in flow\("orders"\), not'):
        flow(name)


@pytest.mark.parametrize("name", ["", " ", "\t\n"])
def test_empty_flow_name_is_refused(name: str) -> None:
    """A flow needs a name, by every way of declaring."""
    with pytest.raises(ValueError, match="must not be empty"):
        flow(name)
    with pytest.raises(ValueError, match="must not be empty"):
        step(name)


def test_flow_tells_what_it_has() -> None:
    """`in` looks a step up by name; the repr has name and size."""
    made = new_flow()
    made.step(here)
    assert "here" in made
    assert "there" not in made
    assert 7 not in made
    assert repr(made) == f"<Flow {made.name!r}, 1 steps>"


def test_flow_can_be_declared_from_many_threads_at_once() -> None:
    """Threads that import modules at the same time share one flow and lose no step."""
    name = unused_name()

    def declare(number: int) -> None:
        for i in range(50):
            flow(name).step(name=f"s{number}.{i}")(lambda: None)
            flow(name).graph()

    threads = [threading.Thread(target=declare, args=(number,)) for number in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(flow(name).graph().steps) == 400


# --- the three forms --------------------------------------------------------------------------


def test_flow_object_declares_bare_and_called() -> None:
    """``@orders.step`` and ``@orders.step(...)``, and the same for entrypoints."""
    made = new_flow()

    @made.entrypoint
    def receive() -> str:
        return here()

    @made.entrypoint(name="import", description="Take a file.")
    def receive_file() -> str:
        return here()

    @made.step
    def log() -> None: ...

    @made.step(after=[receive, "import"])
    def charge() -> str:
        return here()

    assert receive() == f"{made.name}.receive"
    assert receive_file() == f"{made.name}.import"
    assert info_of(made, "import").description == "Take a file."
    assert info_of(made, "charge").after == ("receive", "import")
    assert info_of(made, "log").after == ()
    assert [info_of(made, name).is_entrypoint for name in ("receive", "import", "charge")] == [
        True,
        True,
        False,
    ]


def test_functions_declare_by_the_flows_name() -> None:
    """``@entrypoint("flow")`` and ``@step("flow", after=...)`` make the flow where it is new."""
    name = unused_name()

    @entrypoint(name)
    def receive() -> list[str]:
        return [here(), charge()]

    @step(name, after="receive")
    def charge() -> str:
        return here()

    assert receive() == [f"{name}.receive", f"{name}.charge"]
    assert get_flow(name).graph().edges == (("receive", "charge"),)


def test_what_is_known_of_a_step() -> None:
    """Name, flow, kind, description, file and line are those of the definition."""
    made = new_flow()

    @made.step(after="before")
    def charge() -> None:
        """Charge the card.

        At once.
        """

    plain: Any = charge
    assert info_of(made, "charge") == StepInfo(
        name="charge",
        flow=made.name,
        after=("before",),
        kind="function",
        is_entrypoint=False,
        description="Charge the card.",
        file=__file__,
        line=plain.__wrapped__.__code__.co_firstlineno,
    )


def test_step_info_is_frozen() -> None:
    """What is known of a step cannot be changed."""
    with pytest.raises(AttributeError):
        StepInfo("a", "b").name = "c"  # type: ignore[misc]


def test_after_takes_functions_of_other_flows() -> None:
    """A function of another flow links the two; by name it is written ``flow.step``."""
    first, second = new_flow(), new_flow()

    @first.step
    def pay() -> None: ...

    @second.step(after=pay)
    def ship() -> None: ...

    @second.step(after=f"{first.name}.pay")
    def bill() -> None: ...

    assert info_of(second, "ship").after == info_of(second, "bill").after == (f"{first.name}.pay",)


def test_after_of_a_function_in_several_flows_means_the_own_one() -> None:
    """A function that is a step here too stands for that, under the name it has here."""
    first, second = new_flow(), new_flow()

    @first.step
    @second.step(name="paid")
    def pay() -> None: ...

    @second.step(after=pay)
    def ship() -> None: ...

    @new_flow().step(after=pay)
    def audit() -> None: ...

    assert info_of(second, "ship").after == ("paid",)
    (info,) = audit.__headrace_steps__  # type: ignore[attr-defined]
    assert info.after == (f"{first.name}.pay",)


def test_after_takes_a_decorated_function_under_other_decorators() -> None:
    """What `functools` has wrapped around a step still names it."""
    made = new_flow()

    @functools.cache
    @made.step
    def pay() -> None: ...

    made.step(after=pay, name="ship")(lambda: None)
    assert info_of(made, "ship").after == ("pay",)


def test_one_function_may_have_several_step_names() -> None:
    """Decorated twice, it is two steps, reported the outer one first."""
    made = new_flow()

    @made.step(name="outer")
    @made.step(name="inner")
    def both() -> str:
        return here()

    with open_context(), capture() as captured:
        assert both() == f"{made.name}.inner"
    assert [one.name for one in captured.steps] == ["outer", "inner"]


# --- trap 45 ----------------------------------------------------------------------------------

MODULE = """
import headrace

orders = headrace.flow({name!r})

@orders.entrypoint
def receive():
    return {answer!r}

@headrace.flow({name!r} + ".class")
class Orders:
    @headrace.step
    def validate(self):
        return {answer!r}

@headrace.flow({name!r} + ".class")
class Special(Orders):
    @headrace.step
    def validate(self):
        return {answer!r}
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A module with a flow of its own, in a file."""
    name = unused_name()
    path = tmp_path / "reloaded_flows.py"
    path.write_text(MODULE.format(name=name, answer=1), "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield importlib.import_module("reloaded_flows")
    del sys.modules["reloaded_flows"]


@pytest.mark.guarantee(45)
def test_reloaded_module_replaces_its_steps(module: Any) -> None:
    """`importlib.reload` is no conflict, not of overrides either; the new functions count."""
    source = MODULE.format(name=module.orders.name, answer="reloaded")
    Path(module.__file__).write_text("\n\n" + source, "utf-8")
    line = info_of(module.orders, "receive").line
    again = importlib.reload(module)
    assert again.receive() == "reloaded"
    assert again.Special().validate() == "reloaded"
    assert info_of(again.orders, "receive").line == line + 2
    override = info_of(get_flow(again.orders.name + ".class"), "validate")
    assert override.line == again.Special.validate.__wrapped__.__code__.co_firstlineno


@pytest.mark.guarantee(45)
def test_module_imported_under_two_names_is_no_conflict(
    module: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same file under another module name, as test runners import it, replaces."""
    spec = importlib.util.spec_from_file_location("another_name", module.__file__)
    assert spec is not None
    assert spec.loader is not None
    again: Any = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "another_name", again)
    spec.loader.exec_module(again)
    assert again.orders is module.orders
    assert again.receive() == 1


SCRIPT = """
import headrace

@headrace.entrypoint("orders")
def receive():
    return __name__

if __name__ == "__main__":
    import {itself}
    assert {itself}.receive() != receive() == "__main__"
    print(headrace.generate_dag("orders"))
"""


@pytest.mark.guarantee(45)
@pytest.mark.parametrize("way", ["absolute", "relative", "-m", "link", "folder"])
def test_script_that_imports_itself_is_no_conflict(tmp_path: Path, way: str) -> None:
    """A module that is run as ``__main__`` and imported as well, however it is started."""
    (tmp_path / "real").mkdir()
    script = tmp_path / "real" / ("__main__.py" if way == "folder" else "orders_script.py")
    script.write_text(SCRIPT.format(itself="orders_script"), "utf-8")
    if way == "folder":
        script.write_text(SCRIPT.format(itself="__main__").replace("!=", "=="), "utf-8")
    link = tmp_path / "link.py"
    link.symlink_to(script)
    arguments = {
        "absolute": [script],
        "relative": ["orders_script.py"],
        "-m": ["-m", "orders_script"],
        "link": [link],
        "folder": [tmp_path / "real"],
    }
    assert run_python(*arguments[way], cwd=tmp_path / "real") == "graph TD\n    receive\n"


@pytest.mark.guarantee(45)
def test_two_functions_under_one_step_name_are_refused() -> None:
    """The error names both functions with file and line, and what to do."""
    made = new_flow()

    @made.step
    def charge() -> None: ...

    with pytest.raises(DuplicateStepError) as caught:

        @made.step(name="charge")
        def other() -> None: ...

    text = str(caught.value)
    assert f"flow {made.name!r} has two steps named 'charge'" in text
    assert text.count(f"{__file__}:") == 2
    assert "charge at" in text
    assert "other at" in text
    assert "name=" in text
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, HeadraceError)


@pytest.mark.guarantee(45)
def test_refused_step_leaves_the_first_one_in_place() -> None:
    """After the error the graph is as it was."""
    made = new_flow()
    made.step(name="charge", description="the first")(here)
    with pytest.raises(DuplicateStepError):
        made.step(name="charge")(unused_name)
    assert info_of(made, "charge").description == "the first"


@pytest.mark.guarantee(45)
def test_partials_of_two_functions_under_one_step_name_are_refused() -> None:
    """A partial is told apart by the function that it is of."""
    made = new_flow()
    made.step(name="charge")(functools.partial(here))
    made.step(name="charge")(functools.partial(here))
    with pytest.raises(DuplicateStepError):
        made.step(name="charge")(functools.partial(unused_name))


@pytest.mark.guarantee(45)
def test_functions_without_a_file_are_told_apart_by_their_modules() -> None:
    """What two modules have executed from strings is no common file."""
    name = unused_name()
    source = f"import headrace\n@headrace.step({name!r})\ndef charge(): ...\n"
    exec(compile(source, "<string>", "exec"), {"__name__": "one"})
    exec(compile(source, "<string>", "exec"), {"__name__": "one"})
    with pytest.raises(DuplicateStepError):
        exec(compile(source, "<string>", "exec"), {"__name__": "two"})


def test_builtin_function_can_be_a_step() -> None:
    """A function written in C has no file or line, and runs."""
    made = new_flow()
    size = made.step(name="size")(len)
    with open_context(), capture() as captured:
        assert size("four") == 4
    assert [one.name for one in captured.steps] == ["size"]
    assert (info_of(made, "size").file, info_of(made, "size").line) == ("", 0)
    with pytest.raises(DuplicateStepError, match="two steps named 'size': len and sum"):
        made.step(name="size")(sum)


# --- bad input --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "after", [None, 7, {"receive"}, ["receive", 7], {"receive": 1}, here, [here], b"receive", str]
)
def test_after_of_a_wrong_type_is_refused_at_once(after: Any) -> None:
    """``after=`` takes names and decorated functions; the error says so and what was given."""
    made = new_flow()
    with pytest.raises(TypeError, match=r"after= takes a step's name, a decorated function, or a"):
        made.step(after=after)(lambda: None)
    with pytest.raises(TypeError, match=r"after= takes"):
        step(made.name, after=after)(lambda: None)
    assert repr(made) == f"<Flow {made.name!r}, 0 steps>"


def test_after_an_undecorated_function_says_so() -> None:
    """The usual slip, a function that has no decorator, is named."""
    with pytest.raises(TypeError, match="not the undecorated function 'here'"):
        new_flow().step(after=here)(lambda: None)


@pytest.mark.parametrize("name", [7, b"charge", ["charge"]])
def test_step_name_of_a_wrong_type_is_refused(name: Any) -> None:
    """``name=`` takes a string."""
    with pytest.raises(TypeError, match="a step's name must be a string, not"):
        new_flow().step(name=name)(here)


@pytest.mark.parametrize("name", ["", "  "])
def test_empty_step_name_is_refused(name: str) -> None:
    """Neither a step's own name nor one in ``after=`` may be empty."""
    with pytest.raises(ValueError, match="must not be empty"):
        new_flow().step(name=name)(here)
    with pytest.raises(ValueError, match="must not be empty"):
        new_flow().step(after=name)(here)


@pytest.mark.parametrize("thing", [7, [here], object(), Flow, {"a": 1}])
def test_what_is_no_function_is_no_step(thing: Any) -> None:
    """A number, a list, an object or a class cannot be decorated, and the error says what it is."""
    made = new_flow()
    for decorator in (made.step, made.entrypoint, made.step(), step(made.name)):
        with pytest.raises(TypeError, match="a step must be a function, but this is"):
            decorator(thing)


def test_flow_object_in_place_of_a_name_says_how_to_write_it() -> None:
    """``@step(orders)`` is refused in favour of ``@orders.step``."""
    made: Any = new_flow()
    with pytest.raises(TypeError, match=r"@that_flow\.step"):
        step(made)
    with pytest.raises(TypeError, match=r"@that_flow\.entrypoint"):
        entrypoint(made)


def test_unknown_options_are_refused() -> None:
    """A misspelt or misplaced option is an error at once."""
    for wrong in ({"afer": "a"}, {"new": True}):
        with pytest.raises(TypeError):
            new_flow().step(**wrong)  # type: ignore[call-overload]
    with pytest.raises(TypeError):
        entrypoint(unused_name(), afer="a")  # type: ignore[call-overload]


def by_object(made: headrace.Flow) -> None:
    """Declare two entrypoints with the flow's own decorators."""

    @made.entrypoint
    def receive() -> None: ...

    @made.entrypoint(after=receive)
    def fulfil() -> None: ...


def by_flow_name(made: headrace.Flow) -> None:
    """Declare two entrypoints with the flow's name in the decorators."""

    @entrypoint(made.name)
    def receive() -> None: ...

    @entrypoint(made.name, after=["receive"])
    def fulfil() -> None: ...


def by_class(made: headrace.Flow) -> None:
    """Declare two entrypoints in a class."""

    @made
    class Orders:
        @entrypoint
        def receive(self) -> None: ...

        @entrypoint(after=receive)
        def fulfil(self) -> None: ...


@pytest.mark.guarantee(115)
@pytest.mark.parametrize("declare", [by_object, by_flow_name, by_class])
def test_entrypoint_may_come_after_others(declare: Callable[[headrace.Flow], None]) -> None:
    """With `after=` a step is an entrypoint and a successor, in each form of declaration."""
    made = new_flow()
    declare(made)
    graph = made.graph()
    assert graph.edges == (("receive", "fulfil"),)
    assert graph.entrypoints == ("receive", "fulfil")
    assert graph.validate() == []
    assert "receive --> fulfil" in graph.render("mermaid")


@pytest.mark.guarantee(115)
def test_entrypoint_after_a_step_of_another_flow_links_the_two() -> None:
    """`after=` of an entrypoint accepts the same values as `after=` of a step."""
    first, second = new_flow(), new_flow()
    by_object(first)

    @second.entrypoint(after=f"{first.name}.fulfil")
    def begin() -> None: ...

    assert second.graph().edges == ((f"{first.name}.fulfil", "begin"),)
    with pytest.raises(TypeError, match="after= takes"):
        second.entrypoint(after=print)(begin)  # type: ignore[arg-type]


# --- at run time ------------------------------------------------------------------------------


def test_entrypoint_opens_a_unit_and_leaves_none() -> None:
    """Outside any unit it opens one of kind ``flow``, named for the flow, with a fresh ID."""
    made = new_flow()

    @made.entrypoint
    def receive() -> headrace.FlowContext | None:
        return get_flow_context()

    first, second = receive(), receive()
    assert first is not None
    assert second is not None
    assert (first.kind, first.name, first.causation_id) == ("flow", made.name, None)
    assert first.correlation_id != second.correlation_id
    assert get_flow_context() is None


def test_entrypoint_joins_the_active_unit() -> None:
    """Inside a unit it runs there: same context, its own flow and step, and all is restored."""
    first, second = new_flow(), new_flow()

    @second.entrypoint
    def inner() -> tuple[Any, str]:
        return get_flow_context(), here()

    @first.entrypoint
    def outer() -> None:
        context = get_flow_context()
        assert inner() == (context, f"{second.name}.inner")
        assert here() == f"{first.name}.outer"

    outer()


def test_new_entrypoint_opens_a_unit_caused_by_the_active_one() -> None:
    """``new=True`` gives a fresh correlation ID and names the outer unit as the cause."""
    made = new_flow()

    @made.entrypoint(new=True)
    def nightly() -> headrace.FlowContext | None:
        return get_flow_context()

    with open_context() as outer:
        inner = nightly()
        assert inner is not None
        assert inner.correlation_id != outer.correlation_id
        assert inner.causation_id == outer.unit_id
        assert get_flow_context() is outer
    alone = nightly()
    assert alone is not None
    assert alone.causation_id is None


def test_entrypoint_is_reported_as_a_step() -> None:
    """An entrypoint emits like every step, whether it opens a unit or joins."""
    made = new_flow()
    receive = made.entrypoint(name="receive")(lambda: None)
    with capture() as captured:
        receive()
        with open_context():
            receive()
    assert [one.name for one in captured.steps] == ["receive", "receive"]
    assert [one.kind for one in captured.units] == ["flow", "manual"]


def test_step_outside_any_unit_just_runs() -> None:
    """Without a unit a step is a plain call: no context, nothing reported."""
    made = new_flow()
    with capture() as captured:
        assert made.step(here)() == "outside"
    assert captured.steps == []


@pytest.fixture
def _strict() -> Iterator[None]:
    configure(strict=True)
    yield
    reset()


@pytest.mark.usefixtures("_strict")
def test_step_outside_any_unit_raises_under_strict() -> None:
    """Under ``strict=True`` every kind of step outside a unit raises, and says what to do."""
    made = new_flow()

    @made.step
    async def asynchronous() -> None: ...

    @made.step
    def generator() -> Iterator[int]:
        yield 1

    @made.step
    async def async_generator() -> Any:
        yield 1

    plain = made.step(here)
    for call in (plain, lambda: asyncio.run(asynchronous()), generator, async_generator):
        with pytest.raises(OutsideFlowError, match="outside any unit of work; open one with") as it:
            call()  # type: ignore[operator]
        assert isinstance(it.value, RuntimeError)
    with open_context():
        assert plain() == f"{made.name}.here"


def test_flow_is_opened_by_hand() -> None:
    """`Flow.open` is an entrypoint without a function: a unit, the flow, and no step."""
    made = new_flow()
    with made.open() as context:
        assert get_flow_context() is context
        assert (context.kind, context.name, context.flow, context.step) == (
            "flow",
            made.name,
            made.name,
            None,
        )
    assert get_flow_context() is None


def test_flow_opened_inside_a_unit_joins_it() -> None:
    """The active unit goes on, in the flow; afterwards its own flow and step are current again."""
    first, second = new_flow(), new_flow()

    @first.entrypoint
    def receive() -> list[str]:
        outer = get_flow_context()
        with second.open() as context:
            assert context is outer
            inside = here()
        return [inside, here()]

    assert receive() == [f"{second.name}.None", f"{first.name}.receive"]


def test_flow_opened_with_an_id_opens_a_unit() -> None:
    """A given correlation ID makes a unit of its own, caused by the active one."""
    made = new_flow()
    with made.open("order-1") as outer:
        assert outer.correlation_id == current_flow_id() == "order-1"
        with made.open("order-2") as inner:
            assert (inner.correlation_id, inner.causation_id) == ("order-2", outer.unit_id)
        assert get_flow_context() is outer


@pytest.mark.parametrize("wrong", ["", "a b", "a\n", 7, b"a", "a" * 257])
def test_flow_refuses_an_invalid_id_at_once(wrong: Any) -> None:
    """`Flow.open` checks the ID when it is called, and does not repeat it."""
    with pytest.raises(ValueError, match="1 to 256 characters") as caught:
        new_flow().open(wrong)
    assert not wrong or repr(wrong) not in str(caught.value)


def test_opened_flow_restores_after_an_error() -> None:
    """An error inside goes on, and what was before is current again."""
    made = new_flow()
    with pytest.raises(ZeroDivisionError), made.open():
        raise ZeroDivisionError
    assert get_flow_context() is None
    with open_context() as outer:
        with pytest.raises(ZeroDivisionError), made.open():
            raise ZeroDivisionError
        assert get_flow_context() is outer
        assert here() == "None.None"


def test_block_of_a_flow_is_for_one_use() -> None:
    """What `Flow.open` returns is entered once, and is no decorator for functions."""
    block: Any = new_flow().open()
    with block:
        pass
    with pytest.raises(RuntimeError, match=r"call Flow.open\(\) for another"), block:
        pass
    with pytest.raises(TypeError):
        block(here)
