"""Builtins and the standard library, and what other libraries have that works alike.

Knows: builtins that call, build, or go through what they are given; lists and dicts that grow;
functools, contextlib, itertools, importlib.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass

from headrace_inspect._evaluate._containers import key_of
from headrace_inspect._evaluate._contexts import HEAD, TAIL
from headrace_inspect._evaluate._expressions import await_, call_special, run_later
from headrace_inspect._evaluate._frame import Frame
from headrace_inspect._evaluate._registry import Call, Registry
from headrace_inspect._evaluate._statements import enter, enter_generators, exit_
from headrace_inspect._evaluate._values import (
    UNKNOWN,
    Arguments,
    Bound,
    ClassValue,
    Constant,
    External,
    FunctionValue,
    Instance,
    Items,
    Manager,
    ModuleValue,
    Object,
    Partial,
    Pending,
    Property,
    Static,
    Table,
    Value,
    Wrapper,
    constant,
    options_of,
    text_of,
    union,
)

_MOST = 8
_STACK = "contextlib.ExitStack"
UNCHANGED = "headrace_inspect.unchanged"
"""A decorator that returns what it is applied to."""
_CONSUMING = """
    builtins.list builtins.tuple builtins.set builtins.sorted builtins.frozenset builtins.iter
    builtins.aiter collections.deque itertools.chain itertools.islice itertools.cycle copy.copy
"""
_TAKING_ONE = """
    builtins.sum builtins.any builtins.all builtins.next builtins.anext builtins.min builtins.max
"""
_PROPERTIES = """
    builtins.property functools.cached_property django.utils.functional.cached_property
    werkzeug.utils.cached_property
"""
_ENDING = """
    sys.exit os._exit builtins.exit builtins.quit os.abort flask.abort werkzeug.exceptions.abort
