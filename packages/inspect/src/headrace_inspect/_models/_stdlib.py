"""The standard library, and what other libraries have that works alike.

Knows: builtins that call, build, or go through what they are given; lists and dicts that grow;
functools, contextlib, itertools, asyncio, threads, pools and executors, atexit.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass

from headrace_inspect._evaluate._contexts import HEAD, TAIL
from headrace_inspect._evaluate._expressions import TASK, await_, call_special, run_later
from headrace_inspect._evaluate._frame import Frame
from headrace_inspect._evaluate._registry import Call, Registry
from headrace_inspect._evaluate._statements import enter, enter_generators, exit_
from headrace_inspect._evaluate._values import (
    UNKNOWN,
    Bound,
    ClassValue,
    Constant,
    External,
    FunctionValue,
    Handing,
    Instance,
    Items,
    Manager,
    ModuleValue,
    Object,
    Parallel,
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

_THREADS = ("threading.Thread", "threading.Timer", "multiprocessing.Process")
_POOLS = (
    "concurrent.futures.ThreadPoolExecutor",
    "concurrent.futures.ProcessPoolExecutor",
    "headrace.ContextExecutor",
    "multiprocessing.Pool",
    "multiprocessing.pool.ThreadPool",
    "multiprocessing.pool.Pool",
    "concurrent.futures.Executor",
)
_MOST = 8
_STACK = "contextlib.ExitStack"
UNCHANGED = "headrace_inspect.unchanged"
"""A decorator that gives back what it is applied to."""
_FUTURE = "concurrent.futures.Future"
_LOOPS = ("asyncio.get_running_loop", "asyncio.get_event_loop", "asyncio.new_event_loop")


def register(registry: Registry) -> None:
    """Register what this module knows."""
    registry.alias("concurrent.futures.ThreadPoolExecutor", *_futures("ThreadPoolExecutor"))
    registry.alias("concurrent.futures.ProcessPoolExecutor", *_futures("ProcessPoolExecutor"))
    registry.alias("asyncio.TaskGroup", "asyncio.taskgroups.TaskGroup", "anyio.create_task_group")
    _builtins(registry)
    _containers(registry)
    _functions(registry)
    _asyncio(registry)
    _threads(registry)


def _futures(name: str) -> tuple[str, ...]:
    return (f"concurrent.futures.thread.{name}", f"concurrent.futures.process.{name}")


# --- builtins -------------------------------------------------------------------------------------


def _builtins(registry: Registry) -> None:
    function = registry.function
    function(
        "builtins.list", "builtins.tuple", "builtins.set", "builtins.sorted", "builtins.frozenset",
        "builtins.iter", "builtins.aiter", "collections.deque",
        "itertools.chain", "itertools.islice", "itertools.cycle", "copy.copy",
    )(_consume)  # fmt: skip
    function("builtins.sum", "builtins.any", "builtins.all", "builtins.next", "builtins.anext",
             "builtins.min", "builtins.max")(_first)  # fmt: skip
    function("builtins.map", "builtins.filter", "itertools.starmap")(_map)
    function("functools.reduce")(_map_now)
    function("builtins.enumerate")(_enumerate)
    function("builtins.zip")(_zip)
    function("builtins.dict", "collections.OrderedDict", "types.MappingProxyType")(_dict)
    function("collections.defaultdict")(lambda call: Table((), call.node))
    function("builtins.getattr", "operator.attrgetter")(_getattr)
    function("builtins.setattr")(_setattr)
    function("builtins.property", "functools.cached_property")(_property)
    function("django.utils.functional.cached_property", "werkzeug.utils.cached_property")(_property)
    function("builtins.staticmethod")(lambda call: Static(call.get(0) or UNKNOWN, is_class=False))
    function("builtins.classmethod")(lambda call: Static(call.get(0) or UNKNOWN, is_class=True))
    function("builtins.type")(_type)
    function("builtins.vars", "builtins.globals")(lambda call: UNKNOWN)
    function(
        "sys.exit",
        "os._exit",
        "builtins.exit",
        "builtins.quit",
        "os.abort",
        "flask.abort",
        "werkzeug.exceptions.abort",
    )(_end)
    function("importlib.import_module")(_import_module)
    function("builtins.open")(lambda call: Object("builtins.open"))
    function("typing.cast", "cast")(_cast)
    function("builtins.reversed")(_reversed)
    function(*[f"builtins.{name}" for name in _SPECIAL])(_special)


_SPECIAL = {
    "len": "__len__", "str": "__str__", "repr": "__repr__", "bool": "__bool__", "int": "__int__",
    "float": "__float__", "hash": "__hash__", "abs": "__abs__", "format": "__format__",
    "round": "__round__", "print": "__str__",
}  # fmt: skip


def _special(call: Call) -> Value:
    name = _SPECIAL[call.name.removeprefix("builtins.")]
    for argument in call.arguments:
        await_(call.frame, argument, call.node)
        call_special(call.frame, argument, name, (), call.node)
    return UNKNOWN


def _reversed(call: Call) -> Value:
    return Items(tuple(reversed(call.frame.engine.contents(_consume(call)))))


def _cast(call: Call) -> Value | None:
    made = call.get(0)
    if text_of(made) is not None and isinstance(call.node, ast.Call):
        return call.frame.engine.types.of(call.node.args[0], call.frame.scope)
    declared = UNKNOWN if made is None else call.frame.engine.types.instance(made)
    return declared if declared is not UNKNOWN else call.get(1)


def _consume(call: Call) -> Value:
    engine = call.frame.engine
    values: list[Value] = []
    for argument in call.arguments:
        await_(call.frame, argument, call.node)
        if isinstance(argument, Items):
            values += engine.contents(argument)
        else:
            values.append(engine.element(call.frame, argument))
    key = dict(call.keywords).get("key")
    if key is not None:
        engine.invoke(call.frame, key, tuple(values[:1]), (), call.node)
    kept = tuple([value for value in values if value is not UNKNOWN])
    return Items(kept, call.node)


def _first(call: Call) -> Value:
    made = _consume(call)
    default = call.get(1)
    return union(*call.frame.engine.contents(made), UNKNOWN if default is None else default)


def _map(call: Call) -> Value:
    """``map`` and the like do nothing until something goes through what they give."""
    return run_later(call.frame, lambda inner: _mapped(inner, call))


def _map_now(call: Call) -> Value:
    return _mapped(call.frame, call)


def _mapped(frame: Frame, call: Call) -> Value:
    engine, callee = frame.engine, call.get(0) or UNKNOWN
    columns: list[tuple[Value, ...]] = []
    for argument in call.rest(1):
        await_(frame, argument, call.node)
        columns.append(engine.contents(argument) or (engine.element(frame, argument),))
    rows: list[tuple[Value, ...]] = list(zip(*columns, strict=False)) or [()]
    if call.name.endswith("reduce"):
        rows = [(UNKNOWN, value) for value in (columns[0] if columns else ())]
    elif call.name.endswith("starmap"):
        rows = [engine.contents(row[0]) for row in rows if row]
    made = tuple([engine.invoke(frame, callee, row, (), call.node) for row in rows[:_MOST]])
    return Items(tuple([row[0] for row in rows if row]) if call.name.endswith("filter") else made)


def _enumerate(call: Call) -> Value:
    made = _consume(call)
    return Items(tuple([Items((UNKNOWN, one)) for one in call.frame.engine.contents(made)]))


def _zip(call: Call) -> Value:
    engine = call.frame.engine
    for argument in call.arguments:
        await_(call.frame, argument, call.node)
    columns = [engine.contents(argument) for argument in call.arguments]
    if columns and all(len(column) == len(columns[0]) for column in columns):
        return Items(tuple([Items(row) for row in zip(*columns, strict=True)]))
    longest = min(max([len(column) for column in columns], default=0), _MOST)
    rows = [
        tuple([
            column[number] if number < len(column) else engine.element(call.frame, argument)
            for column, argument in zip(columns, call.arguments, strict=True)
        ])
        for number in range(max(longest, 1))
    ]
    return Items(tuple([Items(row) for row in rows]))


def _dict(call: Call) -> Value:
    entries: list[tuple[object, Value]] = list(call.keywords)
    given = call.get(0)
    if isinstance(given, Table):
        entries = [*call.frame.engine.entries(given), *entries]
    elif isinstance(given, Items):
        for pair in call.frame.engine.contents(given):
            key = call.frame.engine.item(call.frame, pair, 0)
            value = call.frame.engine.item(call.frame, pair, 1)
            entries.append((key.value if isinstance(key, Constant) else None, value))
    return Table(tuple(entries), call.node)


def _getattr(call: Call) -> Value | None:
    owner, name, default = call.get(0), text_of(call.get(1)), call.get(2)
    if owner is None or name is None or "\0" in name:
        return UNKNOWN
    found = call.frame.engine.attribute(call.frame, owner, name, call.node)
    return default if found is UNKNOWN and default is not None else found


def _setattr(call: Call) -> Value:
    owner, name = call.get(0), text_of(call.get(1))
    if owner is not None and name is not None:
        call.frame.engine.store(owner, name, call.get(2) or UNKNOWN)
    return UNKNOWN


def _property(call: Call) -> Value:
    return Property(call.get(0) or UNKNOWN)


def _type(call: Call) -> Value:
    options = options_of(call.get(0) or UNKNOWN)
    return union(*[ClassValue(one.cls) for one in options if isinstance(one, Instance)])


def _end(call: Call) -> Value:
    call.frame.ran = None
    return UNKNOWN


def _import_module(call: Call) -> Value:
    name = text_of(call.get(0))
    if name is None or "\0" in name:
        return UNKNOWN
    level = len(name) - len(name.lstrip("."))
    frame = call.frame
    source = frame.engine.program.find(name.lstrip("."), level, frame.module)
    return UNKNOWN if source is None else ModuleValue(source)


# --- containers -----------------------------------------------------------------------------------


def _containers(registry: Registry) -> None:
    registry.method(Items, "append", "add", "appendleft", "put", "put_nowait")(_append)
    registry.method(Items, "insert")(lambda call: _append(call, 1))
    registry.method(Items, "extend", "update")(_extend)
    registry.method(Items, "copy", "__iter__")(lambda call: call.owner)
    registry.method(Items, "pop", "popleft", "get")(_pop)
    registry.method(Items, "__add__")(lambda call: call.owner)
    registry.method(Table, "get", "pop")(_get)
    registry.method(Table, "setdefault")(_setdefault)
    registry.method(Table, "values")(lambda call: Items(call.frame.engine.contents(call.owner)))
    registry.method(Table, "items")(_pairs)
    registry.method(Table, "update")(_update)
    registry.method(Table, "copy", "__or__")(lambda call: call.owner)


def _append(call: Call, index: int = 0) -> Value:
    value = call.get(index) or UNKNOWN
    for option in options_of(value):
        if not isinstance(option, Constant):
            call.frame.engine.put(call.owner, None, option)
    return UNKNOWN


def _extend(call: Call) -> Value:
    for argument in call.arguments:
        for value in call.frame.engine.contents(argument):
            call.frame.engine.put(call.owner, None, value)
    return UNKNOWN


def _pop(call: Call) -> Value:
    return union(*call.frame.engine.contents(call.owner))


def _get(call: Call) -> Value:
    key, default = call.get(0), call.get(1)
    known = key.value if isinstance(key, Constant) else None
    found = call.frame.engine.item(call.frame, call.owner, known)
    return union(found, UNKNOWN if default is None else default)


def _setdefault(call: Call) -> Value:
    key, default = call.get(0), call.get(1) or UNKNOWN
    known = key.value if isinstance(key, Constant) else None
    call.frame.engine.put(call.owner, known, default)
    return default


def _pairs(call: Call) -> Value:
    pairs = []
    for key, value in call.frame.engine.entries(call.owner):
        known = key if isinstance(key, Value) else UNKNOWN if key is None else constant(key)
        pairs.append(Items((known, value)))
    return Items(tuple(pairs))


def _update(call: Call) -> Value:
    for argument in call.arguments:
        if isinstance(argument, Table):
            for key, value in call.frame.engine.entries(argument):
                call.frame.engine.put(call.owner, key, value)
    for key, value in call.keywords:
        call.frame.engine.put(call.owner, key, value)
    return UNKNOWN


# --- functions that wrap functions ----------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Dispatched(Wrapper):
    """A function of ``singledispatch``, with the functions that are registered for types."""


@dataclass(frozen=True, slots=True, eq=False)
class Around(Wrapper):
    """A function that a context manager decorates."""

    manager: Pending


def _decorate_by_manager(call: Call) -> Value:
    given = call.get(0)
    return UNKNOWN if given is None or not call.owner.is_generator else Around(given, call.owner)


def _call_around(call: Call) -> Value:
    frame, around = call.frame, call.owner
    enter_generators(frame, around.manager, call.node, HEAD)
    made = frame.engine.invoke(frame, around.inner, call.arguments, call.keywords, call.node)
    result = await_(frame, made, call.node)
    enter_generators(frame, around.manager, call.node, TAIL)
    return result


def _functions(registry: Registry) -> None:
    function = registry.function
    function("functools.partial", "functools.partialmethod", "headrace.bind")(_partial)
    function("functools.wraps", "functools.lru_cache", "functools.cache")(_unchanged)
    function("functools.update_wrapper", "inspect.unwrap")(lambda call: call.get(0))
    function("contextlib.contextmanager", "contextlib.asynccontextmanager")(
        lambda call: Manager(call.get(0) or UNKNOWN)
    )
    function("functools.singledispatch", "functools.singledispatchmethod")(
        lambda call: Dispatched(call.get(0) or UNKNOWN)
    )
    registry.leaving[_STACK] = _leave_stack
    registry.attributes[Dispatched] = lambda frame, owner, name: Bound(owner, name)
    registry.method(Dispatched, "register")(_dispatch)
    registry.method(Dispatched, "__call__")(_dispatched)
    function("contextlib.ExitStack", "contextlib.AsyncExitStack")(_stack)
    registry.method(_STACK, "enter_context", "enter_async_context")(_enter_context)
    registry.method(_STACK, "callback", "push_async_callback")(_push)
    function("atexit.register")(_call_first)
    function(UNCHANGED)(lambda call: call.get(0))
    registry.swallowing.add("contextlib.suppress")
    registry.method(Pending, "__call__")(_decorate_by_manager)
    registry.method(Around, "__call__")(_call_around)
    function("contextvars.Context.run")(_call_first)
    registry.method("contextvars.copy_context", "run")(_call_first)
    for retrying in ("tenacity.Retrying", "tenacity.AsyncRetrying"):
        registry.method(retrying, "__call__")(_call_first)
    function("contextlib.closing", "contextlib.nullcontext")(lambda call: call.get(0))


def _partial(call: Call) -> Value | None:
    callee = call.get(0)
    if callee is None:
        return None
    if not call.arguments[1:] and not call.keywords:
        return callee
    return Partial(callee, call.rest(1), call.keywords)


def _unchanged(call: Call) -> Value:
    given = call.get(0)
    is_applied = isinstance(given, FunctionValue | Wrapper) and not call.name.endswith("wraps")
    return given if given is not None and is_applied else External(UNCHANGED)


def _dispatch(call: Call) -> Value:
    registered = call.frame.engine.facts.setdefault(call.owner, [])
    given = call.arguments[-1] if call.arguments else UNKNOWN
    if isinstance(given, FunctionValue | Wrapper):
        registered.append(given)
        return given
    return Partial(Bound(call.owner, "register"), (given,), ())


def _dispatched(call: Call) -> Value:
    engine = call.frame.engine
    known = union(call.owner.inner, *engine.facts.get(call.owner, []))
    return engine.invoke(call.frame, known, call.arguments, call.keywords, call.node)


def _stack(call: Call) -> Value:
    return Object(_STACK, (Items((), call.node),))


def _leave_stack(frame: Frame, manager: Object, node: ast.AST, count: int) -> None:
    for one in reversed(frame.engine.contents(union(*manager.arguments))):
        if isinstance(one, Partial):
            made = frame.engine.invoke(frame, one, (), (), node)
            await_(frame, made, node)
        else:
            exit_(frame, one, node, count)


def _keep(call: Call, value: Value) -> None:
    for kept in call.owner.arguments if isinstance(call.owner, Object) else ():
        if isinstance(kept, Items):
            call.frame.engine.put(kept, None, value)


def _push(call: Call) -> Value:
    pushed = Partial(call.get(0) or UNKNOWN, call.rest(1), call.keywords)
    _keep(call, pushed)
    return UNKNOWN


def _enter_context(call: Call) -> Value:
    _keep(call, call.get(0) or UNKNOWN)
    entered = [
        enter(call.frame, option, call.node) for option in options_of(call.get(0) or UNKNOWN)
    ]
    return union(*entered)


def _call_first(call: Call) -> Value:
    callee = call.get(0) or UNKNOWN
    made = call.frame.engine.invoke(call.frame, callee, call.rest(1), call.keywords, call.node)
    return await_(call.frame, made, call.node)


# --- asyncio --------------------------------------------------------------------------------------


def _asyncio(registry: Registry) -> None:
    function = registry.function
    function(
        "asyncio.wait_for", "asyncio.shield",
        "asyncio.run", "asyncio.run_coroutine_threadsafe", "anyio.run", "trio.run",
    )(_run_first)  # fmt: skip
    function("asyncio.create_task", "asyncio.ensure_future")(_start_task)
    registry.method(TASK, "add_done_callback")(_add_callback)
    registry.method(_FUTURE, "add_done_callback")(_add_callback)
    registry.method(_FUTURE, "result")(_result_of)
    registry.method(TASK, "result")(_result_of)
    function("asgiref.sync.async_to_sync", "asgiref.sync.sync_to_async")(_as_other)
    function("asyncio.gather")(lambda call: Parallel(_members(call)))
    function("asyncio.wait", "asyncio.as_completed")(_wait)
    function(
        "asyncio.to_thread", "starlette.concurrency.run_in_threadpool",
        "fastapi.concurrency.run_in_threadpool", "anyio.to_thread.run_sync",
        "anyio.from_thread.run",
    )(_call_first)  # fmt: skip
    for loop in _LOOPS:
        registry.method(loop, "run_in_executor", "call_later", "call_at")(
            lambda call: _hand(call, 1)
        )
        registry.method(loop, "call_soon", "call_soon_threadsafe")(lambda call: _hand(call, 0))
        registry.method(loop, "create_task")(_start_task)
        registry.method(loop, "run_until_complete")(_run_first)
    registry.method("asyncio.AbstractEventLoop", "run_in_executor")(lambda call: _hand(call, 1))
    registry.method("asyncio.TaskGroup", "create_task")(_start_task)
    registry.method("asyncio.TaskGroup", "start_soon")(lambda call: _hand(call, 0))
    registry.method("asyncio.Runner", "run")(_run_first)
    function("asyncio.Queue", "queue.Queue", "asyncio.PriorityQueue")(
        lambda call: Items((), call.node)
    )


def _members(call: Call) -> tuple[Value, ...]:
    members: list[Value] = []
    for argument in call.arguments:
        if isinstance(argument, Items):
            members += call.frame.engine.contents(argument)
        else:
            members.append(argument)
    return tuple(members)


def _wait(call: Call) -> Value:
    made = await_(call.frame, Parallel(_members(call)), call.node)
    return Items((made,)) if call.name.endswith("wait") else made


def _run_first(call: Call) -> Value:
    return await_(call.frame, call.get(0) or UNKNOWN, call.node)


def _start_task(call: Call) -> Value:
    return Object(TASK, (_run_first(call),))


def _result_of(call: Call) -> Value:
    owner = call.owner
    return owner.arguments[0] if isinstance(owner, Object) and owner.arguments else UNKNOWN


def _add_callback(call: Call) -> Value:
    callee = call.get(0) or UNKNOWN
    call.frame.engine.hand_over(call.frame, callee, (call.owner,), (), call.node, "call")
    return UNKNOWN


def _as_other(call: Call) -> Value | None:
    given = call.get(0)
    if given is None:
        return External(UNCHANGED)
    return Handing(given, "call") if call.name.endswith("async_to_sync") else given


def _hand(call: Call, index: int) -> Value:
    callee = call.get(index) or UNKNOWN
    return call.frame.engine.hand_over(
        call.frame, callee, call.rest(index + 1), call.keywords, call.node, "call"
    )


# --- threads and pools ----------------------------------------------------------------------------


def _threads(registry: Registry) -> None:
    for thread in _THREADS:
        registry.method(thread, "start")(_start)
        registry.methods[thread, "run"] = _start
    for pool in _POOLS:
        registry.method(pool, "submit", "apply", "apply_async")(_submit)
        registry.method(pool, "map", "imap", "imap_unordered")(_map_now)
        registry.method(pool, "starmap")(_map_now)
    registry.function("concurrent.futures.as_completed", "concurrent.futures.wait")(_consume)
    registry.function("signal.signal")(lambda call: UNKNOWN)


def _start(call: Call) -> Value:
    frame, owner = call.frame, call.owner
    if isinstance(owner, Instance):
        method = frame.engine.attribute(frame, owner, "run", call.node)
        if not isinstance(method, Bound):
            return frame.engine.hand_over(frame, method, (), (), call.node, "call")
        return UNKNOWN
    if not isinstance(owner, Object):
        return UNKNOWN
    target = owner.keyword("target") or owner.keyword("function")
    if target is None and len(owner.arguments) > 1:
        target = owner.arguments[1]
    arguments = owner.keyword("args")
    given = frame.engine.contents(arguments) if arguments is not None else ()
    named = owner.keyword("kwargs")
    keywords = named.entries if isinstance(named, Table) else ()
    kept = tuple([(key, value) for key, value in keywords if isinstance(key, str)])
    return frame.engine.hand_over(frame, target or UNKNOWN, given, kept, call.node, "call")


def _submit(call: Call) -> Value:
    arguments, keywords = call.rest(1), call.keywords
    if call.name.startswith("apply"):
        given = call.get(1, "args")
        arguments = call.frame.engine.contents(given) if given is not None else ()
        keywords = ()
    callee = call.get(0, "func") or UNKNOWN
    made = call.frame.engine.hand_over(call.frame, callee, arguments, keywords, call.node, "call")
    return Object(_FUTURE, (made,))
