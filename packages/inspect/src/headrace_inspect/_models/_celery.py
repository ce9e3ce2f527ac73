"""Celery: publishing, class-based tasks and canvas."""

from __future__ import annotations

from dataclasses import dataclass, replace

from headrace_inspect._evaluate._contexts import ENQUEUE, Call, Context
from headrace_inspect._evaluate._engine import Engine
from headrace_inspect._evaluate._registry import Registry
from headrace_inspect._evaluate._values import (
    Arguments,
    Bound,
    External,
    FunctionValue,
    Instance,
    Items,
    Known,
    Named,
    Object,
    Table,
    Value,
    constant,
    options_of,
)
from headrace_inspect._symbols._entities import Class

from ._stdlib import members
from ._tasks import Task, Tasks, record_publishing, run_task, task_name

CANVAS = "canvas"
TASK = "celery.Task"
_APP = "celery.Celery"
_SEEDS = """
    delay send delay_on_commit apply_async apply apply_async_on_commit s si signature
    subtask replace send_task chord
"""


@dataclass(slots=True, eq=False)
class Signature(Known):
    """A signature: a task or its name, or the members of a chain, group or chord."""

    kind: str
    members: Arguments
    arguments: Arguments = ()
    keywords: Named = ()
    is_immutable: bool = False


def register(registry: Registry) -> None:
    """Register this model."""
    function, method = registry.function, registry.method
    method(_send_task, _APP, "send_task")
    function(_send_task, "celery.current_app.send_task celery.execute.send_task")
    method(_signature, _APP, "signature")
    function(_signature, "celery.signature celery.subtask celery.current_app.signature")
    function(lambda call: Signature("chain", members(call)), "celery.chain")
    function(lambda call: Signature("group", members(call)), "celery.group")
    function(_chord, "celery.chord")
    registry.attributes[Task] = _task_attribute
    registry.attributes[Object] = lambda frame, owner, name: (
        External(TASK) if (owner.made_by, name) == (_APP, "Task") else None
    )
    method(_call, Task, "__call__ run")
    # An unknown decorator may turn a function into a task, so functions have these methods too.
    for owner in (Task, TASK, FunctionValue):
        method(_publish_task, owner, "delay send delay_on_commit")
        method(_publish_task, owner, "apply_async apply apply_async_on_commit")
        method(_make_signature, owner, "s si signature subtask")
        method(_replace, owner, "replace")
        method(lambda call: None, owner, "retry")
    method(_call_signature, Signature, "__call__")
    method(_publish, Signature, "delay apply_async apply delay_on_commit apply_async_on_commit")
    method(_or, Signature, "__or__")
    method(_link, Signature, "set clone s si on_error then link link_error")
    registry.attributes[Signature] = lambda frame, owner, name: Bound(owner, name)
    registry.finishing.insert(0, _name_classes)
    registry.seeds.update(_SEEDS.split())


def _task_attribute(frame: Context, task: Task, name: str) -> Value:
    if name == "name":
        return constant(task.name)
    if task.base is not None and frame.engine.classes.find(task.base, name) is not None:
        return frame.engine.attributes.get(frame, Instance(task.base), name, None)
    return Bound(task, name)


def _call(call: Call) -> Value:
    task: Task = call.owner
    arguments = (*task.arguments, *call.arguments)
    return call.frame.call(task.inner, call.node, arguments, call.keywords)


# --- class-based tasks ----------------------------------------------------------------------------


def class_tasks(engine: Engine) -> list[Class]:
    """Return the class-based tasks."""
    classes = [one for one in engine.classes.all() if engine.classes.is_a(one, TASK)]
    return [one for one in classes if engine.classes.find(one, "run") is not None]


def _name_classes(engine: Engine) -> None:
    for cls in class_tasks(engine):
        value = engine.names.in_class(cls, "name") if "name" in cls.names else None
        names = [f"{module}.{cls.name}" for module in engine.program.names_of(cls.module)]
        for name in [one for one in (task_name(value), *names) if one]:
            engine.fact(Tasks).by_name.setdefault(name, Instance(cls, is_exact=True))


# --- publishing -----------------------------------------------------------------------------------


