"""Uses every public name the way a typed program does: type-checked, never run."""

from __future__ import annotations

import asyncio
import logging
import types
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Callable,
    Generator,
    Iterator,
    Mapping,
    MutableMapping,
)
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from functools import cached_property
from typing import Any, TypeVar, assert_type, overload

from aiohttp import TraceConfig
from requests.adapters import HTTPAdapter

import headrace
from headrace import (
    ContextExecutor,
    DuplicateStepError,
    Flow,
    FlowContext,
    FlowGraph,
    GraphProblem,
    HeadraceError,
    OutsideFlowError,
    RemoteContext,
    StepInfo,
    UnknownFlowError,
    bind,
    configure,
    entrypoint,
    flow,
    step,
)
from headrace.backends import Backend, LoggingBackend, OTelBackend, TracingBackend, outcome_of
from headrace.clients import (
    GrpcMetadata,
    aiohttp_trace_config,
    async_httpx_hooks,
    httpx_hooks,
    requests_adapter,
)
from headrace.integration import (
    HttpOptions,
    Publication,
    Unit,
    await_span,
    begin_run,
    end_run,
    error_type,
    http_options,
    inject_trace,
    marked_id,
    remove_trace,
    without_secrets,
    write_headers,
)
from headrace.logging import (
    FlowFilter,
    Formatter,
    JsonFormatter,
    LinesFormatter,
    dict_config,
    fork_safe,
    install,
    uninstall,
)
from headrace.loguru import FlowPatcher, flow_patcher
from headrace.structlog import FlowProcessor, flow_processor
from headrace.testing import Capture, CapturedStep, CapturedUnit, assert_clean, capture, reset

T = TypeVar("T")

# --- context ------------------------------------------------------------------------------------


def context() -> None:
    """What is read from the context has the type that it says."""
    assert_type(headrace.current_flow_id(), str | None)
    assert_type(headrace.current_step_key(), str | None)
    assert_type(headrace.get_flow_context(), FlowContext | None)
    assert_type(headrace.get_flow_context_value("key"), Any)
    assert_type(headrace.get_flow_context_value("key", 1), Any)
    headrace.set_flow_context_value("key", object())
    with headrace.open_context("a-1") as opened:
        assert_type(opened, FlowContext)
        assert_type(opened.correlation_id, str)
        assert_type(opened.causation_id, str | None)
        assert_type(opened.unit_id, str)
        assert_type(opened.kind, str)
        assert_type(opened.name, str | None)
        assert_type(opened.deadline, float | None)
        assert_type(opened.flow, str | None)
        assert_type(opened.step, str | None)
        assert_type(opened.metadata, dict[str, Any])
        assert_type(opened.get_value("key", None), Any)
        opened.set_value("key", 1)
        opened.delete_value("key")
        with opened.fork() as forked:
            assert_type(forked, FlowContext)


def queue_of_your_own(headers: dict[str, Any]) -> None:
    """A queue's message is published, and its run is a unit."""
    assert_type(write_headers(headers), None)
    with Publication("charge", "7", queue="orders", eta=None) as publication:
        assert_type(publication, Publication)
    unit = begin_run("charge", headers, system="arq", task_id="7", queue="orders", retries=0)
    assert_type(unit, Unit)
    assert_type(end_run(unit, None), None)
    end_run(unit, ValueError())


def propagation(environ: dict[str, Any], headers: list[tuple[bytes, bytes]]) -> None:
    """Carriers of every kind are taken."""
    carrier: dict[str, str] = {}
    assert_type(headrace.inject(carrier), None)
    assert_type(headrace.extract(environ), RemoteContext)
    remote = headrace.extract(headers)
    assert_type(remote.correlation_id, str | None)
    assert_type(remote.causation_id, str | None)
    assert_type(remote.deadline, float | None)
    assert_type(remote.metadata, Mapping[str, Any])
    with headrace.open_context(remote=remote, metadata={"tenant": "a"}) as opened:
        assert_type(opened, FlowContext)
    assert_type(httpx_hooks(hosts=["api"]), dict[str, list[Callable[[Any], Any]]])
    async_httpx_hooks(hosts=("api", "*.internal"))
    metadata = GrpcMetadata()
    headrace.inject(metadata)
    assert_type(tuple(metadata.items()), tuple[tuple[str, str], ...])
    assert_type(requests_adapter(hosts=["api"], max_retries=3), HTTPAdapter)
    assert_type(aiohttp_trace_config(hosts=["api"]), TraceConfig)


