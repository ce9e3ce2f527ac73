"""Builtins and the standard library, including concurrency.

Covers functions that iterate, container methods, properties, partial functions, asyncio, anyio,
threads, executors, asgiref and Starlette's background tasks. Unknown decorators are assumed to
return their argument, so most of functools needs no model.
"""

from __future__ import annotations

from functools import partial

from headrace_inspect._evaluate._contexts import Call
from headrace_inspect._evaluate._engine import Engine
from headrace_inspect._evaluate._expressions import TASK, await_
from headrace_inspect._evaluate._registry import Registry
from headrace_inspect._evaluate._statements import enter
from headrace_inspect._evaluate._values import (
    Bound,
    Constant,
    HandOver,
    Instance,
    Items,
    Object,
    Partial,
    Pending,
    Property,
    Static,
    Table,
    Value,
    key_of,
    options_of,
    text_of,
    union,
)

_MAX_ROWS = 8
_CONSUMING = """
    builtins.list builtins.tuple builtins.set builtins.sorted builtins.frozenset builtins.iter
    builtins.reversed collections.deque itertools.chain itertools.islice asyncio.Queue queue.Queue
"""
_REDUCING = "builtins.sum builtins.any builtins.all builtins.next builtins.min builtins.max"
_TABLES = "builtins.dict collections.OrderedDict collections.defaultdict"
_PROPERTIES = """
    builtins.property functools.cached_property django.utils.functional.cached_property
    werkzeug.utils.cached_property
"""
_RETURNING_ARGUMENT = """
    functools.update_wrapper inspect.unwrap contextlib.closing contextlib.nullcontext copy.copy
    contextlib.contextmanager contextlib.asynccontextmanager
"""
_EXITING = """
    sys.exit os._exit builtins.exit builtins.quit os.abort flask.abort werkzeug.exceptions.abort
"""
_THREADS = "threading.Thread threading.Timer multiprocessing.Process"
_POOLS = """
    concurrent.futures.ThreadPoolExecutor concurrent.futures.ProcessPoolExecutor
    concurrent.futures.Executor headrace.ContextExecutor multiprocessing.Pool
    multiprocessing.pool.ThreadPool
"""
_GROUP = "asyncio.TaskGroup"
_BACKGROUND = "starlette.background.BackgroundTasks"
_LOOPS = """
    asyncio.get_running_loop asyncio.get_event_loop asyncio.new_event_loop
    asyncio.AbstractEventLoop
"""
_AWAITING = """
    asyncio.wait_for asyncio.shield asyncio.run asyncio.run_coroutine_threadsafe anyio.run trio.run
"""
_CALLING = """
    asyncio.to_thread starlette.concurrency.run_in_threadpool anyio.to_thread.run_sync
    fastapi.concurrency.run_in_threadpool anyio.from_thread.run starlette.background.BackgroundTask
    atexit.register contextvars.Context.run
"""
_METHODS = (
    (0, _LOOPS, "call_soon call_soon_threadsafe"),
    (1, _LOOPS, "run_in_executor call_later call_at"),
    (0, _GROUP, "start_soon"),
    (0, TASK, "add_done_callback"),
    (0, _POOLS, "submit apply apply_async"),
    (0, "contextvars.copy_context", "run"),
    (0, "tenacity.Retrying tenacity.AsyncRetrying", "__call__"),
)
"""Methods that call an argument: the argument's index, the owners and the method names."""


def register(registry: Registry) -> None:
    """Register this model."""
    function, method = registry.function, registry.method
    function(_consume, _CONSUMING)
    function(lambda call: union(*_consumed(call), call.value(1)), _REDUCING)
    function(lambda call: Items(tuple([Items((None, one)) for one in _consumed(call)])),
             "builtins.enumerate")  # fmt: skip
    function(lambda call: Pending(union(*_contents(call, _map(call))), is_generator=True),
             "builtins.map builtins.filter")  # fmt: skip
    function(lambda call: Table(call.keywords, call.frame.location(call.node)), _TABLES)
    function(_getattr, "builtins.getattr")
    function(lambda call: call.value(1, "default"), "os.getenv os.environ.get")
    function(lambda call: call.frame.engine.types.instance(call.value(0)), "typing.cast")
    function(lambda call: Property(call.value(0)), _PROPERTIES)
    function(lambda call: Static(call.value(0), is_class=False), "builtins.staticmethod")
    function(lambda call: Static(call.value(0), is_class=True), "builtins.classmethod")
    function(_exit, _EXITING)
    function(lambda call: call.value(0), _RETURNING_ARGUMENT)
    function(lambda call: Object("builtins.open"), "builtins.open")
    function(_partial, "functools.partial functools.partialmethod headrace.bind")
    for stack in ("contextlib.ExitStack", "contextlib.AsyncExitStack"):
        method(_enter_context, stack, "enter_context enter_async_context")
    method(_append, Items, "append add appendleft put put_nowait insert extend update")
    method(lambda call: call.owner, Items, "copy __iter__ __add__")
    method(lambda call: union(*_contents(call, call.owner)), Items, "pop popleft get")
    method(_get, Table, "get pop setdefault")
    method(_update, Table, "update")
    method(lambda call: Items(_contents(call, call.owner)), Table, "values")
    method(_pairs, Table, "items")
    _register_concurrency(registry)


