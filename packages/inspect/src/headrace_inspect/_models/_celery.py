"""Celery: tasks, the ways to publish them, and canvas."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass, field

from headrace_inspect._evaluate._contexts import ENQUEUE
from headrace_inspect._evaluate._frame import Frame
from headrace_inspect._evaluate._registry import Call, Registry
from headrace_inspect._evaluate._values import (
    UNKNOWN,
    Arguments,
    Bound,
    FunctionValue,
    Instance,
    Items,
    Named,
    Object,
    Partial,
    Table,
    Value,
    constant,
    function_in,
    options_of,
    text_of,
)

from ._stdlib import members
from ._tasks import Task, finish, make_task, note_publishing, run_by_name, run_task

_CANVAS = "canvas"
_RESULT = "celery.result.AsyncResult"


@dataclass(slots=True, eq=False)
class Signature(Value):
    """Tasks to be published: one, or several in a chain, group or chord.

    Attributes:
        kind: ``task``, ``name``, ``chain``, ``group`` or ``chord``.
        members: the task or the parts.
        links: what runs afterwards.
    """

    kind: str
    members: Arguments
    arguments: Arguments = ()
    keywords: Named = ()
    is_immutable: bool = False
    links: Items = field(default_factory=lambda: Items(()))


def register(registry: Registry) -> None:
    """Register what this module knows."""
    function, method = registry.function, registry.method
    function(_decorate, "celery.shared_task celery.task")
    method(_decorate, "celery.Celery", "task")
    method(_send, "celery.Celery", "send_task")
    method(_signature, "celery.Celery", "signature")
    method(lambda call: call.get(0), "celery.Celery", "register_task")
    registry.attributes[Task] = _attribute
    method(_call, Task, "__call__")
    # A function with such a method has an unknown decorator, which makes it a task.
    for owner in (Task, "celery.Task", FunctionValue):
        method(_delay, owner, "delay send delay_on_commit")
        method(_apply_async, owner, "apply_async apply apply_async_on_commit")
        method(_make, owner, "s si signature subtask map starmap chunks")
        method(_replace, owner, "replace")
        method(lambda call: UNKNOWN, owner, "retry")
    function(_signature, "celery.signature celery.subtask")
    function(_several, "celery.chain celery.group")
    function(_chord, "celery.chord")
    method(_call_signature, Signature, "__call__")
    method(_publish, Signature, "delay apply_async apply delay_on_commit apply_async_on_commit")
    method(_or, Signature, "__or__")
    method(_link, Signature, "link link_error on_error then")
    method(lambda call: call.owner, Signature, "set clone s si unchain_tasks")
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
    return call.frame.call(task.inner, call.node, arguments, call.keywords)


# --- publishing -----------------------------------------------------------------------------------


def _task_of(call: Call) -> Value:
    owner = call.owner
    if isinstance(owner, Instance):
        return call.frame.engine.attribute(call.frame, owner, "run", call.node)
    return owner if isinstance(owner, Value) else UNKNOWN


def _kind_of(call: Call, kind: str) -> str:
    return "on_commit" if call.name.endswith("on_commit") else kind


def _delay(call: Call) -> Value:
    note_publishing(call.owner, call)
    run_task(_task_of(call), call.but(call.arguments, call.keywords, _kind_of(call, ENQUEUE)))
    return Object(_RESULT)


def _given(call: Call, kind: str = "") -> Call:
    """Return the call that ``args`` and ``kwargs`` describe."""
    keywords = call.get(1, "kwargs")
    named = keywords.named if isinstance(keywords, Table) else ()
    return call.but(call.frame.engine.contents(call.value(0, "args")), named, kind)


def _apply_async(call: Call) -> Value:
    given = _given(call, "call" if call.name == "apply" else _kind_of(call, ENQUEUE))
    note_publishing(call.owner, given)
    made = run_task(_task_of(call), given)
    _side_by_side(call.frame, _links(call), call.node)
    return made if call.name == "apply" else Object(_RESULT)


def _links(call: Call) -> list[Value]:
    found: list[Value] = []
    for name in ("link", "link_error"):
        value = call.value(None, name)
        found += call.frame.engine.contents(value) if isinstance(value, Items) else [value]
    return found


def _send(call: Call) -> Value:
    run_by_name(call.frame, text_of(call.get(0, "name")), call.node)
    _side_by_side(call.frame, _links(call), call.node)
    return Object(_RESULT)


def _replace(call: Call) -> Value:
    publish(call.frame, call.value(0), call.node, _CANVAS)
    call.frame.ran = None
    return UNKNOWN


# --- canvas ---------------------------------------------------------------------------------------


def _make(call: Call) -> Value:
    given = call.but(call.arguments, call.keywords)
    if call.name in {"signature", "subtask"}:
        given = _given(call)
    elif call.name in {"map", "starmap", "chunks"}:
        given = call.but()
    note_publishing(call.owner, given)
    links = Items((), call.node)
    is_immutable = call.name == "si"
    return Signature(
        "task", (_task_of(call),), given.arguments, given.keywords, is_immutable, links
    )


def _signature(call: Call) -> Value:
    given = call.value(0)
    if isinstance(given, Signature):
        return given
    return Signature("name", (given,), links=Items((), call.node))


def _several(call: Call) -> Value:
    kind = call.name.rsplit(".", 1)[-1]
    return Signature(kind, members(call), links=Items((), call.node))


def _chord(call: Call) -> Value:
    header, body = call.value(0, "header"), call.get(1, "body")
    group = Signature("group", call.frame.engine.contents(header) or (header,))
    parts = (group,) if body is None else (group, body)
    return Signature("chord", parts, links=Items((), call.node))


def _call_signature(call: Call) -> Value:
    owner: Signature = call.owner
    if owner.kind in {"task", "name"}:
        arguments = (*call.arguments, *owner.arguments)
        return call.frame.call(owner.members[0], call.node, arguments, owner.keywords)
    if owner.kind == "chord" and call.arguments:
        owner = owner.but(members=(*owner.members[:1], call.arguments[0]))
    publish(call.frame, owner, call.node, _CANVAS)
    return Object(_RESULT)


def _publish(call: Call) -> Value:
    own = ENQUEUE if call.owner.kind in {"task", "name"} else _CANVAS
    kind = "call" if call.name == "apply" else _kind_of(call, own)
    publish(call.frame, call.owner, call.node, kind)
    _side_by_side(call.frame, _links(call), call.node)
    return Object(_RESULT)


def _or(call: Call) -> Value:
    left, right = call.owner, call.value(0)
    is_plain = left.kind == "chain" and not left.links.values
    first = left.members if is_plain else (left,)
    last = right.members if isinstance(right, Signature) and right.kind == "chain" else (right,)
    links = left.links if left.kind == "chain" else Items((), call.node)
    return Signature("chain", (*first, *last), links=links)


def _link(call: Call) -> Value:
    call.frame.engine.put(call.owner.links, None, call.value(0))
    return call.value(0) if call.name.startswith("link") else call.owner


def publish(frame: Frame, value: Value, node: ast.AST, kind: str) -> None:
    """Record that a signature is published."""
    for option in options_of(value):
        if isinstance(option, Task):
            run_task(option, Call(frame, node, kind=kind))
        elif isinstance(option, Signature):
            _publish_one(frame, option, node, kind)
        elif isinstance(option, Items):
            _side_by_side(frame, frame.engine.contents(option), node, kind)


def _publish_one(frame: Frame, one: Signature, node: ast.AST, kind: str) -> None:
    match one.kind:
        case "task":
            first = () if one.is_immutable or kind == ENQUEUE else (UNKNOWN,)
            call = Call(frame, node, (*first, *one.arguments), one.keywords, kind)
            run_task(one.members[0], call)
        case "name":
            run_by_name(frame, text_of(one.members[0]), node, kind)
        case "group":
            _side_by_side(frame, one.members, node, kind)
        case _:
            for member in one.members:
                publish(frame, member, node, kind)
    _side_by_side(frame, frame.engine.contents(one.links), node)


def _side_by_side(
    frame: Frame, signatures: Iterable[Value], node: ast.AST, kind: str = _CANVAS
) -> None:
    def run(one: Value) -> Value:
        publish(frame, one, node, kind)
        return UNKNOWN

    frame.each(signatures, run)