def deadlines() -> None:
    """Budgets are in seconds, whole or not."""
    with headrace.deadline(1), headrace.deadline(0.5):
        assert_type(headrace.remaining(), float | None)
    with headrace.detached() as nothing:
        assert_type(nothing, None)


def add(first: int, second: str = "") -> bool:
    """Be a function."""
    return str(first) == second


async def fetch(first: int) -> str:
    """Be a coroutine function."""
    return str(first)


def executors() -> None:
    """`bind` keeps the signature, the executor the types of `Executor`."""
    assert_type(bind(add)(1, second="a"), bool)
    assert_type(asyncio.run(bind(fetch)(1)), str)
    with ContextExecutor(ThreadPoolExecutor(2)) as executor:
        assert_type(executor, ContextExecutor)
        assert_type(executor.submit(add, 1, second="a"), Future[bool])
        assert_type(executor.map(str, [1, 2], timeout=1.0), Iterator[str])


# --- flows, the functions -----------------------------------------------------------------------

orders = flow("orders")
assert_type(orders, Flow)


@step
def bare(first: int, /, *, second: str = "") -> bool:
    """Bare, by name of the class form."""
    return str(first) == second


@entrypoint
def bare_entry(first: int) -> bool:
    """Bare entrypoint."""
    return first == 1


@step("orders", after=["bare", bare], name="called", description="Called.")
def called(first: int, /, *, second: str = "") -> bool:
    """Call the decorator with the flow's name."""
    return str(first) == second


@entrypoint("orders", after=called, name="entry", description="Called.", new=True)
def called_entry(first: int) -> bool:
    """Call the entrypoint's decorator with the flow's name."""
    return first == 1


@orders.step
def on_flow(first: int, /, *, second: str = "") -> bool:
    """Bare, on the flow."""
    return str(first) == second


@orders.step(after=(called, "other.step"), name="step", description="Called.")
def on_flow_called(first: int, /, *, second: str = "") -> bool:
    """Called, on the flow."""
    return str(first) == second


@orders.entrypoint
def on_flow_entry(first: int) -> bool:
    """Bare entrypoint, on the flow."""
    return first == 1


@orders.entrypoint(after="called", name="entry", description="Called.", new=True)
def on_flow_entry_called(first: int) -> bool:
    """Called entrypoint, on the flow."""
    return first == 1


def functions() -> None:
    """A function keeps parameters and result."""
    assert_type(bare(1, second="a"), bool)
    assert_type(called(1, second="a"), bool)
    assert_type(on_flow(1, second="a"), bool)
    assert_type(on_flow_called(1, second="a"), bool)
    assert_type(bare_entry(first=1), bool)
    assert_type(called_entry(first=1), bool)
    assert_type(on_flow_entry(first=1), bool)
    assert_type(on_flow_entry_called(first=1), bool)
    assert_type(on_flow.__name__, str)


# --- coroutines and generators ------------------------------------------------------------------


@step
async def bare_async(first: int) -> bool:
    """Be bare."""
    return first == 1


@step("orders", after="bare_async")
async def called_async(first: int) -> bool:
    """Be called."""
    return first == 1


@orders.step
async def on_flow_async(first: int) -> bool:
    """Be on the flow."""
    return first == 1


@orders.entrypoint(new=True)
async def on_flow_async_entry(first: int) -> bool:
    """Be an entrypoint on the flow."""
    return first == 1


async def coroutines() -> None:
    """A coroutine function gives its coroutine."""
    assert_type(await bare_async(1), bool)
    assert_type(await called_async(1), bool)
    assert_type(await on_flow_async(1), bool)
    assert_type(await on_flow_async_entry(1), bool)