"""
_SPECIAL = {
    "len": "__len__", "str": "__str__", "repr": "__repr__", "bool": "__bool__", "int": "__int__",
    "float": "__float__", "hash": "__hash__", "abs": "__abs__", "format": "__format__",
    "round": "__round__", "print": "__str__",
}  # fmt: skip


def register(registry: Registry) -> None:
    """Register what this module knows."""
    _builtins(registry)
    _containers(registry)
    _functions(registry)


def members(call: Call) -> Arguments:
    """Return the arguments, and the items of those that are lists."""
    found: list[Value] = []
    for argument in call.arguments:
        is_list = isinstance(argument, Items)
        found += call.frame.engine.contents(argument) if is_list else [argument]
    return tuple(found)


def call_first(call: Call) -> Value:
    """Call the first argument with the others."""
    made = call.frame.call(call.value(0), call.node, call.rest(1), call.keywords)
    return await_(call.frame, made, call.node)


# --- builtins -------------------------------------------------------------------------------------


def _builtins(registry: Registry) -> None:
    function = registry.function
    function(_consume, _CONSUMING)
    function(_take_one, _TAKING_ONE)
    function(_map, "builtins.map builtins.filter itertools.starmap")
    function(lambda call: _mapped(call.frame, call), "functools.reduce")
    function(_enumerate, "builtins.enumerate")
    function(_zip, "builtins.zip")
    function(_dict, "builtins.dict collections.OrderedDict types.MappingProxyType")
    function(lambda call: Table((), call.node), "collections.defaultdict")
    function(_getattr, "builtins.getattr")
    function(_setattr, "builtins.setattr")
    function(lambda call: Property(call.value(0)), _PROPERTIES)
    function(lambda call: Static(call.value(0), is_class=False), "builtins.staticmethod")
    function(lambda call: Static(call.value(0), is_class=True), "builtins.classmethod")
    function(_type, "builtins.type")
    function(_end, _ENDING)
    function(lambda call: Object("builtins.open"), "builtins.open")
    function(_import_module, "importlib.import_module")
    function(_cast, "typing.cast")
    function(_reversed, "builtins.reversed")
    function(_special, " ".join([f"builtins.{name}" for name in _SPECIAL]))


def _special(call: Call) -> Value:
    name = _SPECIAL[call.name.removeprefix("builtins.")]
    for argument in call.arguments:
        await_(call.frame, argument, call.node)
        call_special(call.frame, argument, name, call.node)
    return UNKNOWN


def _consume(call: Call) -> Value:
    frame, engine = call.frame, call.frame.engine
    values: list[Value] = []
    for argument in call.arguments:
        await_(frame, argument, call.node)
        is_list = isinstance(argument, Items)
        values += engine.contents(argument) if is_list else [engine.element(frame, argument)]
    key = call.get(None, "key")
    if key is not None:
        frame.call(key, call.node, tuple(values[:1]))
    return Items(tuple([value for value in values if value is not UNKNOWN]), call.node)


def _take_one(call: Call) -> Value:
    return union(*call.frame.engine.contents(_consume(call)), call.value(1))


def _reversed(call: Call) -> Value:
    return Items(call.frame.engine.contents(_consume(call))[::-1])


def _cast(call: Call) -> Value:
    types = call.frame.engine.types
    if text_of(call.get(0)) is not None and isinstance(call.node, ast.Call):
        return types.of(call.node.args[0], call.frame.scope)
    declared = types.instance(call.value(0))
    return call.value(1) if declared is UNKNOWN else declared


def _map(call: Call) -> Value:
    """``map`` calls nothing until something goes through what it returns."""
    return run_later(call.frame, lambda inner: _mapped(inner, call))


def _mapped(frame: Frame, call: Call) -> Value:
    engine = frame.engine
    columns: list[Arguments] = []
    for argument in call.rest(1):
        await_(frame, argument, call.node)
        columns.append(engine.contents(argument) or (engine.element(frame, argument),))
    rows: list[Arguments] = list(zip(*columns, strict=False)) or [()]
    if call.name.endswith("reduce"):
        rows = [(UNKNOWN, value) for value in (columns[0] if columns else ())]
    elif call.name.endswith("starmap"):
        rows = [engine.contents(row[0]) for row in rows if row]
    made = tuple([frame.call(call.value(0), call.node, row) for row in rows[:_MOST]])
    return Items(tuple([row[0] for row in rows if row]) if call.name.endswith("filter") else made)


def map_now(call: Call) -> Value:
    """Call the first argument with each item of the others."""
    return _mapped(call.frame, call)


def _enumerate(call: Call) -> Value:
    made = call.frame.engine.contents(_consume(call))
    return Items(tuple([Items((UNKNOWN, one)) for one in made]))


def _zip(call: Call) -> Value:
    frame, engine = call.frame, call.frame.engine
    for argument in call.arguments:
        await_(frame, argument, call.node)
    columns = [
        engine.contents(argument) or (engine.element(frame, argument),)
        for argument in call.arguments
    ]
    longest = min(max([len(column) for column in columns], default=1), _MOST)
    rows = [
        tuple([column[number] if number < len(column) else union(*column) for column in columns])
        for number in range(longest)
    ]
    return Items(tuple([Items(row) for row in rows]))


def _dict(call: Call) -> Value:
    entries: list[tuple[object, Value]] = list(call.keywords)
    given, engine = call.get(0), call.frame.engine
    if isinstance(given, Table):
        entries = [*engine.entries(given), *entries]
    elif isinstance(given, Items):
        for pair in engine.contents(given):
            entries.append((key_of(engine.item(pair, 0)), engine.item(pair, 1)))
    return Table(tuple(entries), call.node)


def _getattr(call: Call) -> Value:
    name = text_of(call.get(1))
    if name is None or "\0" in name:
        return UNKNOWN
    found = call.frame.engine.attribute(call.frame, call.value(0), name, call.node)
    return call.value(2) if found is UNKNOWN else found


def _setattr(call: Call) -> Value:
    name = text_of(call.get(1))
    if name is not None:
        call.frame.engine.set_attribute(call.frame, call.value(0), name, call.value(2))
    return UNKNOWN


def _type(call: Call) -> Value:
    options = options_of(call.value(0))
    return union(*[ClassValue(one.cls) for one in options if isinstance(one, Instance)])


def _end(call: Call) -> Value:
    call.frame.ran = None
    return UNKNOWN


def _import_module(call: Call) -> Value:
    name = text_of(call.get(0)) or "\0"
    level = len(name) - len(name.lstrip("."))
    source = call.frame.engine.program.find(name[level:], level, call.frame.module)
    return UNKNOWN if source is None else ModuleValue(source)


# --- containers -----------------------------------------------------------------------------------


def _containers(registry: Registry) -> None:
    method = registry.method
    method(_append, Items, "append add appendleft put put_nowait insert")
    method(_extend, Items, "extend update")
    method(lambda call: call.owner, Items, "copy __iter__ __add__")
    method(lambda call: union(*call.frame.engine.contents(call.owner)), Items, "pop popleft get")
    method(_get, Table, "get pop")
    method(_setdefault, Table, "setdefault")
    method(lambda call: Items(call.frame.engine.contents(call.owner)), Table, "values")
    method(_pairs, Table, "items")
    method(_update, Table, "update")
    method(lambda call: call.owner, Table, "copy __or__")
    registry.function(
        lambda call: Items((), call.node), "asyncio.Queue queue.Queue asyncio.PriorityQueue"
    )


def _append(call: Call) -> Value:
    for option in options_of(call.value(1 if call.name == "insert" else 0)):
        if not isinstance(option, Constant):
            call.frame.engine.put(call.owner, None, option)
    return UNKNOWN


def _extend(call: Call) -> Value:
    for argument in call.arguments:
        for value in call.frame.engine.contents(argument):
            call.frame.engine.put(call.owner, None, value)
    return UNKNOWN


def _get(call: Call) -> Value:
    return union(call.frame.engine.item(call.owner, key_of(call.get(0))), call.value(1))


def _setdefault(call: Call) -> Value:
    call.frame.engine.put(call.owner, key_of(call.get(0)), call.value(1))
    return call.value(1)


def _pairs(call: Call) -> Value:
    pairs = []
    for key, value in call.frame.engine.entries(call.owner):
        known = key if isinstance(key, Value) else UNKNOWN if key is None else constant(key)
        pairs.append(Items((known, value)))
    return Items(tuple(pairs))


def _update(call: Call) -> Value:
    given = call.get(0)
    entries = call.frame.engine.entries(given) if isinstance(given, Table) else []
    for key, value in (*entries, *call.keywords):
        call.frame.engine.put(call.owner, key, value)
    return UNKNOWN


# --- functions that wrap functions ----------------------------------------------------------------


@dataclass(slots=True, eq=False)
class Dispatched(Wrapper):
    """A function of ``singledispatch``, with the functions that are registered for types."""


@dataclass(slots=True, eq=False)
class Around(Wrapper):
    """A function that a context manager decorates."""

    manager: Pending


def _functions(registry: Registry) -> None:
    function, method = registry.function, registry.method
    function(_partial, "functools.partial functools.partialmethod headrace.bind")
    function(lambda call: External(UNCHANGED), "functools.wraps")
    function(unchanged, "functools.lru_cache functools.cache")
    function(
        lambda call: call.value(0),
        f"functools.update_wrapper inspect.unwrap contextlib.closing contextlib.nullcontext "
        f"{UNCHANGED}",
    )
    function(
        lambda call: Manager(call.value(0)),
        "contextlib.contextmanager contextlib.asynccontextmanager",
    )
    function(
        lambda call: Dispatched(call.value(0)),
        "functools.singledispatch functools.singledispatchmethod",
    )
    registry.attributes[Dispatched] = lambda frame, owner, name: Bound(owner, name)
    method(_dispatch, Dispatched, "register")
    method(_dispatched, Dispatched, "__call__")
    function(
        lambda call: Object(_STACK, (Items((), call.node),)), f"{_STACK} contextlib.AsyncExitStack"
    )
    method(_enter_context, _STACK, "enter_context enter_async_context")
    method(_push, _STACK, "callback push_async_callback")
    registry.leaving[_STACK] = _leave_stack
    registry.swallowing.add("contextlib.suppress")
    method(_decorate_by_manager, Pending, "__call__")
    method(_call_around, Around, "__call__")
    function(call_first, "atexit.register contextvars.Context.run")
    method(call_first, "contextvars.copy_context", "run")
    method(call_first, "tenacity.Retrying tenacity.AsyncRetrying", "__call__")


def unchanged(call: Call) -> Value:
    """Return the decorated function, or the decorator where it is called with options."""
    given = call.get(0)
    is_applied = isinstance(given, FunctionValue | Wrapper)
    return given if given is not None and is_applied else External(UNCHANGED)


def _partial(call: Call) -> Value:
    rest = call.rest(1)
    return Partial(call.value(0), rest, call.keywords) if rest or call.keywords else call.value(0)


def _dispatch(call: Call) -> Value:
    given = call.arguments[-1] if call.arguments else UNKNOWN
    if isinstance(given, FunctionValue | Wrapper):
        call.frame.engine.facts.setdefault(call.owner, []).append(given)
        return given
    return Partial(Bound(call.owner, "register"), (given,), ())


def _dispatched(call: Call) -> Value:
    known = union(call.owner.inner, *call.frame.engine.facts.get(call.owner, []))
    return call.frame.call(known, call.node, call.arguments, call.keywords)


def _decorate_by_manager(call: Call) -> Value:
    return Around(call.value(0), call.owner) if call.owner.is_generator else UNKNOWN


def _call_around(call: Call) -> Value:
    frame, around = call.frame, call.owner
    enter_generators(frame, around.manager, call.node, HEAD)
    made = frame.call(around.inner, call.node, call.arguments, call.keywords)
    result = await_(frame, made, call.node)
    enter_generators(frame, around.manager, call.node, TAIL)
    return result


def _keep(call: Call, value: Value) -> None:
    kept = call.owner.arguments[:1] if isinstance(call.owner, Object) else ()
    for one in kept:
        if isinstance(one, Items):
            call.frame.engine.put(one, None, value)


def _push(call: Call) -> Value:
    _keep(call, Partial(call.value(0), call.rest(1), call.keywords))
    return UNKNOWN


def _enter_context(call: Call) -> Value:
    _keep(call, call.value(0))
    return union(*[enter(call.frame, one, call.node) for one in options_of(call.value(0))])


def _leave_stack(frame: Frame, manager: Object, node: ast.AST, count: int) -> None:
    for one in reversed(frame.engine.contents(union(*manager.arguments))):
        if isinstance(one, Partial):
            await_(frame, frame.call(one, node), node)
        else:
            exit_(frame, one, node, count)
