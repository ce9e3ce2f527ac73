"""Task queues: shared code, and the models of all queues except Celery.

Covers RQ, Dramatiq, Huey, taskiq, arq, Procrastinate, django-q and Django's tasks. Every task has
the publishing methods of all queues, regardless of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from headrace_inspect._evaluate._contexts import ENQUEUE, Call, Context
from headrace_inspect._evaluate._engine import Engine
from headrace_inspect._evaluate._registry import Registry
from headrace_inspect._evaluate._values import (
    Arguments,
    ClassValue,
    External,
    FunctionValue,
    Instance,
    Named,
    Partial,
    Static,
    Value,
    Wrapper,
    constant,
    function_in,
    options_of,
    text_of,
    union,
)
from headrace_inspect._symbols._entities import Class, Function

_TASK = "celery.shared_task"
_DECORATORS = f"""
    {_TASK} celery.task dramatiq.actor django_rq.job rq.job procrastinate.task django_tasks.task
    django.tasks.task huey.contrib.djhuey.task huey.contrib.djhuey.db_task
    huey.contrib.djhuey.periodic_task huey.contrib.djhuey.db_periodic_task
"""
_APPS = """
    celery.Celery procrastinate.App taskiq.InMemoryBroker taskiq_redis.ListQueueBroker
    taskiq_aio_pika.AioPikaBroker huey.RedisHuey huey.SqliteHuey huey.MemoryHuey
"""
_PUBLISHING = "send_with_options kiq kicker defer defer_async enqueue aenqueue schedule message"
Names = tuple[str, ...]
_ENQUEUEING = "enqueue enqueue_call enqueue_job enqueue_in enqueue_at"
_QUEUES = "rq.Queue django_rq.get_queue arq.create_pool arq.ArqRedis"


@dataclass(slots=True, eq=False)
class Task(Wrapper):
    """A function that can be published to a queue."""

    name: str  # the name in messages
    is_bound: bool = False  # whether the first argument is the task itself
    origin: Function | None = None  # the decorated function, without other decorators
    queue: str | None = None  # the queue set by the decorator
    serializer: str | None = None  # the serializer set by the decorator
    base: Class | None = None  # the base class set by the decorator, which adds methods

    @property
    def arguments(self) -> Arguments:
        """Return the arguments inserted before the caller's."""
        return (self,) if self.is_bound else ()


@dataclass(frozen=True, slots=True)
class Publishing:
    """A call that publishes a task or creates a signature."""

    task: Value  # the task, its function or its name
    arguments: Arguments
    keywords: Named
    node: Any  # the syntax of the call
    context: Context  # the body that contains the call


@dataclass(slots=True)
class Tasks:
    """The tasks of a program."""

    by_name: dict[str, Value] = field(default_factory=dict)
    wrappers: set[Function] = field(default_factory=set)  # what the program's decorators return
    background: dict[Value, None] = field(default_factory=dict)  # run as background tasks
    published_names: dict[str, None] = field(default_factory=dict)
    published: dict[object, Publishing] = field(default_factory=dict)  # once per context


def register(registry: Registry) -> None:
    """Register this model."""
    registry.function(_decorate, _DECORATORS)
    registry.method(_decorate, _APPS, "task periodic_task on_event")
    registry.method(lambda call: _publish(call, call.owner), Task, _PUBLISHING)
    registry.method(_enqueue, _QUEUES, _ENQUEUEING)
    registry.function(
        _enqueue, "django_rq.enqueue django_q.tasks.async_task django_q.tasks.schedule"
    )
    registry.method(_enqueue, "django_q.tasks.Chain", "append")
    registry.decorated.append(_own_task)
    registry.finishing.append(finish)
    registry.seeds.update(_PUBLISHING.split(), _ENQUEUEING.split())
    registry.declaring.update(["task", "shared_task", "actor", "job", "periodic_task"])
    registry.seeds.update(["async_task", "Chain", "add_task"])


def _decorate(call: Call) -> Value:
    given = call.value(0)
    if function_in(given) is None and not isinstance(given, Instance):
        made = Partial(External(_TASK), (), call.keywords)
        # The program's own decorator may pass a function that is unknown.
        return union(made, Task(None, "")) if given is None and call.arguments else made
    return make_task(call.frame, given, call.keywords)


def task_name(value: Value) -> str | None:
    """Return the name of a task: a string, or the dotted name of a library constant."""
    return value.name if isinstance(value, External) else text_of(value)


def make_task(frame: Context, value: Value, options: Named) -> Value:
    """Return `value` as a task, and record its names."""
    given, function = dict(options), frame.decorating or function_in(value)
    name = task_name(given.get("name") or given.get("actor_name") or given.get("task_name"))
    names = [name] if name else []
    if not names and function is not None:
        modules = frame.engine.program.names_of(function.module)
        names = [f"{module}.{function.name}" for module in modules]
    queue, base = given.get("queue") or given.get("queue_name"), given.get("base")
    task = Task(
        value,
        names[-1] if names else "",
        given.get("bind") == constant(True),
        function,
        text_of(queue),
        text_of(given.get("serializer")),
        base.cls if isinstance(base, ClassValue) else None,
    )
    if isinstance(value, FunctionValue) and value.captured:
        frame.engine.roots.append(value)
    frame.engine.fact(Tasks).by_name.update(dict.fromkeys(names, task))
    return task


