"""Decorated functions stay normal functions, next to every other decorator and tool."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import functools
import inspect
import pickle
import sys
import textwrap
import typing
from collections.abc import AsyncIterator, Generator, Iterator
from typing import TYPE_CHECKING, Any

import pytest

import headrace
from headrace import bind, get_flow_context, open_context
from headrace.testing import capture
from tests.core.flow_kit import new_flow, run_python

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from nowhere import Unknown  # type: ignore[import-not-found]

made = headrace.flow("test.decorators")


def here() -> str | None:
    """Return the current step."""
    context = get_flow_context()
    return None if context is None else context.step


# --- signatures and annotations -----------------------------------------------------------------


def plain(
    first: int, /, second: str = "b", *rest: bytes, third: list[int], **more: Any
) -> dict[str, int]:
    """Be a function with parameters of every kind."""
    return {}


async def coroutine(first: int) -> str:
    """Be a coroutine function."""
    return str(first)


def generator(first: int) -> Generator[int, None, str]:
    """Be a generator function."""
    yield first
    return "done"


async def async_generator(first: int) -> AsyncIterator[int]:
    """Be an asynchronous generator function."""
    yield first


FUNCTIONS = [plain, coroutine, generator, async_generator]


def decorators() -> dict[str, Callable[[Any], Any]]:
    """Return everything that wraps a function, in flows of its own."""
    return {
        "step": new_flow().step,
        "entrypoint": new_flow().entrypoint,
        "new entrypoint": new_flow().entrypoint(new=True),
        "named": new_flow().step(name="other", after="before"),
        "twice": lambda function: new_flow().step(new_flow().entrypoint(function)),
        "in a class": headrace.step,
        "bind": bind,
    }


DECORATORS = list(decorators())


@pytest.mark.guarantee(49)
@pytest.mark.parametrize("decorator", DECORATORS)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_signature_and_type_hints_are_the_functions(function: Any, decorator: str) -> None:
    """`inspect.signature` and `typing.get_type_hints` give what the function gives."""
    decorated = decorators()[decorator](function)
    assert inspect.signature(decorated) == inspect.signature(function)
    assert inspect.signature(decorated, eval_str=True) == inspect.signature(function, eval_str=True)
    assert typing.get_type_hints(decorated) == typing.get_type_hints(function)


@pytest.mark.parametrize("decorator", DECORATORS)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_inspect_takes_the_wrapper_for_what_the_function_is(function: Any, decorator: str) -> None:
    """The kind, names, module, docstring, source and what is wrapped are those of the function."""
    decorated = decorators()[decorator](function)
    kinds = (
        inspect.isfunction,
        inspect.iscoroutinefunction,
        inspect.isgeneratorfunction,
        inspect.isasyncgenfunction,
    )
    assert [kind(decorated) for kind in kinds] == [kind(function) for kind in kinds]
    for name in ("__name__", "__qualname__", "__module__", "__doc__"):
        assert getattr(decorated, name) == getattr(function, name)
    assert inspect.unwrap(decorated) is function
    assert inspect.getsource(decorated) == inspect.getsource(function)
    assert inspect.getdoc(decorated) == function.__doc__
    partial = functools.partial(decorated, 1)
    assert inspect.iscoroutinefunction(partial) == inspect.iscoroutinefunction(function)


@pytest.mark.guarantee(49)
@pytest.mark.parametrize("decorator", DECORATORS)
def test_names_for_type_checkers_alone_do_no_harm(decorator: str) -> None:
    """Annotations with names that exist under ``TYPE_CHECKING`` only are not evaluated."""

    def typed(first: Unknown) -> Unknown:
        return first

    async def typed_coroutine(first: Unknown) -> Unknown:
        return first

    def typed_generator(first: Unknown) -> Iterator[Unknown]:
        yield first

    for function in (typed, typed_coroutine, typed_generator):
        decorated = decorators()[decorator](function)
        assert list(inspect.signature(decorated).parameters) == ["first"]
        with pytest.raises(NameError, match="Unknown"):
            typing.get_type_hints(decorated)


LAZY_ANNOTATIONS = """
import headrace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nowhere import Unknown

evaluated = []

def trap():
    evaluated.append(1)
    return int

orders = headrace.flow("orders")

@orders.entrypoint
def receive(order: {annotation}) -> {annotation}:
    return order

@orders.step(after=receive)
async def charge(order: {annotation}): ...

@orders.step(after=receive)
def items(order: {annotation}):
    yield order

@headrace.flow("class")
class Orders:
    @headrace.entrypoint
    def receive(self, order: {annotation}) -> {annotation}:
        return order

