"""functools, contextlib, contextvars, operator, and what wraps functions as they do."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from headrace_inspect._names._library_values import Closing, Driven
from headrace_inspect._names._values import (
    UNKNOWN,
    Arguments,
    ContextValue,
    Coroutine,
    Dynamic,
    EnteredLater,
    External,
    FunctionValue,
    Instance,
    PartialValue,
    Possibly,
    PropertyValue,
    StepValue,
    Text,
    Value,
)
from headrace_inspect._running._calls import call, call_library
from headrace_inspect._running._entering import close
from headrace_inspect._running._giving import ANY_ARGUMENTS, calls_of, give
from headrace_inspect._running._halves import halves
from headrace_inspect._running._iterating import listed
from headrace_inspect._running._nodes import Hub, Node
from headrace_inspect._running._trees import Cross, Later, Run, Tree, block_of

from ._registry import decorator, function, method
from ._running_arguments import call_for_each, call_now, tree_of_call

if TYPE_CHECKING:
    from headrace_inspect._running._frame import Frame


@function("functools.partial", "functools.partialmethod")
def partial(frame: Frame, arguments: Arguments, node: ast.AST, value: Value) -> Value:
    """``partial(f, ...)``."""
    inner = arguments.get(0)
    if inner is None:
        return UNKNOWN
    return PartialValue(frame.engine.resolve(inner), arguments.after(1))


@function("functools.reduce")
def reduce(frame: Frame, arguments: Arguments, node: ast.AST, value: Value) -> Value:
    """``reduce(f, items)``."""
    items = arguments.get(1) or UNKNOWN
    known = listed(frame.engine.resolve(items))
    called = frame.engine.resolve(arguments.get(0) or UNKNOWN)
    if known:
        first = arguments.get(2)
        result, *others = known if first is None else (first, *known)
        for item in others:
            result = call(frame, called, Arguments((result, item)), node)
        return result
    give(frame, items, node)  # what comes in as a result, too
    call_for_each(frame, arguments.get(0), Arguments((UNKNOWN, items)), node)
    return UNKNOWN


@function(
    "asgiref.sync.sync_to_async",
    "flask.copy_current_request_context",
    "flask.stream_with_context",
    "functools.cache",
    "functools.cmp_to_key",
    "headrace.bind",
)
def same(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """What gives back the function that it is given, or does the same."""
    inner = arguments.get(0, "func", "function", "fn", "f")
    return inner if inner is not None else External(f"{value.name}()")


@function("asgiref.sync.async_to_sync")
def driven(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """What awaits a function's result in the caller's stead."""
    inner = arguments.get(0)
    return Driven(inner) if inner is not None else External(f"{value.name}()")


@decorator("asgiref.sync.async_to_sync", "asgiref.sync.async_to_sync()")
def driven_decorator(frame: Frame, value: Value, target: Value, node: ast.AST) -> Value:
    """``@async_to_sync``."""
    return Driven(target)


@decorator(
    "builtins.property",
    "functools.cached_property",
    "django.utils.functional.cached_property",
    "werkzeug.utils.cached_property",
)
def property_(frame: Frame, value: Value, target: Value, node: ast.AST) -> Value:
    """Attributes that call a function."""
    return PropertyValue(target)


@function("builtins.property")
def made_property(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """``x = property(get_x, set_x)``."""
    call_library(frame, value, arguments, node)
    getter = arguments.get(0, "fget")
    return PropertyValue(frame.engine.resolve(getter)) if getter is not None else UNKNOWN


@function("types.MethodType")
def method_by_hand(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """``MethodType(f, instance)``."""
    inner = frame.engine.resolve(arguments.get(0) or UNKNOWN)
    return PartialValue(inner, Arguments(arguments.positional[1:2]))


@decorator("contextlib.contextmanager", "contextlib.asynccontextmanager")
def context_manager(frame: Frame, value: Value, target: Value, node: ast.AST) -> Value:
    """Generator functions that make context managers."""
    return ContextValue(target) if isinstance(target, FunctionValue | StepValue) else target


@method(EnteredLater, "__enter__", "__exit__", "__aenter__", "__aexit__")
def entered_by_hand(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """``manager.__enter__()`` and, later, ``manager.__exit__(...)``."""
    begin, end = halves(frame.engine, value.owner.node)
    is_begin = value.name.endswith("enter__")
    run = Run(begin if is_begin else end, frame.where(node))
    result = frame.engine.yielded(value.owner.node) if is_begin else UNKNOWN
    if value.name.startswith("__a"):
        return Coroutine(run, result)
    frame.emit(run)
    return result


@decorator("functools.singledispatch", "functools.singledispatchmethod")
def single_dispatch(frame: Frame, value: Value, target: Value, node: ast.AST) -> Value:
    """One of several functions, by the type of the argument."""
    return Possibly(target)


@function(
    "contextlib.ExitStack().callback",
    "contextlib.ExitStack().push",
    "contextlib.AsyncExitStack().callback",
    "contextlib.AsyncExitStack().push",
    "contextlib.AsyncExitStack().push_async_callback",
    "contextlib.AsyncExitStack().push_async_exit",
)
def at_exit(frame: Frame, arguments: Arguments, node: ast.AST, value: Value) -> Value:
    """What is called when the stack is left."""
    tree, _ = tree_of_call(frame, arguments.get(0), arguments.after(1), node)
    _at_exit(frame, tree, node)
    return arguments.get(0) or UNKNOWN


@function(
    "contextlib.ExitStack().enter_context",
    "contextlib.AsyncExitStack().enter_context",
    "contextlib.AsyncExitStack().enter_async_context",
)
def enter_context(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """A context manager that is left with the stack."""
    inner = frame.engine.resolve(arguments.get(0) or UNKNOWN)
    if isinstance(inner, EnteredLater):
        return _enter_generator(frame, inner.node, node)
    if isinstance(inner, Closing):
        with frame.captured() as events:
            close(frame, inner.inner, inner.method, node)
        _at_exit(frame, block_of(events), node)
        return inner.inner
    if not isinstance(inner, Instance):
        return inner
    from headrace_inspect._running._attributes import attribute

    begin, end = "__enter__", "__exit__"
    if value.name.endswith("async_context"):
        begin, end = "__aenter__", "__aexit__"
    result = call_now(frame, attribute(frame, inner, begin, node), Arguments(), node)
    tree, _ = tree_of_call(frame, attribute(frame, inner, end, node), ANY_ARGUMENTS, node)
    _at_exit(frame, tree, node)
    return result


def _enter_generator(frame: Frame, made: Node, node: ast.AST) -> Value:
    frame.enters(made)
    target = frame.engine.yielded(made)
    where = frame.where(node)
    begin, end = halves(frame.engine, made)
    frame.emit(Run(begin, where))
    _at_exit(frame, Run(end, where), node)
    return target


def _at_exit(frame: Frame, tree: Tree, node: ast.AST) -> None:
    """Let `tree` run when the stack is left: here, if the stack is a variable, or somewhere."""
    if isinstance(node, ast.Call) and _is_of_variable(node.func):
        frame.emit(Later(tree))
    else:
        frame.emit(Cross("call", tree))


def _is_of_variable(function: ast.expr) -> bool:
    return isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name)


@function("contextlib.nullcontext")
def passed_through(frame: Frame, arguments: Arguments, node: ast.AST, value: Value) -> Value:
    """Context managers that give what they are given."""
    return arguments.get(0) or UNKNOWN


@function("contextlib.closing", "contextlib.aclosing")
def closing(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """Context managers that close what they are given."""
    method = "aclose" if value.name.endswith("aclosing") else "close"
    return Closing(arguments.get(0, "thing") or UNKNOWN, method)


@function("werkzeug.local.LocalProxy")
def proxied(frame: Frame, arguments: Arguments, node: ast.AST, value: Value) -> Value:
    """What stands for that which a function gives."""
    return tree_of_call(frame, arguments.get(0), Arguments(), node)[1]


@function("atexit.register")
def at_end(frame: Frame, arguments: Arguments, node: ast.AST, value: Value) -> Value:
    """What is called when the program ends."""
    tree, _ = tree_of_call(frame, arguments.get(0), arguments.after(1), node)
    frame.emit(Later(Cross("call", tree), is_last=True))
    return arguments.get(0) or UNKNOWN


@decorator("atexit.register")
def at_end_decorator(frame: Frame, value: Value, target: Value, node: ast.AST) -> Value:
    """``@atexit.register``."""
    for tree in calls_of(frame, target, node):
        frame.expose(tree)
    return target


@function(
    "stamina.AsyncRetryingCaller()",
    "stamina.AsyncRetryingCaller().on()",
    "stamina.RetryingCaller()",
    "stamina.RetryingCaller().on()",
    "tenacity.AsyncRetrying()",
    "tenacity.Retrying()",
)
def retried(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """``Retrying(...)(f, ...)``, which calls it; a caller of stamina has the errors before."""
    place = 1 if value.name.endswith("Caller()") else 0
    inner = frame.engine.resolve(arguments.get(place, "fn", "callable_") or UNKNOWN)
    return call(frame, inner, arguments.after(place + 1), node)


@function("contextvars.copy_context().run", "contextvars.Context().run")
def run_in_context(frame: Frame, arguments: Arguments, node: ast.AST, value: Value) -> Value:
    """``context.run(f, ...)``."""
    inner = arguments.get(0)
    return call(frame, frame.engine.resolve(inner), arguments.after(1), node) if inner else UNKNOWN


@function("operator.methodcaller", "operator.attrgetter")
def method_caller(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """A method of whatever comes."""
    name = arguments.get(0)
    if isinstance(name, Text) and name.constant is not None:
        return Dynamic(Hub("name", name.constant.rpartition(".")[2]))
    return call_library(frame, value, arguments, node)
