"""Celery tasks: how functions become them, and how they are published."""

from __future__ import annotations

import ast
import fnmatch
import re
from typing import TYPE_CHECKING, Any

from headrace_inspect._names._library_values import Signature, TaskDecorator
from headrace_inspect._names._values import (
    UNKNOWN,
    Arguments,
    External,
    FunctionValue,
    Items,
    Method,
    PartialValue,
    Possibly,
    StepValue,
    TaskValue,
    Text,
    Value,
)
from headrace_inspect._running._calls import call_library
from headrace_inspect._running._nodes import Hub, Node
from headrace_inspect._running._trees import (
    NOTHING_HAPPENS,
    Cross,
    Run,
    Tree,
    block_of,
)

from ._handing_over import put_off
from ._registry import Model, decorator, decorator_type, finder, function, method
from ._running_arguments import call_now, tree_of_call

if TYPE_CHECKING:
    from headrace_inspect._names._entities import Function
    from headrace_inspect._running._engine import Engine
    from headrace_inspect._running._frame import Frame

TASK = External("celery.Task()")
TASKS = Hub("tasks")
_PUBLISHING = frozenset(["apply_async", "apply_async_on_commit", "delay", "delay_on_commit"])
ANY_NAME = "*"  # of a task whose name is computed
_WORD = re.compile(r"[^\W\d]\w*")
_DECORATORS = ("celery.shared_task", "celery.Celery().task", "celery.task", "celery.app.task")


# --- making tasks ---------------------------------------------------------------------------------


@function(*_DECORATORS)
def task_options(frame: Frame, arguments: Arguments, node: ast.AST, value: Value) -> Value:
    """``@app.task(...)`` with options, or called with the function."""
    target = arguments.get(0)
    made = TaskDecorator(arguments.get(None, "name"), is_bound(node))
    return make_task(frame, made, target) if target is not None else made


@decorator(*_DECORATORS)
def bare_task(frame: Frame, value: Value, target: Value, node: ast.AST) -> Value:
    """``@app.task``."""
    return make_task(frame, TaskDecorator(), target)


@decorator_type(TaskDecorator)
def task_decorator(frame: Frame, value: Any, target: Value, node: ast.AST) -> Value:
    """What ``app.task(...)`` gives."""
    return make_task(frame, value, target)


def is_bound(node: ast.AST) -> bool:
    """Tell whether a call says ``bind=True``."""
    return isinstance(node, ast.Call) and any(
        keyword.arg == "bind"
        and isinstance(keyword.value, ast.Constant)
        and bool(keyword.value.value)
        for keyword in node.keywords
    )


def make_task(frame: Frame, decorator: TaskDecorator, target: Value) -> Value:
    """Return the task that `decorator` makes of `target`, and note its name."""
    target = frame.engine.resolve(target)
    if not isinstance(target, FunctionValue | StepValue | Possibly):
        return target
    bare = target.inner if isinstance(target, Possibly) else target
    if not isinstance(bare, FunctionValue | StepValue):
        return target
    inner: Value = PartialValue(target, Arguments((TASK,))) if decorator.is_bound else target
    made = TaskValue(bare.function, inner)
    name = frame.engine.resolve(decorator.name) if decorator.name is not None else None
    constant = name.constant if isinstance(name, Text) else None
    if constant is None and decorator.name is not None:
        constant = ANY_NAME
    if frame.is_recorded:
        frame.engine.exposure.tasks[bare.function] = (constant, made)
        tree, _ = tree_of_call(frame, made, Arguments(), bare.function.node)
        frame.note(tree)
    return made


# --- publishing them ------------------------------------------------------------------------------


@finder
def task_of_function(engine: Engine, value: Method) -> Model | None:
    """A task's method on a function that some other decorator has made a task."""
    if isinstance(value.owner, FunctionValue | StepValue | PartialValue):
        return _METHODS.get(value.name)
    return None


