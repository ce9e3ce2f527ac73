"""Which arguments of a call tell what the function will run: functions, instances, addresses."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from headrace_inspect._names._entities import Class, Function
from headrace_inspect._names._library_values import ChainValue, FlowValue, SignalValue, Signature
from headrace_inspect._names._values import (
    UNKNOWN,
    Arguments,
    Choice,
    ClassValue,
    ContextValue,
    Coroutine,
    Dynamic,
    EnteredLater,
    External,
    FunctionValue,
    Instance,
    Items,
    Many,
    Method,
    ModuleValue,
    PartialValue,
    Possibly,
    Started,
    StepValue,
    Table,
    TaskValue,
    Text,
    Value,
)

if TYPE_CHECKING:
    from ._engine import Engine

Telling = tuple[tuple[str, Value], ...]
Leading = Callable[["Engine", "Function | Class"], bool]

_DEEPEST = 5
_ALWAYS = (
    ChainValue,
    ContextValue,
    Coroutine,
    Dynamic,
    EnteredLater,
    FlowValue,
    ModuleValue,
    Signature,
    SignalValue,
    Started,
    TaskValue,
)
_VERB = re.compile(r"(GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS)", re.IGNORECASE)
_BY_TEXT = frozenset([
    "delete",
    "get",
    "getattr",
    "head",
    "import_module",
    "import_string",
    "options",
    "patch",
    "post",
    "put",
    "request",
    "send_task",
    "signature",
    "stream",
])


def telling_arguments(
    engine: Engine, value: FunctionValue, arguments: Arguments, is_leading: Leading
) -> Telling:
    """Return the parameters of a function that tell what it runs, with their values."""
    function = value.function
    given_values = {} if arguments.starred else _defaults(engine, function)
    if not arguments.positional and not arguments.named and not given_values:
        return ()
    judge = _Telling(engine, function, is_leading)
    found = []
    given_values |= bound(function, value.receiver, arguments)
    for name, given in given_values.items():
        if name in function.loaded:
            resolved = engine.resolve(given)
            if judge.tells(resolved):
                found.append((name, resolved))
    return tuple(found)


def _defaults(engine: Engine, function: Function) -> dict[str, Value]:
    """Return the values of the defaults that may be functions or instances."""
    return {
        name: engine.evaluate(default, function.parent)
        for name, default in function.defaults.items()
        if isinstance(default, ast.Name | ast.Attribute | ast.Lambda)
    }


def bound(function: Function, receiver: Value | None, arguments: Arguments) -> dict[str, Value]:
    """Return the values that the parameters get; those that are not known are missing."""
    parameters = function.node.args
    names = [one.arg for one in (*parameters.posonlyargs, *parameters.args)]
    if receiver is not None and function.binds != "nothing":
        names = names[1:]
    values = dict(zip(names, arguments.positional, strict=False))
    if parameters.vararg and len(arguments.positional) > len(names):
        values[parameters.vararg.arg] = Items(arguments.positional[len(names) :])
    known = function.parameters
    values.update({name: value for name, value in arguments.named if name in known})
    if parameters.kwarg and not arguments.starred:
        others = {name: value for name, value in arguments.named if name not in known}
        values[parameters.kwarg.arg] = Table(tuple(others.values()), tuple(others))
    return values


def telling_only(
    engine: Engine, arguments: Arguments, function: Function, is_leading: Leading
) -> Arguments:
    """Return `arguments` with what tells nothing made unknown; none at all if nothing tells."""
    judge = _Telling(engine, function, is_leading)
    resolved = [engine.resolve(value) for value in arguments.positional]
    positional = tuple(value if judge.tells(value) else UNKNOWN for value in resolved)
    pairs = [(name, engine.resolve(value)) for name, value in arguments.named]
    named = tuple((name, value) for name, value in pairs if judge.tells(value))
    if not named and all(value is UNKNOWN for value in positional):
        return Arguments()
    return Arguments(positional, named)


class _Telling:
    """Judges whether it depends on a value what a function runs."""

    def __init__(self, engine: Engine, function: Function, is_leading: Leading) -> None:
        self._engine = engine
        self._function = function
        self._is_leading = is_leading

    def tells(self, value: Value, depth: int = 0) -> bool:
        """Tell whether `value` does; one that is nested too deeply tells nothing."""
        if depth > _DEEPEST:
            return False
        match value:
            case FunctionValue(function=function, closure=closure):
                inner = [one for _, one in closure]
                return self._fits(inner, depth) and (
                    self._leads(function) or any(self.tells(one, depth + 1) for one in inner)
                )
            case StepValue(inner=inner):
                return self._fits([inner], depth)
            case PartialValue(inner=inner, arguments=arguments):
                parts = (inner, *arguments.values())
                return self._fits(parts, depth) and any(self.tells(p, depth + 1) for p in parts)
            case (
                Items(items=items) | Many(items=items) | Table(items=items) | Choice(options=items)
            ):
                return any(self.tells(item, depth + 1) for item in items)
            case Possibly(inner=inner) | Method(owner=inner):
                return self.tells(inner, depth + 1)
            case Instance(cls=cls) | ClassValue(cls=cls):
                fields = value.fields if isinstance(value, Instance) else ()
                return self._leads(cls) or any(self.tells(one, depth + 1) for _, one in fields)
            case Text():
                return _is_telling_text(value, self._function)
            case External(name=name):
                return name.startswith(_HANDLES)
        return isinstance(value, _ALWAYS)

    def _leads(self, what: Function | Class) -> bool:
        return self._is_leading(self._engine, what)

    def _fits(self, values: Iterable[Value], depth: int) -> bool:
        # A function that is wrapped anew in each call of a recursion must come to an end.
        return all(depth_of(value) + depth < _DEEPEST for value in values)


def depth_of(value: Value) -> int:
    """Return how deep the functions in `value` stand in one another."""
    match value:
        case Instance(fields=fields) if fields:
            return 1 + max(depth_of(inner) for _, inner in fields)
        case FunctionValue(closure=closure):
            return 1 + max((depth_of(inner) for _, inner in closure), default=0)
        case StepValue(inner=inner) | Possibly(inner=inner) | Method(owner=inner):
            return 1 + depth_of(inner)
        case PartialValue(inner=inner, arguments=arguments):
            return 1 + max((depth_of(one) for one in (inner, *arguments.values())), default=0)
        case Items(items=items) | Many(items=items) | Table(items=items) | Choice(options=items):
            return 1 + max((depth_of(item) for item in items), default=0)
    return 0


def _is_telling_text(text: Text, function: Function) -> bool:
    if function.words.isdisjoint(_BY_TEXT):
        return False
    constant = text.constant
    if any(part is not None and "/" in part for part in text.parts):
        return True
    return constant is not None and (
        _VERB.fullmatch(constant) is not None or not function.words.isdisjoint(_BY_NAME)
    )


# Things of libraries on whose methods it depends what runs.
_HANDLES = (
    "aiohttp.ClientSession()",
    "asyncio.",
    "anyio.",
    "celery.",
    "concurrent.futures.",
    "django.dispatch",
    "fastapi.",
    "headrace",
    "httpx",
    "requests.",
    "starlette.",
)
_BY_NAME = frozenset(["getattr", "import_module", "import_string", "send_task", "signature"])