@step
def bare_items(first: int) -> Generator[int, str, bool]:
    """Be bare."""
    return (yield first) == "a"


@step("orders")
def called_items(first: int) -> Generator[int, str, bool]:
    """Be called."""
    return (yield first) == "a"


@orders.step
def on_flow_items(first: int) -> Generator[int, str, bool]:
    """Be on the flow."""
    return (yield first) == "a"


@orders.entrypoint(new=True)
def on_flow_items_entry(first: int) -> Iterator[int]:
    """Be an entrypoint on the flow."""
    yield first


def generators() -> None:
    """A generator function gives its generator."""
    assert_type(bare_items(1), Generator[int, str, bool])
    assert_type(called_items(1), Generator[int, str, bool])
    assert_type(on_flow_items(1), Generator[int, str, bool])
    assert_type(on_flow_items_entry(1), Iterator[int])


@step
async def bare_async_items(first: int) -> AsyncGenerator[int, str]:
    """Be bare."""
    yield first


@step("orders")
async def called_async_items(first: int) -> AsyncGenerator[int, str]:
    """Be called."""
    yield first


@orders.step
async def on_flow_async_items(first: int) -> AsyncIterator[int]:
    """Be on the flow."""
    yield first


@orders.entrypoint(new=True)
async def on_flow_async_items_entry(first: int) -> AsyncIterator[int]:
    """Be an entrypoint on the flow."""
    yield first


async def async_generators() -> None:
    """An asynchronous generator function gives its generator."""
    assert_type(bare_async_items(1), AsyncGenerator[int, str])
    assert_type(called_async_items(1), AsyncGenerator[int, str])
    assert_type(on_flow_async_items(1), AsyncIterator[int])
    async for item in on_flow_async_items_entry(1):
        assert_type(item, int)


# --- generic and overloaded functions -----------------------------------------------------------


@step
def bare_generic(items: list[T], key: Callable[[T], int] | None = None) -> T:
    """Be bare."""
    return items[0]


@step("orders")
def called_generic(items: list[T]) -> T:
    """Be called."""
    return items[0]


@orders.step
def on_flow_generic(items: list[T]) -> T:
    """Be on the flow."""
    return items[0]


@orders.entrypoint(new=True)
async def on_flow_generic_entry(items: list[T]) -> dict[str, T]:
    """Be an entrypoint on the flow."""
    return {"first": items[0]}


async def generics() -> None:
    """A generic function stays generic."""
    assert_type(bare_generic([1], abs), int)
    assert_type(called_generic(["a"]), str)
    assert_type(on_flow_generic([b"a"]), bytes)
    assert_type(await on_flow_generic_entry([1.0]), dict[str, float])


@overload
def plain_overloaded(value: int) -> str: ...
@overload
def plain_overloaded(value: str) -> int: ...
def plain_overloaded(value: int | str) -> int | str:
    """Be overloaded, and decorated by a call."""
    return value


bare_overloaded = step(plain_overloaded)
called_overloaded = step("orders", name="overloaded")(plain_overloaded)
on_flow_overloaded = orders.step(plain_overloaded)
on_flow_overloaded_entry = orders.entrypoint(new=True)(plain_overloaded)


@overload
def inside_overloaded(value: int) -> str: ...
@overload
def inside_overloaded(value: str) -> int: ...
@orders.step(name="inside")
def inside_overloaded(value: int | str) -> int | str:
    """Be overloaded, with the implementation decorated."""
    return value


def overloads() -> None:
    """An overloaded function keeps its overloads."""
    assert_type(bare_overloaded(1), str)
    assert_type(bare_overloaded("a"), int)
    assert_type(called_overloaded(1), str)
    assert_type(called_overloaded("a"), int)
    assert_type(on_flow_overloaded(1), str)
    assert_type(on_flow_overloaded("a"), int)
    assert_type(on_flow_overloaded_entry(1), str)
    assert_type(on_flow_overloaded_entry("a"), int)
    assert_type(inside_overloaded(1), str)
    assert_type(inside_overloaded("a"), int)


