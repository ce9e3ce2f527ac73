"""Celery: tasks, the ways to publish them, and canvas."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from headrace_inspect._evaluate._contexts import ENQUEUE
from headrace_inspect._evaluate._frame import Frame
from headrace_inspect._evaluate._registry import Call, Registry
from headrace_inspect._evaluate._values import (
    UNKNOWN,
    Bound,
    FunctionValue,
    Instance,
    Items,
    Object,
    Partial,
    Table,
    Value,
    constant,
    function_in,
    options_of,
    text_of,
)

from ._tasks import Task, finish, make_task, note_publishing, run_by_name, run_task

_CANVAS = "canvas"


NO_LINKS = Items(())


@dataclass(frozen=True, slots=True, eq=False)
class Signature(Value):
    """Tasks to be published: one, or several in a chain, group or chord.

    Attributes:
        kind: ``task``, ``name``, ``chain``, ``group`` or ``chord``.
        members: the task or the parts.
        links: what runs afterwards.
    """

    kind: str
    members: tuple[Value, ...]
    arguments: tuple[Value, ...] = ()
    keywords: tuple[tuple[str, Value], ...] = ()
    is_immutable: bool = False
    links: Items = NO_LINKS


def register(registry: Registry) -> None:
    """Register what this module knows."""
    registry.alias("celery.Celery", "celery.app.Celery", "celery.app.base.Celery")
    registry.alias("celery.Task", "celery.app.task.Task", "celery.task.Task")
    for name in ("chain", "group", "chord", "signature", "subtask"):
        registry.alias(f"celery.{name}", f"celery.canvas.{name}")
    registry.function("celery.shared_task", "celery.task", "celery.decorators.task")(_decorate)
    registry.method("celery.Celery", "task")(_decorate)
    registry.method("celery.Celery", "send_task")(_send)
    registry.method("celery.Celery", "signature")(_signature)
    registry.method("celery.Celery", "register_task")(lambda call: call.get(0))
    registry.attributes[Task] = _attribute
    registry.attributes[Signature] = lambda frame, owner, name: Bound(owner, name)
    registry.method(Task, "__call__")(_call)
    _publishing(registry)
    _canvas(registry)
    registry.finishing.append(finish)


def _attribute(frame: Frame, task: Task, name: str) -> Value:
    if name in {"run", "__wrapped__"}:
        return Partial(task.inner, task.arguments, ()) if task.is_bound else task.inner
    return constant(task.name) if name == "name" else Bound(task, name)


def _decorate(call: Call) -> Value:
    given = call.get(0)
    if given is None or function_in(given) is None:
        return Partial(Bound(Object("celery.Celery"), "task"), (), call.keywords)
    return make_task(call.frame, given, call.keywords)


def _call(call: Call) -> Value:
    task: Task = call.owner
    arguments = (*task.arguments, *call.arguments)
    return call.frame.engine.invoke(call.frame, task.inner, arguments, call.keywords, call.node)


# --- publishing -----------------------------------------------------------------------------------


def _publishing(registry: Registry) -> None:
    # A function with such a method has a decorator that is not known, and makes it a task.
    for owner in (Task, "celery.Task", FunctionValue):
        registry.method(owner, "delay", "send")(_delay)
        registry.method(owner, "apply_async")(_apply_async)
        registry.method(owner, "apply")(lambda call: _apply_async(call, "call"))
        registry.method(owner, "delay_on_commit")(lambda call: _delay(call, "on_commit"))
        registry.method(owner, "apply_async_on_commit")(
            lambda call: _apply_async(call, "on_commit")
        )
        registry.method(owner, "s", "si", "signature", "subtask")(_make)
        registry.method(owner, "replace")(_replace)
        registry.method(owner, "retry")(lambda call: UNKNOWN)
        registry.method(owner, "map", "starmap", "chunks")(_make)


def _task_of(call: Call) -> Value:
    owner = call.owner
    if isinstance(owner, Instance):
        return call.frame.engine.attribute(call.frame, owner, "run", call.node)
    return owner if isinstance(owner, Value) else UNKNOWN


def _delay(call: Call, kind: str = ENQUEUE) -> Value:
    note_publishing(call.frame, call.owner, call.arguments, call.keywords, call.node)
    run_task(call.frame, _task_of(call), call.arguments, call.keywords, call.node, kind)
    return Object("celery.result.AsyncResult")


def _given(call: Call) -> tuple[tuple[Value, ...], tuple[tuple[str, Value], ...]]:
    arguments, keywords = call.get(0, "args"), call.get(1, "kwargs")
    given = () if arguments is None else call.frame.engine.contents(arguments)
    entries = keywords.entries if isinstance(keywords, Table) else ()
    return given, tuple([(key, value) for key, value in entries if isinstance(key, str)])


def _apply_async(call: Call, kind: str = ENQUEUE) -> Value:
    arguments, keywords = _given(call)
    note_publishing(call.frame, call.owner, arguments, keywords, call.node)
    made = run_task(call.frame, _task_of(call), arguments, keywords, call.node, kind)
    _run_links(call.frame, _links(call), call.node)
    return made if kind == "call" else Object("celery.result.AsyncResult")


def _links(call: Call) -> list[Value]:
    found: list[Value] = []
    for name in ("link", "link_error"):
        value = call.get(None, name)
        if isinstance(value, Items):
            found += call.frame.engine.contents(value)
        elif value is not None:
            found.append(value)
    return found


def _run_links(frame: Frame, links: list[Value], node: ast.AST) -> None:
    before, after = frame.ran, frame.ran or 0
    for link in links:
        frame.ran = before
        publish(frame, link, node, _CANVAS)
        after |= frame.ran or 0
    frame.ran = None if before is None else after


def _send(call: Call) -> Value:
    run_by_name(call.frame, text_of(call.get(0, "name")), call.node)
    _run_links(call.frame, _links(call), call.node)
    return Object("celery.result.AsyncResult")


def _replace(call: Call) -> Value:
    publish(call.frame, call.get(0) or UNKNOWN, call.node, _CANVAS)
    call.frame.ran = None
    return UNKNOWN


# --- canvas ---------------------------------------------------------------------------------------


def _canvas(registry: Registry) -> None:
    registry.function("celery.signature", "celery.subtask")(_signature)
    registry.function("celery.chain", "celery.group")(_several)
    registry.function("celery.chord")(_chord)
    registry.method(Signature, "__call__")(_call_signature)
    registry.method(Signature, "delay", "apply_async")(_publish)
    registry.method(Signature, "apply")(lambda call: _publish(call, "call"))
    registry.method(Signature, "delay_on_commit", "apply_async_on_commit")(
        lambda call: _publish(call, "on_commit")
    )
    registry.method(Signature, "__or__")(_or)
    registry.method(Signature, "link", "link_error", "on_error", "then")(_link)
    registry.method(Signature, "set", "clone", "s", "si", "unchain_tasks")(lambda call: call.owner)


def _make(call: Call) -> Value:
    arguments, keywords = call.arguments, call.keywords
    if call.name in {"signature", "subtask"}:
        arguments, keywords = _given(call)
    elif call.name in {"map", "starmap", "chunks"}:
        arguments, keywords = (), ()
    note_publishing(call.frame, call.owner, arguments, keywords, call.node)
    is_immutable = call.name == "si"
    links = Items((), call.node)
    return Signature("task", (_task_of(call),), arguments, keywords, is_immutable, links)


def _signature(call: Call) -> Value:
    given = call.get(0)
    if isinstance(given, Signature):
        return given
    return UNKNOWN if given is None else Signature("name", (given,), links=Items((), call.node))


def _several(call: Call) -> Value:
    members: list[Value] = []
    for argument in call.arguments:
        if isinstance(argument, Items):
            members += call.frame.engine.contents(argument)
        else:
            members.append(argument)
    kind = call.name.rsplit(".", 1)[-1]
    return Signature(kind, tuple(members), links=Items((), call.node))


def _chord(call: Call) -> Value:
    header, body = call.get(0, "header") or UNKNOWN, call.get(1, "body")
    parts: tuple[Value, ...] = call.frame.engine.contents(header) or (header,)
    made = Signature("group", parts)
    if body is None:
        return Signature("chord", (made,), links=Items((), call.node))
    return Signature("chord", (made, body), links=Items((), call.node))


def _call_signature(call: Call) -> Value:
    owner: Signature = call.owner
    if owner.kind in {"task", "name"}:
        task = owner.members[0]
        arguments = (*call.arguments, *owner.arguments)
        return call.frame.engine.invoke(call.frame, task, arguments, owner.keywords, call.node)
    if owner.kind == "chord" and call.arguments:
        owner = owner.but(members=(*owner.members[:1], call.arguments[0]))
    publish(call.frame, owner, call.node, _CANVAS)
    return Object("celery.result.AsyncResult")


def _publish(call: Call, kind: str = "") -> Value:
    own = ENQUEUE if call.owner.kind in {"task", "name"} else _CANVAS
    publish(call.frame, call.owner, call.node, kind or own)
    _run_links(call.frame, _links(call), call.node)
    return Object("celery.result.AsyncResult")


def _or(call: Call) -> Value:
    right = call.get(0) or UNKNOWN
    left = call.owner
    members = [*(left.members if left.kind == "chain" and not left.links.values else (left,))]
    members += right.members if isinstance(right, Signature) and right.kind == "chain" else [right]
    links = left.links if left.kind == "chain" else Items((), call.node)
    return Signature("chain", tuple(members), links=links)


def _link(call: Call) -> Value:
    call.frame.engine.put(call.owner.links, None, call.get(0) or UNKNOWN)
    return call.get(0) or UNKNOWN if call.name.startswith("link") else call.owner


def publish(frame: Frame, value: Value, node: ast.AST, kind: str) -> None:
    """Record that a signature is published."""
    for option in options_of(value):
        if isinstance(option, Task):
            run_task(frame, option, (), (), node, kind)
        elif isinstance(option, Signature):
            _publish_one(frame, option, node, kind)
        elif isinstance(option, Items):
            _side_by_side(frame, frame.engine.contents(option), node, kind)


def _publish_one(frame: Frame, one: Signature, node: ast.AST, kind: str) -> None:
    match one.kind:
        case "task":
            first = () if one.is_immutable or kind == ENQUEUE else (UNKNOWN,)
            run_task(frame, one.members[0], (*first, *one.arguments), one.keywords, node, kind)
        case "name":
            run_by_name(frame, text_of(one.members[0]), node, kind)
        case "group":
            _side_by_side(frame, one.members, node, kind)
        case _:
            for member in one.members:
                publish(frame, member, node, kind)
    links = frame.engine.contents(one.links)
    if links:
        _run_links(frame, list(links), node)


def _side_by_side(frame: Frame, members: tuple[Value, ...], node: ast.AST, kind: str) -> None:
    before, after = frame.ran, frame.ran or 0
    for member in members:
        frame.ran = before
        publish(frame, member, node, kind)
        after |= frame.ran or 0
    frame.ran = None if before is None else after