def _own_task(frame: Context, made: Value, value: Value, function: Function) -> Value:
    """Return a task of the function itself if the program's own decorator returns a task."""
    found = [one for one in options_of(made) if isinstance(one, Task)]
    task = next((one for one in found if one.origin is function), found[0] if found else None)
    if task is None or task.origin is function:
        return task or made
    engine, tasks, names_of = frame.engine, frame.engine.fact(Tasks), frame.engine.program.names_of
    names = [f"{module}.{function.name}" for module in names_of(function.module)]
    inner = task.inner
    if task.origin is not None:
        tasks.wrappers.add(task.origin)
        if task.name.rpartition(".")[0] not in names_of(task.origin.module):
            names = [task.name]
    if not isinstance(inner, FunctionValue) or _decorated(inner) is not function:
        inner = value
    elif not engine.context(inner).captured:
        inner = value  # it wraps too many functions to tell them apart
    task = replace(task, inner=inner, name=names[-1], origin=function)
    tasks.by_name.update(dict.fromkeys(names, task))
    return task


def task_function(task: Value) -> Function | None:
    """Return the function of a task, without wrappers added by other decorators."""
    return (task.origin if isinstance(task, Task) else None) or _decorated(task)


def _decorated(value: Value) -> Function | None:
    match value:
        case FunctionValue(function=function, captured=captured):
            inner = [_decorated(one) for _, one in captured]
            found = {one for one in inner if one is not None and one.decorators}
            return found.pop() if len(found) == 1 else function
        case Wrapper(inner=one) | Partial(inner=one) | Static(inner=one):
            return _decorated(one)
    return None


def signature_of(task: Task, function: Function) -> tuple[Names, Names, Names]:
    """Return the positional, keyword and required parameters of a task that messages fill."""
    syntax, inner = function.syntax, task.inner
    skipped = task.is_bound + (isinstance(inner, FunctionValue) and inner.receiver is not None)
    positional, named, needed = list[str](), list[str](), list[str]()
    for number, (name, _, default, is_positional) in enumerate(syntax.parameters):
        if number >= skipped or not is_positional:
            positional += [name] if is_positional else []
            named += [name] if number >= syntax.only_positional else []
            needed += [name] if default is None else []
    positional += ["*"] if syntax.vararg else []
    named += ["**"] if syntax.kwarg else []
    return tuple(positional), tuple(named), tuple(needed)


# --- publishing -----------------------------------------------------------------------------------


def _enqueue(call: Call) -> None:
    index = 1 if call.name in {"enqueue_in", "enqueue_at"} else 0
    _publish(call.with_arguments(call.rest(index + 1), call.keywords), call.value(index, "func"))


def _publish(call: Call, task: Value) -> None:
    given = call.with_arguments(call.arguments, call.keywords, ENQUEUE)
    record_publishing(task, given)
    run_task(task, given)


def record_publishing(task: Value, call: Call) -> None:
    """Record the arguments with which a task is published."""
    call.engine.demand.mark_relevant(call.frame)
    frame, node = call.frame, call.node
    made = Publishing(task, call.arguments, call.keywords, node, frame)
    frame.engine.fact(Tasks).published[frame.location(node), frame, task] = made


def run_task(task: Value, call: Call) -> Value:
    """Record that a task, a function or a named task runs through a queue."""
    name = task_name(task)
    if name is not None:
        run_by_name(call.frame, name, call.node, call.kind)
        return None
    inner, first = (task.inner, task.arguments) if isinstance(task, Task) else (task, ())
    if isinstance(task, Instance):
        inner = call.attribute(task, "run")
    given = call.with_arguments((*first, *call.arguments), call.keywords)
    return call.engine.hand_over(inner, given)


def run_by_name(frame: Context, name: str | None, node: Any, kind: str = ENQUEUE) -> None:
    """Record the publication of the task `name`."""
    if name is not None and "\0" not in name:
        frame.engine.fact(Tasks).published_names[name] = None
        frame.emit((frame.engine.call_targets(("task", name)),), node, kind)


def finish(engine: Engine) -> None:
    """Link calls that publish tasks by name to their functions."""
    tasks = engine.fact(Tasks)
    for name in [name for name, one in tasks.by_name.items()
                 if getattr(one, "origin", None) in tasks.wrappers]:  # fmt: skip
        del tasks.by_name[name]
    for name in sorted(tasks.published_names):
        context = engine.call_targets(("task", name))
        task = tasks.by_name.get(name) or resolve_dotted(engine, name)
        is_known = isinstance(task, Instance) or function_in(task) is not None
        if is_known and not context.events:
            run_task(task, Call(context, None))


def resolve_dotted(engine: Engine, dotted: str) -> Value:
    """Resolve a dotted name in the program."""
    parent, _, name = dotted.rpartition(".")
    for module in engine.program.modules if parent else ():
        if parent in engine.program.names_of(module):
            return engine.names.in_module(module, name)
    return None