# --- flows as classes ---------------------------------------------------------------------------


@flow("shop")
class Shop:
    """A flow with methods of every kind."""

    @entrypoint
    def bare(self, first: int) -> bool:
        """Be a method, bare."""
        return first == 1

    @step(after="bare", name="called")
    def called(self, first: int) -> bool:
        """Be a method, called."""
        return first == 1

    @orders.step(after=bare)
    def on_flow(self, first: int) -> bool:
        """Be a method of another flow."""
        return first == 1

    @classmethod
    @step
    def of_class(cls, first: int) -> Shop:
        """Be a class method, with the step inside."""
        return cls()

    @step(name="outside")
    @classmethod
    def of_class_called(cls, first: int) -> Shop:
        """Be a class method, with the step outside."""
        return cls()

    @classmethod
    @orders.step
    def of_class_on_flow(cls, first: int) -> Shop:
        """Be a class method of another flow."""
        return cls()

    @staticmethod
    @step
    def static(first: int) -> bool:
        """Be a static method, with the step inside."""
        return first == 1

    @step(after="static")
    @staticmethod
    def static_called(first: int) -> bool:
        """Be a static method, with the step outside."""
        return first == 1

    @staticmethod
    @orders.step
    def static_on_flow(first: int) -> bool:
        """Be a static method of another flow."""
        return first == 1

    @step
    async def asynchronous(self, first: int) -> bool:
        """Be a coroutine function."""
        return first == 1

    @step
    def items(self) -> Iterator[int]:
        """Be a generator."""
        yield 1

    @step
    async def async_items(self) -> AsyncIterator[int]:
        """Be an asynchronous generator."""
        yield 1

    @step
    def generic(self, items: list[T]) -> T:
        """Be generic."""
        return items[0]

    @property
    @step
    def prop(self) -> int:
        """Be a property."""
        return 1

    @cached_property
    @step
    def cached(self) -> int:
        """Be a cached property."""
        return 1


async def methods(shop: Shop) -> None:
    """Methods are bound, and keep parameters and results."""
    assert_type(Shop(), Shop)
    assert_type(shop.bare(1), bool)
    assert_type(Shop.bare(shop, first=1), bool)
    assert_type(shop.called(1), bool)
    assert_type(shop.on_flow(1), bool)
    assert_type(Shop.of_class(1), Shop)
    assert_type(Shop.of_class_called(1), Shop)
    assert_type(Shop.of_class_on_flow(1), Shop)
    assert_type(shop.of_class(first=1), Shop)
    assert_type(Shop.static(1), bool)
    assert_type(Shop.static_called(1), bool)
    assert_type(shop.static_on_flow(first=1), bool)
    assert_type(await shop.asynchronous(1), bool)
    assert_type(shop.items(), Iterator[int])
    assert_type(shop.async_items(), AsyncIterator[int])
    assert_type(shop.generic(["a"]), str)
    assert_type(shop.prop, int)
    assert_type(shop.cached, int)
    assert_type(orders.step(shop.called)(1), bool)
    orders.step(after=[Shop.bare, shop.called])(add)


# --- flows as objects ---------------------------------------------------------------------------


def flows() -> None:
    """The registry, the graph and its drawing."""
    assert_type(headrace.get_flow("orders"), Flow)
    assert_type(headrace.all_flows(), list[Flow])
    assert_type(orders.name, str)
    assert_type("charge" in orders, bool)
    with orders.open() as opened, orders.open("a-1") as given:
        assert_type(opened, FlowContext)
        assert_type(given, FlowContext)
    graph = orders.graph()
    assert_type(graph, FlowGraph)
    assert_type(graph.name, str)
    assert_type(graph.nodes, tuple[str, ...])
    assert_type(graph.edges, tuple[tuple[str, str], ...])
    assert_type(graph.entrypoints, tuple[str, ...])
    assert_type(graph.steps["charge"], StepInfo)
    assert_type(graph.validate(), list[GraphProblem])
    assert_type(graph.validate()[0].line, int)
    assert_type(graph.render("mermaid"), str)
    assert_type(headrace.generate_dag("orders"), str | None)
    headrace.generate_dag("orders", format="mermaid", output="orders.mmd")