@method(TaskValue, "delay")
def delay(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """``task.delay(...)``."""
    return publish(frame, value.owner, arguments, Arguments(), node)


@method(TaskValue, "apply_async")
def apply_async(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """``task.apply_async(args, kwargs, link=..., link_error=...)``."""
    return publish(frame, value.owner, given(frame, arguments), arguments, node)


@method(TaskValue, "delay_on_commit")
def delay_on_commit(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """``task.delay_on_commit(...)``: when the transaction ends that is seen, or now."""
    return publish_on_commit(frame, value.owner, arguments, Arguments(), node)


@method(TaskValue, "apply_async_on_commit")
def apply_async_on_commit(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """``task.apply_async_on_commit(args, kwargs, ...)``: when the transaction ends, or now."""
    return publish_on_commit(frame, value.owner, given(frame, arguments), arguments, node)


@method(TaskValue, "apply", "run", "__call__")
def apply(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """``task.apply(args)`` and ``task.run(...)``: here and now."""
    passed = given(frame, arguments) if value.name == "apply" else arguments
    call_now(frame, value.owner, passed, node)
    return UNKNOWN


@method(TaskValue, "s", "si", "signature", "subtask", "chunks", "map", "starmap")
def sign(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """``task.s(...)``: work to be done."""
    return Signature("task", (value.owner,))


@method(TaskValue, "retry")
def retry(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """``task.retry()``: the same again, and so nothing new."""
    return UNKNOWN


@function("celery.Task().retry")
def retry_bound(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """``self.retry()``."""
    return External("celery.exceptions.Retry()")


def given(frame: Frame, arguments: Arguments) -> Arguments:
    """Return the arguments that ``apply_async(args, kwargs)`` gives the task."""
    items = frame.engine.resolve(arguments.get(0, "args") or UNKNOWN)
    return Arguments(items.items) if isinstance(items, Items) else Arguments()


def publish(
    frame: Frame, task: Value, arguments: Arguments, options: Arguments, node: ast.AST
) -> Value:
    """Let `task` be published."""
    tree, _ = tree_of_call(frame, task, arguments, node)
    frame.emit(Cross("enqueue", tree))
    _publish_links(frame, options, node)
    return External("celery.result.AsyncResult()")


def publish_on_commit(
    frame: Frame, task: Value, arguments: Arguments, options: Arguments, node: ast.AST
) -> Value:
    """Let `task` be published when the transaction is committed."""
    with frame.captured() as events:
        publish(frame, task, arguments, options, node)
    put_off(frame, block_of(events))
    return UNKNOWN


def _publish_links(frame: Frame, options: Arguments, node: ast.AST) -> None:
    """Let what ``link=`` and ``link_error=`` name be published: the one or the other."""
    from ._celery_canvas import links_of, works_in

    links, errors = (
        tuple(works_in(frame, options.get(None, name))) for name in ("link", "link_error")
    )
    extra = links_of(frame, Signature("task", (), links, errors), node)
    if extra is not NOTHING_HAPPENS:
        frame.emit(Cross("canvas", extra))


@finder
def unknown_task(engine: Engine, value: Method) -> Model | None:
    """``delay``, ``apply_async`` and the like of something that is not known: any task."""
    if value.name in _PUBLISHING and not isinstance(value.owner, TaskValue | Signature):
        return _publish_any
    return None


def _publish_any(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    frame.emit(Cross("enqueue", frame.any_of(TASKS, node)))
    return call_library(frame, External("celery.any"), arguments, node)


# --- by name --------------------------------------------------------------------------------------


@function("celery.Celery().send_task", "celery.current_app.send_task", "celery.execute.send_task")
def send_task(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """``app.send_task("name")``."""
    name = frame.engine.resolve(arguments.get(0, "name") or UNKNOWN)
    frame.emit(Cross("enqueue", run_by_name(frame, name, node)))
    _publish_links(frame, arguments, node)
    return External("celery.result.AsyncResult()")


def run_by_name(frame: Frame, name: Value, node: ast.AST) -> Tree:
    """Return what the publishing of a task by its name runs."""
    if isinstance(name, Text) and name.constant is not None:
        return Run(_named(frame.engine, name.constant, node), frame.where(node))
    return frame.any_of(Hub("tasks", name.pattern) if isinstance(name, Text) else TASKS, node)


def tasks_named(engine: Engine, pattern: str) -> list[Value]:
    """Return the tasks that may be published under a name that fits `pattern`; without one, all."""
    return [
        task
        for function, (given_name, task) in engine.exposure.tasks.items()
        if not pattern or _fits(engine, function, given_name, pattern)
    ]


def _fits(engine: Engine, function: Function, given_name: str | None, pattern: str) -> bool:
    if given_name is not None:
        return given_name == ANY_NAME or fnmatch.fnmatchcase(given_name, pattern)
    modules = engine.program.tree.names_in_packages(function.module.path)
    return any(fnmatch.fnmatchcase(f"{module}.{function.name}", pattern) for module in modules)


def _named(engine: Engine, name: str, node: ast.AST) -> Node:
    def look(own: Node) -> None:
        from headrace_inspect._running._frame import Frame

        found = [
            task
            for function, (given_name, task) in engine.exposure.tasks.items()
            if name in names_of_task(engine, function.module.path, function.name, given_name)
        ]
        if len(found) == 1:
            frame = Frame(engine, found[0].function.module, own)
            call_now(frame, found[0], Arguments(), node)
            own.tree = frame.tree()
        else:
            own.tree = NOTHING_HAPPENS

    return engine.late_node(("task", name), look, lambda: len(engine.exposure.tasks))


def names_of_task(engine: Engine, path: str, function: str, given_name: str | None) -> list[str]:
    """Return the names under which a task may be published."""
    if given_name is not None and given_name != ANY_NAME:
        return [given_name]
    return [f"{module}.{function}" for module in engine.program.tree.dotted_names(path)]


def tasks_in_strings(engine: Engine) -> list[Value]:
    """Return the tasks whose names stand in strings, as in the schedule of beat.

    Names in calls that publish them do not count: these are in the tree of the caller.
    """
    by_name = {
        name: task
        for function, (given_name, task) in engine.exposure.tasks.items()
        for name in names_of_task(engine, function.module.path, function.name, given_name)
        if "." in name or given_name is not None
    }
    return [
        task
        for name, task in by_name.items()
        if any(name in module.strings for module in engine.mentioning(*_WORD.findall(name)))
    ]


_METHODS: dict[str, Model] = {
    "apply": apply,
    "apply_async": apply_async,
    "apply_async_on_commit": apply_async_on_commit,
    "chunks": sign,
    "delay": delay,
    "delay_on_commit": delay_on_commit,
    "s": sign,
    "si": sign,
    "signature": sign,
    "subtask": sign,
}