def _kind_of(call: Call, usual: str) -> str:
    if call.name.endswith("on_commit"):
        return "on_commit"
    return "call" if call.name == "apply" else usual


def _unpacked(call: Call) -> Call:
    """Return the call of the task with the contents of ``args`` and ``kwargs``."""
    keywords = call.value(1, "kwargs")
    named = keywords.named if isinstance(keywords, Table) else ()
    return call.with_arguments(call.contents(call.value(0, "args")), named)


def _is_plain(value: Value) -> bool:
    """Tell whether a value is a function without decorators, which cannot be a task."""
    return isinstance(value, FunctionValue) and not value.function.decorators


def _publish_task(call: Call) -> Value:
    if _is_plain(call.owner):
        return None
    given = _unpacked(call) if call.name.startswith("apply") else call
    record_publishing(call.owner, given)
    kind = _kind_of(call, ENQUEUE)
    made = run_task(call.owner, given.with_arguments(given.arguments, given.keywords, kind))
    _publish_links(call)
    return made if call.name == "apply" else None


def _send_task(call: Call) -> None:
    call.engine.demand.mark_relevant(call.frame)  # its callers may pass the name
    run_task(call.value(0, "name"), call.with_arguments(kind=ENQUEUE))
    _publish_links(call)


def _publish_links(call: Call) -> None:
    found: list[Value] = []
    for value in (call.value(None, "link"), call.value(None, "link_error")):
        found += call.contents(value) if isinstance(value, Items) else [value]
    call.frame.each(found, lambda one: publish(call.frame, one, call.node))


def _replace(call: Call) -> None:
    publish(call.frame, call.value(0), call.node)
    call.frame.stop()


# --- canvas ---------------------------------------------------------------------------------------


def _make_signature(call: Call) -> Value:
    if _is_plain(call.owner):
        return None
    given = call if call.name in {"s", "si"} else _unpacked(call)
    record_publishing(call.owner, given)
    return Signature("task", (call.owner,), given.arguments, given.keywords, call.name == "si")


def _signature(call: Call) -> Value:
    given = call.value(0)
    return given if isinstance(given, Signature) else Signature("task", (given,))


def _chord(call: Call) -> Value:
    header = call.value(0, "header")
    given = call.contents(header) or (header,)
    group = Signature("group", given)
    body = (call.value(1, "body"),) if call.has(1, "body") else ()
    return Signature("chord", (group, *body))


def _link(call: Call) -> Value:
    """Link callbacks and error callbacks to a signature."""
    is_linked = call.name in {"link", "link_error", "on_error", "then"}
    return Signature("linked", (call.owner, *call.arguments)) if is_linked else call.owner


def _call_signature(call: Call) -> Value:
    owner: Signature = call.owner
    if owner.kind == "task":
        arguments = (*call.arguments, *owner.arguments)
        return call.frame.call(owner.members[0], call.node, arguments, owner.keywords)
    if owner.kind == "chord":
        owner = replace(owner, members=(*owner.members, *call.arguments[:1]))
    publish(call.frame, owner, call.node)
    return None


def _publish(call: Call) -> None:
    usual = ENQUEUE if call.owner.kind == "task" else CANVAS
    publish(call.frame, call.owner, call.node, _kind_of(call, usual))
    _publish_links(call)


def _or(call: Call) -> Value:
    parts = [
        one.members if isinstance(one, Signature) and one.kind == "chain" else (one,)
        for one in (call.owner, call.value(0))
    ]
    return Signature("chain", (*parts[0], *parts[1]))


def publish(frame: Context, value: Value, node: object, kind: str = CANVAS) -> None:
    """Record the publication of a task or signature."""
    for option in options_of(value):
        match option:
            case Signature(kind="group"):
                frame.each(option.members, lambda one: publish(frame, one, node, kind))
            case Signature(kind="task"):
                result = () if option.is_immutable or kind == ENQUEUE else (None,)
                arguments = (*result, *option.arguments)
                run_task(option.members[0], Call(frame, node, arguments, option.keywords, kind))
            case Signature():
                for member in option.members:
                    publish(frame, member, node, kind)