bound = headrace.bind(receive)
assert receive(1) == 1 and Orders().receive(2) == 2 and bound(3) == 3
assert headrace.generate_dag("orders")
print(len(evaluated))
"""


@pytest.mark.guarantee(49)
@pytest.mark.skipif(sys.version_info < (3, 14), reason="annotations are lazy from 3.14 on")
@pytest.mark.parametrize("annotation", ["Unknown", "trap()"])
def test_lazy_annotations_are_not_evaluated(tmp_path: Path, annotation: str) -> None:
    """Without ``from __future__`` too: declaring and running evaluates no annotation."""
    script = tmp_path / "lazy.py"
    script.write_text(LAZY_ANNOTATIONS.format(annotation=annotation), "utf-8")
    assert run_python(script) == "0\n"


@pytest.mark.guarantee(49)
@pytest.mark.parametrize("annotation", ["Unknown", "trap()"])
def test_string_annotations_are_not_evaluated(tmp_path: Path, annotation: str) -> None:
    """With ``from __future__ import annotations``: declaring and running evaluates none."""
    script = tmp_path / "strings.py"
    source = "from __future__ import annotations\n" + LAZY_ANNOTATIONS.format(annotation=annotation)
    script.write_text(source, "utf-8")
    assert run_python(script) == "0\n"


def test_attributes_of_the_function_are_kept() -> None:
    """What other decorators have written on the function is found on the step."""

    def marked() -> None: ...

    marked.tags = ["a"]  # type: ignore[attr-defined]
    assert new_flow().step(marked).tags == ["a"]  # type: ignore[attr-defined]


@made.step
def module_level(value: int) -> int:
    """Be a step that can be found by its name."""
    return value + 1


@made.entrypoint
async def module_level_coroutine(value: int) -> int:
    """Be an entrypoint that can be found by its name."""
    return value + 1


@made.step
def module_level_generator() -> Iterator[int]:
    """Be a generator step that can be found by its name."""
    yield 1


@pytest.mark.parametrize("one", [module_level, module_level_coroutine, module_level_generator])
def test_steps_are_copied_and_pickled_as_functions_are(one: Any) -> None:
    """`copy` gives the function itself, `pickle` finds it by its name."""
    assert copy.copy(one) is one
    assert copy.deepcopy(one) is one
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps(one, protocol)) is one


# --- other decorators, both orders --------------------------------------------------------------


class Custom:
    """A decorator that is a class, as many are."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        functools.update_wrapper(self, function)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function."""
        return self.function(*args, **kwargs)


def wrapping(function: Callable[..., Any]) -> Callable[..., Any]:
    """Be a decorator as everybody writes them."""

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


TRANSPARENT: dict[str, Callable[[Any], Any]] = {
    "wraps": wrapping,
    "cache": functools.cache,
    "lru_cache": functools.lru_cache(maxsize=4),
    "singledispatch": functools.singledispatch,
    "partial": functools.partial,
}


@pytest.mark.guarantee(48)
@pytest.mark.parametrize("other", TRANSPARENT)
def test_decorators_of_functools_work_in_both_orders(other: str) -> None:
    """Above or below another decorator the step runs as a step, reported once."""
    for outer, inner in (
        (new_flow().step, TRANSPARENT[other]),
        (TRANSPARENT[other], new_flow().step),
    ):

        def function(value: int) -> tuple[int, str | None]:
            return value, here()

        decorated = outer(inner(function))
        with open_context(), capture() as captured:
            assert decorated(7) == (7, "function")
        assert [one.name for one in captured.steps] == ["function"]


@pytest.mark.guarantee(48)
def test_cached_step_is_not_reported_when_it_does_not_run() -> None:
    """With the cache outside, a hit is no call; with the cache inside, each call is a step."""
    outside = functools.cache(new_flow().step(name="outside")(lambda: 1))
    inside = new_flow().step(name="inside")(functools.cache(lambda: 1))
    with open_context(), capture() as captured:
        outside(), outside(), inside(), inside()
    assert [one.name for one in captured.steps] == ["outside", "inside", "inside"]
    assert outside.cache_info().hits == 1


@pytest.mark.guarantee(48)
def test_callable_object_around_a_step_works() -> None:
    """A decorator class above a step: its object can be called, and named in ``after=``."""
    flow = new_flow()

    @Custom
    @flow.step
    def inner() -> str | None:
        return here()

    @flow.step(after=inner)
    def following() -> None: ...

    with open_context():
        assert inner() == "inner"
    assert flow.graph().edges == (("inner", "following"),)


