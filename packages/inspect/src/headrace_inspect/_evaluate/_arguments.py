"""Arguments: what tells the evaluations of a function apart, and what they begin with.

Callables do, true and false, and texts that may be names or addresses. Of objects, the classes are
kept for all evaluations together, and an object is told by its class where methods differ in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from headrace_inspect._symbols._entities import Class, Function
from headrace_inspect._symbols._syntax import Expr

from ._contexts import Context
from ._values import (
    Arguments,
    Bound,
    ClassValue,
    Constant,
    External,
    Instance,
    Items,
    ModuleValue,
    Named,
    Object,
    Table,
    Union,
    Value,
    function_in,
    options_of,
    shallow,
    union,
)

if TYPE_CHECKING:
    from ._engine import Engine

MOST = 64  # else decorators that wrap each other pass on ever longer arguments
_DETAILED = 2
_ADDRESSES = 8
_RECEIVERS = 32  # else a method of a base class is evaluated for each of a thousand subclasses
_VERBS = frozenset(["GET", "POST", "PUT", "PATCH", "DELETE"])
_VAGUE = (Constant, Object, Items, Table)


def receiver_for(
    engine: Engine, function: Function, owner: Class, receiver: Instance, count: int
) -> Instance:
    """Return what a method needs to know of its object: no more than its own class, perhaps."""
    own, cls = function.syntax.own, receiver.cls
    if cls is owner and not receiver.is_exact:
        return receiver
    if cls is not owner and "super" not in own and not _differs(engine, cls, owner, own):
        cls = owner
    if count >= _RECEIVERS and "super" not in own:
        cls = owner
    if receiver.is_exact and not engine.classes.names_below(cls).isdisjoint(own):
        return replace(receiver, cls=cls)
    return replace(receiver, cls=cls, is_exact=False)


def _differs(engine: Engine, cls: Class, owner: Class, names: Sequence[str]) -> bool:
    """Tell whether a class below `owner` has any of these members of its own."""
    for one in engine.classes.sources(cls):
        if one is owner:
            return False
        if one.decorators or not one.members.keys().isdisjoint(names):
            return True
    return True


def note_arguments(
    engine: Engine, function: Function, receiver: Value, arguments: Arguments, keywords: Named
) -> None:
    """Keep the classes of the objects that parameters without an annotation are given."""
    skipped = receiver is not None and function.owner is not None
    parameters = function.parameters[skipped:]
    given = [*zip(parameters, arguments, strict=False)]
    if keywords:
        by_name = {one[0]: one for one in parameters}
        given += [(by_name[name], one) for name, one in keywords if name in by_name]
    for (name, annotation, _, _), value in given:
        if annotation is None and isinstance(value, Instance | Object | Union):
            engine.store.put(("parameter", function, name), value)


def variables_of(
    engine: Engine,
    context: Context,
    arguments: Arguments,
    keywords: Named,
    omitted: Sequence[str],
) -> dict[str, Value]:
    """Return the variables that the body of a function begins with, and note the literals."""
    function, variables = context.function, dict(context.captured)
    if function is None:
        return variables
    if context.receiver is not None and function.owner is not None:
        arguments = (context.receiver, *arguments)
    named = dict(keywords)
    for number, (name, annotation, default, is_positional) in enumerate(function.parameters):
        value = named.pop(name, None)
        if is_positional and number < len(arguments):
            value = arguments[number]
        if name in omitted:
            context.literals[name] = default[1]
        elif isinstance(value, Constant) and type(value.value) in {bool, type(None)}:
            context.literals[name] = value.value
        if value is None and annotation is None:
            value = engine.store.get(("parameter", function, name), context)
        if value is None:
            value = _default(engine, function, default)
        if annotation is not None and (value is None or isinstance(value, _VAGUE)):
            value = _declared(engine, context, annotation, value)
        variables[name] = value
    _add_rest(function, arguments, named, variables)
    return variables


def _add_rest(
    function: Function, arguments: Arguments, named: dict[str, Value], variables: dict[str, Value]
) -> None:
    """Add what ``*args`` and ``**kwargs`` hold."""
    positional = sum(one[3] for one in function.parameters)
    if function.syntax.vararg is not None:
        variables[function.syntax.vararg] = Items(arguments[positional:])
    if function.syntax.kwarg is not None:
        variables[function.syntax.kwarg] = Table(tuple(named.items()))


def _declared(engine: Engine, context: Context, annotation: Expr, value: Value) -> Value:
    scope = context.function.scope if context.function is not None else None
    declared = None if scope is None else engine.types.of(annotation, scope, context.receiver)
    is_object = any(isinstance(one, Instance) for one in options_of(declared))
    return declared if is_object else union(value, declared)


def _default(engine: Engine, function: Function, node: Expr) -> Value:
    value = None if node is None else engine.evaluate(engine.quiet(function.scope), node)
    is_injected = isinstance(value, Object) and value.made_by in engine.registry.injecting
    return None if is_injected else value


def omitted_by(
    function: Function, receiver: Value, arguments: Arguments, keywords: Named
) -> tuple[str, ...]:
    """Return what a call leaves at true, false or None of the parameters that decide conditions."""
    skipped = receiver is not None and function.owner is not None
    named = {name for name, _ in keywords}
    return tuple([
        name
        for name, _, default, _ in function.parameters[skipped + len(arguments) :]
        if name in function.syntax.tested and name not in named
        and type(default) is tuple and default[0] == "k"
        and type(default[1]) in {bool, type(None)}
    ])  # fmt: skip


def telling(value: Value, count: int) -> Value:
    """Return what tells the evaluation after `count` others of a function by an argument."""
    if value is None or count >= MOST:
        return None
    match value:
        case Constant(value=text):
            return value if count < _limit_for(text) else None
        case Items() | Table():
            return shallow(value) if _is_callable(value) else None
        case Union(options=options):
            found = [telling(one, count) for one in options if not isinstance(one, Constant)]
            return union(*found)
        case Object() | Instance() | Bound() | External() | ModuleValue():
            return None
    return shallow(value)


def _limit_for(value: object) -> int:
    """Return how many evaluations of a function are told apart by such a literal."""
    if not isinstance(value, str):
        return _ADDRESSES if isinstance(value, bool) else 0
    if not {*value}.isdisjoint("./\0") or value in _VERBS:
        return _ADDRESSES
    return _DETAILED if value.isidentifier() else 0


def _is_callable(value: Value) -> bool:
    """Tell whether a container has something that can be called, or has methods."""
    inner = value.values if isinstance(value, Items) else ()
    inner = tuple([one for _, one in value.entries]) if isinstance(value, Table) else inner
    return any(
        function_in(option) is not None or isinstance(option, ClassValue | Instance)
        for one in inner
        for option in options_of(one)
    )