def step_info(info: StepInfo) -> None:
    """What is known of a step."""
    assert_type(info.name, str)
    assert_type(info.flow, str)
    assert_type(info.after, tuple[str, ...])
    assert_type(info.kind, str)
    assert_type(info.is_entrypoint, bool)
    assert_type(info.description, str)
    assert_type(info.file, str)
    assert_type(info.line, int)


def errors() -> None:
    """Each error is of ours and of a built-in kind."""
    ours: list[type[HeadraceError]] = [OutsideFlowError, UnknownFlowError, DuplicateStepError]
    runtime: type[RuntimeError] = OutsideFlowError
    key: type[KeyError] = UnknownFlowError
    value: type[ValueError] = DuplicateStepError
    assert_type((ours, runtime, key, value)[0], list[type[HeadraceError]])


# --- backends, logging, testing -----------------------------------------------------------------


class Printing:
    """A backend without a base class."""

    @contextmanager
    def span(self, step: StepInfo, context: FlowContext) -> Iterator[None]:
        """Print the step's name."""
        yield

    def enabled(self) -> bool:
        """Be on."""
        return True


class ByNames(TracingBackend):
    """A backend on the base class."""

    def span(self, step_name: str, flow_name: str, **attrs: Any) -> AbstractContextManager[Any]:
        """Use the names."""
        assert_type(self.get_correlation_id(), str | None)
        raise NotImplementedError


def backends() -> None:
    """Names, objects and lists of these are taken."""
    mine: Backend = Printing()
    configure()
    configure("none", strict=True, header="X-ID", id_factory=lambda: "a", propagate_metadata=["a"])
    configure(levels={"error": "ERROR", "cancelled": 30})
    configure(mine)
    configure(["logging", mine, LoggingBackend("shop"), OTelBackend("shop"), ByNames()])
    assert_type(outcome_of(None), str)


def logs(handler: logging.Handler) -> None:
    """The filter goes on a handler."""
    handler.addFilter(FlowFilter())
    handler.addFilter(FlowFilter(default="none", fields=("user", "tenant")))
    handler.setFormatter(Formatter("{flow_id}", style="{", defaults={"step": ""}, fields=["user"]))
    assert_type(dict_config("lines"), dict[str, Any])
    dict_config("json", level=logging.DEBUG, fields=["user"], style="ecs", service="shop")
    handler.setFormatter(JsonFormatter(fields=["user"], style="gcp", service="shop"))
    handler.setFormatter(LinesFormatter(fields=["user"], color=False))
    assert_type(marked_id(ValueError()), str | None)
    assert_type(without_secrets(ValueError()), BaseException)
    assert_type(http_options("init_app", {"access_log": True}), HttpOptions)
    install()
    install(fields=["user", "unit_id"])
    uninstall()
    fork_safe()
    event: dict[str, Any] = {}
    assert_type(flow_processor(None, "info", event), MutableMapping[str, Any])
    assert_type(FlowProcessor(fields=["user"])(None, "info", event), MutableMapping[str, Any])
    flow_patcher({"extra": {}})
    FlowPatcher(default="", fields=["user"])({"extra": {}})


def tests() -> None:
    """What ran is there as data."""
    with capture() as captured:
        assert_type(captured, Capture)
    captured.assert_path("receive", "orders.charge")
    captured.assert_not_reached("refund")
    assert_type(captured.path, str)
    assert_type(captured.steps, list[CapturedStep])
    assert_type(captured.units, list[CapturedUnit])
    assert_type(captured.steps[0].outcome, str | None)
    assert_clean()
    reset()


module: types.ModuleType = headrace


def queue(context: FlowContext, headers: dict[str, object], exc: ValueError) -> None:
    assert_type(inject_trace(headers, context), bool)
    remove_trace(headers)
    await_span(context)
    assert_type(error_type(exc), str)
