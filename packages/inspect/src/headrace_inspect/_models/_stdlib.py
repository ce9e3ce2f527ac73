"""Builtins and the standard library.

Knows functions that iterate, the methods of containers, and what makes properties, partial
functions and context managers. An unknown decorator is taken to change nothing, so most of
functools needs no model.
"""

from __future__ import annotations

from headrace_inspect._evaluate._expressions import await_, run_later
from headrace_inspect._evaluate._frame import Frame
from headrace_inspect._evaluate._registry import Call, Registry
from headrace_inspect._evaluate._statements import enter
from headrace_inspect._evaluate._values import (
    UNKNOWN,
    Arguments,
    Constant,
    Items,
    Manager,
    Object,
    Partial,
    Property,
    Static,
    Table,
    Value,
    key_of,
    options_of,
    text_of,
    union,
)

_MOST = 8
_CONSUMING = """
    builtins.list builtins.tuple builtins.set builtins.sorted builtins.frozenset builtins.iter
    collections.deque itertools.chain itertools.islice asyncio.Queue queue.Queue
"""
_TAKING_ONE = "builtins.sum builtins.any builtins.all builtins.next builtins.min builtins.max"
_TABLES = "builtins.dict collections.OrderedDict collections.defaultdict"
_PROPERTIES = """
    builtins.property functools.cached_property django.utils.functional.cached_property
    werkzeug.utils.cached_property
"""
_SAME = """
    functools.update_wrapper inspect.unwrap contextlib.closing contextlib.nullcontext copy.copy
"""
_MANAGERS = "contextlib.contextmanager contextlib.asynccontextmanager"
_EXITING = """
    sys.exit os._exit builtins.exit builtins.quit os.abort flask.abort werkzeug.exceptions.abort
"""


def register(registry: Registry) -> None:
    """Register this model."""
    function, method = registry.function, registry.method
    function(_consume, _CONSUMING)
    function(_take_one, _TAKING_ONE)
    function(lambda call: Items(_consumed(call)[::-1]), "builtins.reversed")
    function(_enumerate, "builtins.enumerate")
    function(_map, "builtins.map builtins.filter")
    function(lambda call: Table(call.keywords, call.node), _TABLES)
    function(_getattr, "builtins.getattr")
    function(lambda call: call.value(1, "default"), "os.getenv os.environ.get")
    function(lambda call: call.value(1), "typing.cast")
    function(lambda call: Property(call.value(0)), _PROPERTIES)
    function(lambda call: Static(call.value(0), is_class=False), "builtins.staticmethod")
    function(lambda call: Static(call.value(0), is_class=True), "builtins.classmethod")
    function(_exit, _EXITING)
    function(lambda call: call.value(0), _SAME)
    function(lambda call: Object("builtins.open"), "builtins.open")
    function(_partial, "functools.partial functools.partialmethod headrace.bind")
    function(lambda call: Manager(call.value(0)), _MANAGERS)
    registry.swallowing.add("contextlib.suppress")
    for stack in ("contextlib.ExitStack", "contextlib.AsyncExitStack"):
        method(_enter_context, stack, "enter_context enter_async_context")
    method(_append, Items, "append add appendleft put put_nowait insert")
    method(_extend, Items, "extend update")
    method(lambda call: call.owner, Items, "copy __iter__ __add__")
    method(lambda call: union(*call.frame.engine.contents(call.owner)), Items, "pop popleft get")
    method(_get, Table, "get pop setdefault")
    method(lambda call: Items(call.frame.engine.contents(call.owner)), Table, "values")
    method(_items, Table, "items")


def members(call: Call) -> Arguments:
    """Return the arguments, with lists replaced by their items."""
    found: list[Value] = []
    for argument in call.arguments:
        is_list = isinstance(argument, Items)
        found += call.frame.engine.contents(argument) if is_list else [argument]
    return tuple(found)


def _consumed(call: Call) -> Arguments:
    frame, engine = call.frame, call.frame.engine
    values: list[Value] = []
    for argument in call.arguments:
        await_(frame, argument, call.node)
        is_list = isinstance(argument, Items)
        values += engine.contents(argument) if is_list else [engine.element(frame, argument)]
    key = call.get(None, "key")
    if key is not None:
        frame.call(key, call.node, tuple(values[:1]))
    return tuple([value for value in values if value is not UNKNOWN])


def _consume(call: Call) -> Value:
    return Items(_consumed(call), call.node)


def _take_one(call: Call) -> Value:
    return union(*_consumed(call), call.value(1))


def _enumerate(call: Call) -> Value:
    return Items(tuple([Items((UNKNOWN, one)) for one in _consumed(call)]))


def _map(call: Call) -> Value:
    """``map`` is lazy: the calls happen when its result is iterated over."""
    return run_later(call.frame, lambda inner: map_now(call, inner))


def map_now(call: Call, inner: Frame | None = None) -> Value:
    """Call the first argument with each item of the others."""
    frame, engine = inner or call.frame, call.frame.engine
    columns: list[Arguments] = []
    for argument in call.rest(1):
        await_(frame, argument, call.node)
        columns.append(engine.contents(argument) or (engine.element(frame, argument),))
    rows: list[Arguments] = list(zip(*columns, strict=False)) or [()]
    made = tuple([frame.call(call.value(0), call.node, row) for row in rows[:_MOST]])
    return Items(columns[0] if call.name.endswith("filter") and columns else made)


def _getattr(call: Call) -> Value:
    name = text_of(call.get(1))
    if name is None or "\0" in name:
        return UNKNOWN
    found = call.frame.engine.attribute(call.frame, call.value(0), name, call.node)
    return call.value(2) if found is UNKNOWN else found


def _exit(call: Call) -> Value:
    call.frame.ran = None
    return UNKNOWN


def _partial(call: Call) -> Value:
    rest = call.rest(1)
    return Partial(call.value(0), rest, call.keywords) if rest or call.keywords else call.value(0)


def _enter_context(call: Call) -> Value:
    return union(*[enter(call.frame, one, call.node) for one in options_of(call.value(0))])


# --- containers -----------------------------------------------------------------------------------


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
    key = key_of(call.get(0))
    if call.name == "setdefault":
        call.frame.engine.put(call.owner, key, call.value(1))
    return union(call.frame.engine.item(call.owner, key), call.value(1))


def _items(call: Call) -> Value:
    pairs = [Items((UNKNOWN, value)) for _, value in call.frame.engine.entries(call.owner)]
    return Items(tuple(pairs))
