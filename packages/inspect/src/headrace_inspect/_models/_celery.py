"""Celery: publishing tasks, and canvas."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass

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
    Table,
    Value,
    constant,
    options_of,
)

from ._stdlib import members
from ._tasks import Task, note_publishing, run_task

_CANVAS = "canvas"
_APP = "celery.Celery"


@dataclass(slots=True, eq=False)
class Signature(Value):
    """A signature: a task or its name, or members that are a chain, group or chord."""

    kind: str
    members: Arguments
    arguments: Arguments = ()
    keywords: Named = ()
    is_immutable: bool = False


def register(registry: Registry) -> None:
    """Register this model."""
    function, method = registry.function, registry.method
    method(lambda call: call.get(0), _APP, "register_task")
    method(_send_task, _APP, "send_task")
    method(_signature, _APP, "signature")
    function(_signature, "celery.signature celery.subtask")
    function(_several, "celery.chain celery.group")
    function(_chord, "celery.chord")
    registry.attributes[Task] = lambda frame, task, name: (
        constant(task.name) if name == "name" else Bound(task, name)
    )
    method(_call, Task, "__call__ run")
    # An unknown decorator may make a task of a function, so functions have these methods too.
    for owner in (Task, "celery.Task", FunctionValue):
        method(_publish_task, owner, "delay send delay_on_commit")
        method(_publish_task, owner, "apply_async apply apply_async_on_commit")
        method(_make, owner, "s si signature subtask")
        method(_replace, owner, "replace")
        method(lambda call: UNKNOWN, owner, "retry")
    method(_call_signature, Signature, "__call__")
    method(_publish, Signature, "delay apply_async apply delay_on_commit apply_async_on_commit")
    method(_or, Signature, "__or__")
    method(lambda call: call.owner, Signature, "set clone s si on_error then")


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


def _kind_of(call: Call, usual: str) -> str:
    if call.name.endswith("on_commit"):
        return "on_commit"
    return "call" if call.name == "apply" else usual


def _described(call: Call) -> Call:
    """Return the call that the arguments ``args`` and ``kwargs`` describe."""
    keywords = call.get(1, "kwargs")
    named = keywords.named if isinstance(keywords, Table) else ()
    return call.but(call.frame.engine.contents(call.value(0, "args")), named)


def _publish_task(call: Call) -> Value:
    given = _described(call) if call.name.startswith("apply") else call
    note_publishing(call.owner, given)
    kind = _kind_of(call, ENQUEUE)
    made = run_task(_task_of(call), given.but(given.arguments, given.keywords, kind))
    _publish_links(call)
    return made if call.name == "apply" else UNKNOWN


def _send_task(call: Call) -> Value:
    run_task(call.value(0, "name"), call.but(kind=ENQUEUE))
    _publish_links(call)
    return UNKNOWN


def _publish_links(call: Call) -> None:
    found: list[Value] = []
    for name in ("link", "link_error"):
        value = call.value(None, name)
        found += call.frame.engine.contents(value) if isinstance(value, Items) else [value]
    _in_parallel(call.frame, found, call.node)


def _replace(call: Call) -> Value:
    publish(call.frame, call.value(0), call.node)
    call.frame.ran = None
    return UNKNOWN


# --- canvas ---------------------------------------------------------------------------------------


def _make(call: Call) -> Value:
    given = call if call.name in {"s", "si"} else _described(call)
    note_publishing(call.owner, given)
    about = (given.arguments, given.keywords, call.name == "si")
    return Signature("task", (_task_of(call),), *about)


def _signature(call: Call) -> Value:
    given = call.value(0)
    return given if isinstance(given, Signature) else Signature("task", (given,))


def _several(call: Call) -> Value:
    return Signature(call.name.rpartition(".")[2], members(call))


def _chord(call: Call) -> Value:
    header, body = call.value(0, "header"), call.get(1, "body")
    group = Signature("group", call.frame.engine.contents(header) or (header,))
    return Signature("chord", (group,) if body is None else (group, body))


def _call_signature(call: Call) -> Value:
    owner: Signature = call.owner
    if owner.kind == "task":
        arguments = (*call.arguments, *owner.arguments)
        return call.frame.call(owner.members[0], call.node, arguments, owner.keywords)
    if owner.kind == "chord":
        owner = owner.but(members=(*owner.members, *call.arguments[:1]))
    publish(call.frame, owner, call.node)
    return UNKNOWN


def _publish(call: Call) -> Value:
    usual = ENQUEUE if call.owner.kind == "task" else _CANVAS
    publish(call.frame, call.owner, call.node, _kind_of(call, usual))
    _publish_links(call)
    return UNKNOWN


def _or(call: Call) -> Value:
    parts = [
        one.members if isinstance(one, Signature) and one.kind == "chain" else (one,)
        for one in (call.owner, call.value(0))
    ]
    return Signature("chain", (*parts[0], *parts[1]))


def publish(frame: Frame, value: Value, node: ast.AST, kind: str = _CANVAS) -> None:
    """Record that a task or signature is published."""
    for option in options_of(value):
        match option:
            case Signature(kind="group"):
                _in_parallel(frame, option.members, node, kind)
            case Signature(kind="task"):
                result = () if option.is_immutable or kind == ENQUEUE else (UNKNOWN,)
                arguments = (*result, *option.arguments)
                run_task(option.members[0], Call(frame, node, arguments, option.keywords, kind))
            case Signature():
                for member in option.members:
                    publish(frame, member, node, kind)
            case _:
                pass


def _in_parallel(
    frame: Frame, signatures: Iterable[Value], node: ast.AST, kind: str = _CANVAS
) -> None:
    def run(one: Value) -> Value:
        publish(frame, one, node, kind)
        return UNKNOWN

    frame.each(signatures, run)
