"""Tasks of a queue: what the models of Celery, of other queues and of headrace share."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from headrace_inspect._evaluate._contexts import ENQUEUE, Context
from headrace_inspect._evaluate._engine import Engine
from headrace_inspect._evaluate._frame import Frame
from headrace_inspect._evaluate._registry import Call
from headrace_inspect._evaluate._values import (
    Arguments,
    FunctionValue,
    Named,
    Partial,
    Static,
    Value,
    Wrapper,
    constant,
    function_in,
    text_of,
)
from headrace_inspect._symbols._entities import Function


@dataclass(slots=True, eq=False)
class Task(Wrapper):
    """A function that can be put into a queue.

    Attributes:
        name: the name that messages carry.
        is_bound: whether the task itself is its first argument.
        origin: the function that the source decorates, which other decorators may have wrapped.
        queue: the queue that its decorator names.
        serializer: the serializer that its decorator names.
    """

    name: str
    is_bound: bool = False
    origin: Function | None = None
    queue: str | None = None
    serializer: str | None = None

    @property
    def arguments(self) -> Arguments:
        """Return the arguments that come before those of the caller."""
        return (self,) if self.is_bound else ()


@dataclass(frozen=True, slots=True)
class Publishing:
    """A call that puts tasks into a queue, or a signature that is made for that.

    Attributes:
        task: the task, or what its name or function stands for.
        node: the call.
        context: the body that makes it.
    """

    task: Value
    arguments: Arguments
    keywords: Named
    node: ast.AST
    context: Context


@dataclass(slots=True)
class Tasks:
    """The tasks of a program by their names, and the names that are published."""

    by_name: dict[str, Task] = field(default_factory=dict)
    called: set[str] = field(default_factory=set)


def tasks_in(engine: Engine) -> Tasks:
    """Return the tasks that have been found."""
    found: Tasks = engine.facts.setdefault(Tasks, Tasks())
    return found


def publishings_in(engine: Engine) -> list[Publishing]:
    """Return the calls that publish tasks, each once for each body that makes it."""
    found: list[Publishing] = engine.facts.setdefault(Publishing, [])
    return found


def note_publishing(task: Value, call: Call) -> None:
    """Keep what a task is published with."""
    made = Publishing(task, call.arguments, call.keywords, call.node, call.frame.context)
    publishings_in(call.frame.engine).append(made)


def make_task(frame: Frame, value: Value, options: Named) -> Value:
    """Return the task that `value` becomes, and note its names."""
    given, function = dict(options), frame.decorating or function_in(value)
    name = text_of(given.get("name") or given.get("actor_name") or given.get("task_name"))
    names = [name] if name else []
    if not names and function is not None:
        modules = frame.engine.program.names_of(function.module)
        names = [f"{module}.{function.name}" for module in modules]
    is_bound = given.get("bind") == constant(True)
    queue = text_of(given.get("queue") or given.get("queue_name"))
    about = (is_bound, function, queue, text_of(given.get("serializer")))
    task = Task(value, names[-1] if names else "", *about)
    if isinstance(value, FunctionValue) and value.captured:
        frame.engine.roots.append(value)
    tasks_in(frame.engine).by_name.update(dict.fromkeys(names, task))
    return task


def task_function(task: Value | None) -> Function | None:
    """Return the function that a task is, without what other decorators put around it."""
    return (task.origin if isinstance(task, Task) else None) or decorated_function(task)


def decorated_function(value: Value | None) -> Function | None:
    """Return the function that decorators have been applied to, or the one in `value`."""
    match value:
        case FunctionValue(function=function, captured=captured):
            inner = [decorated_function(one) for _, one in captured]
            found = {one for one in inner if one is not None and one.decorators}
            return found.pop() if len(found) == 1 else function
        case Wrapper(inner=inner) | Partial(inner=inner) | Static(inner=inner):
            return decorated_function(inner)
    return None


def run_task(task: Value, call: Call) -> Value:
    """Record that a task is put into its queue."""
    inner, first = (task.inner, task.arguments) if isinstance(task, Task) else (task, ())
    return call.frame.engine.hand_over(inner, call.but((*first, *call.arguments), call.keywords))


def run_by_name(frame: Frame, name: str | None, node: ast.AST, kind: str = ENQUEUE) -> None:
    """Record that the task `name` is put into its queue."""
    if name is not None and "\0" not in name:
        tasks_in(frame.engine).called.add(name)
        frame.emit((frame.engine.hub(("task", name)),), node, kind)


def finish(engine: Engine) -> None:
    """Join the places that publish tasks by their names with the functions."""
    for name in sorted(tasks_in(engine).called):
        hub = engine.hub(("task", name))
        task = tasks_in(engine).by_name.get(name) or _at(engine, name)
        function = function_in(task)
        if task is not None and function is not None and not hub.events:
            run_task(task, Call(Frame(engine, hub, function.module, {}), ast.Pass()))


def _at(engine: Engine, dotted: str) -> Value | None:
    """Return the function with a dotted name."""
    parent, _, name = dotted.rpartition(".")
    for path in engine.program.files if parent else ():
        module = engine.program.module(path)
        is_known = module is not None and name in module.bindings
        if module is not None and is_known and parent in engine.program.names_of(module):
            return engine.names.in_module(module, name)
    return None
