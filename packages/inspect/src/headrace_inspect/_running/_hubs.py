"""Sets of functions, of which nothing tells which one is called."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from headrace_inspect._names._entities import Class, Function
from headrace_inspect._names._values import FunctionValue, Instance, PropertyValue, Result, Value

from ._attributes import attribute
from ._calls import MAKING
from ._classes import is_of_metaclass
from ._frame import Frame
from ._giving import functions_in
from ._hooks import called_anytime, called_by
from ._losing import is_lost, lost_methods
from ._nodes import Hub
from ._trees import Branch, Loop, Run, Tree, Where

if TYPE_CHECKING:
    from ._engine import Engine
    from ._nodes import Node


def look(engine: Engine, node: Node, hub: Hub) -> None:
    """Find out what the functions of `hub` run, as far as they are known by now."""
    trees = list(_trees(engine, node, hub))
    if _has_far(engine, hub):
        trees.append(engine.far_away)
    # What is not looked at may do what it does in any order.
    node.tree = Loop(Branch(trees)) if hub.how == "far" else Branch(trees)


def size(engine: Engine, hub: Hub) -> int:
    """Return how many functions there are that `hub` chooses from."""
    named = len(engine.relevant.get(hub.name, ())) + 2 * len(engine.far.get(hub.name, ()))
    match hub.how:
        case "super" if hub.cls is not None:
            return len(engine.behind(hub.cls)) + named
        case "override":
            return named
        case "name" if "*" not in hub.name:
            return named + len(engine.exposure.under(hub.name))
        case "class":
            return 0
    given = _SIZES.get(hub.how)
    return (given(engine) if given is not None else 0) + engine.relevant_count


def _has_far(engine: Engine, hub: Hub) -> bool:
    """Tell whether one of the functions of `hub` may be one that is not looked at."""
    called = engine.far.get(hub.name, ())
    match hub.how, hub.cls:
        case "far", _:
            return False
        case "name", _ if "*" not in hub.name:
            return bool(called)
        case "name", _:
            return bool(fnmatch.filter(engine.far, hub.name))
        case "override", Class() as cls:
            return any(one.owner and engine.is_subclass(one.owner, cls) for one in called)
        case "lost" | "lost model", _:
            return any(is_lost(engine, hub, one) for one in called)
        case "super", Class() as cls:
            behind = engine.behind(cls) if called else {}
            return any(one.owner in behind for one in called)
        case "class" | "hooks" | "heirs", _:
            return False  # they are among its methods
    return bool(engine.far)


def _trees(engine: Engine, node: Node, hub: Hub) -> Iterable[Tree]:
    exposure = engine.exposure
    match hub.how:
        case "escaped":
            return [*(given.tree for given in exposure.escaped), *_returned(engine)]
        case "attached":
            attached = [
                given.tree
                for given in exposure.escaped
                if given.place in {"attached", "library"} or given.word in exposure.handed
            ]
            return [*attached, *_returned(engine)]
        case "name":
            trees = _calls(engine, node, _named(engine, hub.name))
            return [*trees, *(given.tree for given in exposure.under(hub.name))]
        case "lost" | "lost model":
            found = [decorated(engine, one) for one in lost_methods(engine, hub)]
            under = exposure.under(hub.name)
            return [*_calls(engine, node, found), *(given.tree for given in under)]
        case "library":
            return [given.tree for given in exposure.escaped if given.place == "library"]
        case "exposed":
            return [*(given.tree for given in exposure.outside), *_exposed(engine, node)]
        case "routes":
            return [route.tree for route in exposure.routes]
        case "far":
            return _far(engine, node)
        case "unasked":
            return _unasked(engine, node)
    return _calls(engine, node, _values(engine, node, hub))


def _values(engine: Engine, node: Node, hub: Hub) -> Iterable[Value]:
    """Return the functions of `hub`, for those that are told by names."""
    match hub.how, hub.cls:
        case "tasks", _:
            from headrace_inspect._libraries._celery_tasks import tasks_named

            return tasks_named(engine, hub.name)
        case "class", Class() as cls:
            return _methods(engine, node, cls, hub.name)
        case "hooks", _:
            return _hooks(engine, called_by(engine, hub))
        case "heirs", _:
            methods = (engine.methods(heir)[name] for heir, name in called_by(engine, hub))
            found = [one for one in dict.fromkeys(methods) if engine.policy.leads(one)]
            return [_undone(decorated(engine, one)) for one in found]
        case "override", Class() as cls:
            return _overrides(engine, cls, hub.name)
        case "super", Class() as cls:
            return _next_in_line(engine, cls, hub.name)
        case "module", _:
            return _members(engine, hub.name)
    functions = [one for named in engine.relevant.values() for one in named]
    if hub.how == "methods":
        functions = [function for function in functions if function.owner is not None]
    return [decorated(engine, function) for function in functions]


def decorated(engine: Engine, function: Function) -> Value:
    """Return what `function` is as code elsewhere finds it: decorated, and bound to an instance."""
    if function.owner is not None and function.binds == "instance":
        return engine.decorated(function, Instance(function.owner, exact=False))
    if isinstance(function.parent, Function):
        return FunctionValue(function)
    return engine.decorated(function)


def _far(engine: Engine, node: Node) -> Iterator[Tree]:
    """Yield what those may run that are not looked at: what they mention, and what is dynamic."""
    yield from _calls(engine, node, [decorated(engine, one) for one in engine.mentioned_by_far])
    for receivers in engine.exposure.receivers.values():
        yield from (connected.tree for connected in receivers)
    for how in ("escaped", "routes", "tasks"):
        yield Run(engine.hub(Hub(how)), Where("", 0))


def _exposed(engine: Engine, node: Node) -> Iterator[Tree]:
    """Yield what else may be called from outside: methods of instances, tasks known by name."""
    from headrace_inspect._libraries._celery_tasks import tasks_in_strings

    for cls in dict.fromkeys(cls for _, cls in engine.exposure.classes):
        yield from _calls(engine, node, _methods(engine, node, cls, "*"))
    yield from _calls(engine, node, tasks_in_strings(engine))


def _unasked(engine: Engine, node: Node) -> Iterator[Tree]:
    """Yield what runs without being named: special methods, and what they return.

    Those that make an instance run where the class is called.
    """
    for name, functions in engine.relevant.items():
        for function in functions if name.startswith("__") and name.endswith("__") else ():
            if name not in MAKING or is_of_metaclass(engine, function):
                value = decorated(engine, function)
                yield from engine.calls(value, node)
                for returned in _returned_by(engine, value):
                    yield from engine.calls(returned, node)
    yield from _calls(engine, node, _hooks(engine, called_anytime(engine)))
    yield from (given.tree for given in engine.exposure.anytime)


def _returned(engine: Engine) -> Iterator[Tree]:
    """Yield what those functions run that were returned to nobody knows whom."""
    for trees in engine.exposure.returned.values():
        yield from trees


def _returned_by(engine: Engine, value: Value) -> Iterator[Value]:
    if isinstance(value, FunctionValue):
        result = Result(engine.body(value))
        if not engine.is_far(result):
            yield from functions_in(engine.resolve, result)


def _calls(engine: Engine, node: Node, values: Iterable[Value]) -> Iterator[Tree]:
    """Yield what calls of `values` run, and note what they return."""
    exposure = engine.exposure
    for value in dict.fromkeys(values):
        yield from engine.calls(value, node)
        if value not in exposure.asked:
            exposure.asked.add(value)
            for one in _returned_by(engine, value):
                exposure.returned.setdefault(one, engine.calls(one, node))


def _named(engine: Engine, pattern: str) -> Iterator[Value]:
    names = [pattern] if "*" not in pattern else fnmatch.filter(engine.relevant, pattern)
    for name in names:
        for function in engine.relevant.get(name, ()):
            yield decorated(engine, function)


def _methods(engine: Engine, node: Node, cls: Class, pattern: str) -> Iterator[Value]:
    names = [name for name in engine.methods(cls) if fnmatch.fnmatchcase(name, pattern)]
    return _hooks(engine, [(cls, name) for name in names])


def _hooks(engine: Engine, methods: Iterable[tuple[Class, str]]) -> Iterator[Value]:
    for cls, name in methods:
        function = engine.methods(cls)[name]
        if name not in engine.relevant or not engine.policy.leads(function):
            continue
        made = engine.decorated(function, Instance(cls)) if function.decorators else None
        if isinstance(made, PropertyValue):
            yield made.inner
        else:
            yield attribute(Frame(engine, cls.module), Instance(cls), name, cls.node)


def _undone(value: Value) -> Value:
    """Return the function of a property, which somebody may read."""
    return value.inner if isinstance(value, PropertyValue) else value


def _overrides(engine: Engine, cls: Class, name: str) -> Iterator[Value]:
    for function in engine.relevant.get(name, ()):
        owner = function.owner
        if owner is not None and owner is not cls and engine.is_subclass(owner, cls):
            yield decorated(engine, function)


def _next_in_line(engine: Engine, cls: Class, name: str) -> Iterator[Value]:
    behind = engine.behind(cls)
    for function in engine.relevant.get(name, ()):
        if function.owner is not None and function.owner in behind:
            yield decorated(engine, function)


def _members(engine: Engine, name: str) -> Iterator[Value]:
    path, _, pattern = name.rpartition(":")
    module = engine.program.module(path)
    if module is None:
        return
    for member in module.bindings.names:
        if fnmatch.fnmatchcase(member, pattern):
            yield engine.resolve(engine.value_of(module, member))


def _size_of_escaped(engine: Engine) -> int:
    exposure = engine.exposure
    return len(exposure.escaped) + len(exposure.handed) + len(exposure.returned)


def _size_of_exposed(engine: Engine) -> int:
    exposure = engine.exposure
    return len(exposure.outside) + len(exposure.classes) + len(exposure.tasks)


def _size_of_lost(engine: Engine) -> int:
    exposure = engine.exposure
    return len(exposure.escaped) + len(exposure.lost) + len(engine.mros)


_SIZES: dict[str, Callable[[Engine], int]] = {
    **dict.fromkeys(("escaped", "attached", "library"), _size_of_escaped),
    "exposed": _size_of_exposed,
    "far": lambda engine: sum(map(len, engine.exposure.receivers.values())),
    "heirs": lambda engine: len(engine.mros),
    **dict.fromkeys(("lost", "lost model"), _size_of_lost),
    "routes": lambda engine: len(engine.exposure.routes),
    "tasks": lambda engine: len(engine.exposure.tasks),
    "unasked": lambda engine: len(engine.mros) + len(engine.exposure.anytime),
}