class Task:
    """Stands for a task object: callable, but not a function."""

    name = "shop.charge"

    def __call__(self) -> None: ...

    def __repr__(self) -> str:
        """Say what it is."""
        return "<@task: shop.charge>"


@pytest.mark.guarantee(48)
@pytest.mark.parametrize(
    ("thing", "reason"),
    [
        (Task(), "this is <@task: shop.charge> of type Task.*nearest to the `def`"),
        (Custom(lambda: None), "of type Custom.*nearest to the `def`"),
        (property(lambda self: None), "this is a property: put @property above"),
        (functools.cached_property(lambda self: None), "put @cached_property above"),
        (functools.partialmethod(lambda self: None), "nearest to the `def`"),
        (functools.singledispatchmethod(lambda self: None), "nearest to the `def`"),
        (int, "this is the class int"),
        (contextlib.contextmanager(generator), "below @contextmanager"),
        (contextlib.asynccontextmanager(async_generator), "below @contextmanager"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_a_step_would_break_is_refused_with_the_reason(thing: Any, reason: str) -> None:
    """Task objects, properties, classes and finished context managers: refused, with the remedy."""
    for decorator in (new_flow().step, new_flow().entrypoint, headrace.step("test.refusals")):
        with pytest.raises(TypeError, match=reason):
            decorator(thing)


@pytest.mark.guarantee(48)
def test_function_decorated_by_a_context_manager_can_be_a_step() -> None:
    """A context manager used as a decorator is a function around the function, and works."""

    @contextlib.contextmanager
    def around() -> Iterator[None]:
        yield

    @new_flow().step
    @around()
    def inside() -> str | None:
        return here()

    with open_context():
        assert inside() == "inside"


@pytest.mark.guarantee(48)
def test_fixtures_can_be_steps(tmp_path: Path) -> None:
    """Below `pytest.fixture` a step is a fixture, a generator too; above it, it is refused."""
    source = """
        import headrace
        import pytest

        flow = headrace.flow("fixtures")

        @pytest.fixture
        @flow.entrypoint
        def plain(): return headrace.get_flow_context().step

        @pytest.fixture
        @flow.entrypoint
        def yielding(plain):
            yield plain, headrace.get_flow_context().step

        def test_them(yielding):
            assert yielding == ("plain", "yielding")
            assert headrace.get_flow_context() is None

        def test_the_other_order():
            with pytest.raises(TypeError, match="nearest to the `def`"):
                @flow.step
                @pytest.fixture
                def wrong(): ...
    """
    (tmp_path / "test_fixtures.py").write_text(textwrap.dedent(source), "utf-8")
    words = ("-q", "-p", "no:cacheprovider", "-p", "no:asyncio", "-p", "no:django")
    run_python("-m", "pytest", *words, "test_fixtures.py", cwd=tmp_path)


@pytest.mark.guarantee(48)
def test_celery_tasks_are_refused_above_and_work_below() -> None:
    """``@app.task`` goes above a step; a step above it is refused with that advice."""
    celery = pytest.importorskip("celery")
    app = celery.Celery("decorators", broker="memory://", set_as_current=False)

    @app.task
    @made.step(name="in a task")
    def task() -> str | None:
        return here()

    with open_context():
        assert task() == "in a task"
    for thing in (task, app.task(name="late")(here)):
        with pytest.raises(TypeError, match="nearest to the `def`"):
            made.step(thing)


class cython_function_or_method:  # noqa: N801 - as Cython calls it
    """Stands for a compiled function."""

    def __call__(self) -> str | None:
        """Tell where it runs."""
        return here()


def test_compiled_function_can_be_a_step() -> None:
    """What Cython makes of a function is of no type that `inspect` knows, and is a function."""
    compiled = new_flow().step(name="compiled")(cython_function_or_method())
    with open_context():
        assert compiled() == "compiled"


def test_bound_method_can_be_a_step() -> None:
    """A method of an object is a function too."""

    class Worker:
        def work(self, value: int) -> tuple[int, str | None]:
            return value, here()

    work = new_flow().step(Worker().work)
    with open_context():
        assert work(7) == (7, "work")


def test_partial_can_be_a_step_of_any_kind() -> None:
    """A partial has its function's name and kind."""
    flow = new_flow()
    asynchronous = flow.step(functools.partial(coroutine, 1))
    yielding = flow.step(functools.partial(generator, 1))
    assert inspect.iscoroutinefunction(asynchronous)
    assert inspect.isgeneratorfunction(yielding)
    with open_context():
        assert asyncio.run(asynchronous()) == "1"
        assert list(yielding()) == [1]
    assert set(flow.graph().nodes) == {"coroutine", "generator"}