def _register_concurrency(registry: Registry) -> None:
    function, method = registry.function, registry.method
    registry.alias(_GROUP, "anyio.create_task_group")
    registry.alias(_BACKGROUND, "fastapi.BackgroundTasks")
    registry.parallel.update(["asyncio.gather", "asyncio.wait", "asyncio.as_completed"])
    method(_add_task, _BACKGROUND, "add_task")
    for index, owners, names in _METHODS:
        method(partial(_hand_over, index), owners, names)
    function(partial(_hand_over, 0), _CALLING)
    function(lambda call: await_(call.value(0)), _AWAITING)
    function(_start_task, "asyncio.create_task asyncio.ensure_future")
    method(_start_task, f"{_LOOPS} {_GROUP}", "create_task")
    method(lambda call: await_(call.value(0)), f"{_LOOPS} asyncio.Runner", "run_until_complete run")
    function(lambda call: Items(tuple(map(await_, members(call)))), "asyncio.gather")
    function(_adapt, "asgiref.sync.async_to_sync asgiref.sync.sync_to_async")
    method(_start, _THREADS, "start run")
    method(_map, _POOLS, "map imap imap_unordered starmap")


def _contents(call: Call, value: Value) -> tuple[Value, ...]:
    return tuple(call.frame.engine.contents(call.frame, value))


def members(call: Call) -> tuple[Value, ...]:
    """Return the arguments, with lists flattened into their items."""
    found: list[Value] = []
    for argument in call.arguments:
        is_list = isinstance(argument, Items | Pending)
        found += _contents(call, argument) if is_list else [argument]
    return tuple(found)


def _consumed(call: Call) -> tuple[Value, ...]:
    frame = call.frame
    values: list[Value] = []
    for argument in call.arguments:
        is_list = isinstance(argument, Items)
        element = frame.engine.element
        values += _contents(call, argument) if is_list else [element(frame, argument)]
    key = call.value(None, "key")
    if key is not None:
        frame.call(key, call.node, tuple(values[:1]))
    return tuple([value for value in values if value is not None])


def _consume(call: Call) -> Value:
    found = _consumed(call)
    values = found[::-1] if call.name == "builtins.reversed" else found
    return Items(values, call.frame.location(call.node))


def _map(call: Call) -> Value:
    """Call the first argument with each item of the others."""
    columns: list[tuple[Value, ...]] = []
    for argument in call.rest(1):
        element = call.frame.engine.element(call.frame, argument)
        columns.append(_contents(call, argument) or (element,))
    rows = list(zip(*columns, strict=False)) or [()]
    made = tuple([call.frame.call(call.value(0), call.node, row) for row in rows[:_MAX_ROWS]])
    return Items(columns[0] if call.name.endswith("filter") and columns else made)


def _getattr(call: Call) -> Value:
    name = text_of(call.value(1))
    if name is None or "\0" in name:
        return None
    found = call.frame.engine.attributes.get(call.frame, call.value(0), name, call.node)
    return call.value(2) if found is None else found


def _exit(call: Call) -> Value:
    call.frame.ran = None
    return None


def _partial(call: Call) -> Value:
    rest = call.rest(1)
    return Partial(call.value(0), rest, call.keywords) if rest or call.keywords else call.value(0)


def _enter_context(call: Call) -> Value:
    return union(*[enter(call.frame, one, call.node) for one in options_of(call.value(0))])


# --- containers -----------------------------------------------------------------------------------


def _append(call: Call) -> Value:
    given = call.arguments[1:] if call.name == "insert" else call.arguments[:1]
    if call.name in {"extend", "update"}:
        given = tuple([one for value in call.arguments for one in _contents(call, value)])
    for option in [option for value in given for option in options_of(value)]:
        if not isinstance(option, Constant):
            call.frame.engine.put(call.owner, None, option)
    return None


def _get(call: Call) -> Value:
    key = key_of(call.value(0))
    if call.name == "setdefault":
        call.frame.engine.put(call.owner, key, call.value(1))
    return union(call.frame.engine.item(call.frame, call.owner, key), call.value(1))


def _update(call: Call) -> Value:
    given = [one.entries for one in call.arguments if isinstance(one, Table)]
    for key, value in [*[entry for entries in given for entry in entries], *call.keywords]:
        call.frame.engine.put(call.owner, key, value)
    return None


def _pairs(call: Call) -> Value:
    return Items(tuple([Items((None, value)) for value in _contents(call, call.owner)]))


# --- concurrency ----------------------------------------------------------------------------------


def _hand_over(index: int, call: Call) -> Value:
    callee, rest = call.value(index, "func"), call.rest(index + 1)
    return call.frame.hand_over(callee, call.node, rest, call.keywords)


def _start_task(call: Call) -> Value:
    return Object(TASK, (await_(call.value(0)),))


def _add_task(call: Call) -> Value:
    call.frame.engine.facts.setdefault(_add_task, {})[call.value(0, "func")] = None
    return _hand_over(0, call)


def background_in(engine: Engine) -> list[Value]:
    """Return the functions that become background tasks."""
    return [*engine.facts.get(_add_task, ())]


def _adapt(call: Call) -> Value:
    given = call.value(0)
    is_sync = given is not None and call.name.endswith("async_to_sync")
    return HandOver(given, "call") if is_sync else given


def _start(call: Call) -> Value:
    frame, owner = call.frame, call.owner
    if isinstance(owner, Instance):
        method = frame.engine.attributes.get(frame, owner, "run", call.node)
        return None if isinstance(method, Bound) else frame.hand_over(method, call.node)
    if not isinstance(owner, Object):
        return None
    made = Call(frame, call.node, owner.arguments, owner.keywords)
    target = made.value(1, "target") or made.value(None, "function")
    given = made.value(3 if "Timer" not in owner.made_by else 2, "args")
    named = made.value(None, "kwargs")
    keywords = named.named if isinstance(named, Table) else ()
    return frame.hand_over(target, call.node, _contents(call, given), keywords)
