"""Arguments: the context sensitivity of calls, and the initial variables of a function body.

Contexts differ by callables, instances of the program's classes, booleans, and strings that may be
names or addresses. All contexts of a function share the library classes of its arguments; the
receiver's class counts if members that the method uses differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
    FunctionValue,
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

MAX_CONTEXTS = 1024  # otherwise nested decorators pass ever longer arguments
_MAX_OTHERS = 64
_MAX_NAMES = 2
_MAX_FLAGS = 8
_MAX_ADDRESSES = 256
_WHOLE = frozenset(["self", "super", "__class__"])
_VERBS = frozenset(["GET", "POST", "PUT", "PATCH", "DELETE"])
_VAGUE = (Constant, Object, Items, Table)


def receiver_for(engine: Engine, function: Function, owner: Class, receiver: Instance) -> Instance:
    """Return the receiver, generalized to the defining class if its own makes no difference."""
    cls, is_exact = receiver.cls, receiver.is_exact
    names = engine.classes.names_used(cls, function)
    if _WHOLE.isdisjoint(names):
        is_exact = is_exact and not engine.classes.names_below(cls).isdisjoint(names)
        cls = cls if _differs(engine, receiver, owner, names) else owner
    if cls is receiver.cls and is_exact is receiver.is_exact:
        return receiver
    return replace(receiver, cls=cls, is_exact=is_exact)


def _differs(engine: Engine, receiver: Instance, owner: Class, names: Iterable[str]) -> bool:
    """Tell whether any of these members may differ between the receiver and others of `owner`."""
    classes, cls = engine.classes, receiver.cls
    between = [one for one in classes.sources(cls) if one not in classes.sources(owner)]
    if any(one.decorators or not one.names.keys().isdisjoint(names) for one in between):
        return True
    return not classes.names_below(owner).isdisjoint(names)


def record_arguments(
    engine: Engine, function: Function, receiver: Value, arguments: Arguments, keywords: Named
) -> None:
    """Record the library classes of the arguments for parameters without an annotation."""
    skipped = receiver is not None and function.owner is not None
    parameters = function.parameters[skipped:]
    given = [*zip(parameters, arguments, strict=False)]
    if keywords:
        by_name = {one[0]: one for one in parameters}
        given += [(by_name[name], one) for name, one in keywords if name in by_name]
    for (name, annotation, _, _), value in given:
        if annotation is None and isinstance(value, Object | Union):
            # Instances of the program's classes have contexts of their own.
            rest = [one for one in options_of(value) if not isinstance(one, Instance)]
            engine.store.put(("parameter", function, name), union(*rest))


def variables_of(
    engine: Engine,
    context: Context,
    arguments: Arguments,
    keywords: Named,
    omitted: Sequence[str],
) -> None:
    """Set the variables of a new context to its arguments, and note the literal ones."""
    function, variables = context.function, context.variables
    if function is None:
        return
    if context.receiver is not None and function.owner is not None:
        arguments = (context.receiver, *arguments)
    named = dict(keywords)
    for number, (name, _, default, is_positional) in enumerate(function.parameters):
        value = named.pop(name, None)
        if is_positional and number < len(arguments):
            value = arguments[number]
        if name in omitted:
            context.literals[name] = default[1]
        elif isinstance(value, Constant) and type(value.value) in {bool, type(None)}:
            context.literals[name] = value.value
        variables[name] = value
    _add_rest(function, arguments, named, variables)


def parameter(engine: Engine, context: Context, name: str) -> Value:
    """Return the value of a parameter: the argument, or what is known of all arguments."""
    function, value = context.function, context.variables.get(name)
    parameters = () if function is None else function.parameters
    found = [one for one in parameters if one[0] == name]
    if function is None or not found:
        return value
    _, annotation, default, _ = found[0]
    if value is None and annotation is None:
        value = engine.store.get(("parameter", function, name), context)
    if value is None:
        value = _default(engine, function, default)
    if annotation is not None and (value is None or isinstance(value, _VAGUE)):
        declared = engine.types.of(annotation, function.home, context.receiver)
        is_object = any(isinstance(one, Instance) for one in options_of(declared))
        value = declared if is_object else union(value, declared)
    return value


def _add_rest(
    function: Function, arguments: Arguments, named: dict[str, Value], variables: dict[str, Value]
) -> None:
    """Add the contents of ``*args`` and ``**kwargs``."""
    positional = sum(one[3] for one in function.parameters)
    if function.syntax.vararg is not None:
        variables[function.syntax.vararg] = Items(arguments[positional:])
    if function.syntax.kwarg is not None:
        variables[function.syntax.kwarg] = Table(tuple(named.items()))


def _default(engine: Engine, function: Function, node: Expr) -> Value:
    value = engine.evaluate(function.home, node)
    is_injected = isinstance(value, Object) and value.made_by in engine.registry.injecting
    return None if is_injected else value


def omitted_parameters(
    function: Function, receiver: Value, arguments: Arguments, keywords: Named
) -> tuple[str, ...]:
    """Return the tested parameters that a call leaves at a default of true, false or None."""
    skipped = receiver is not None and function.owner is not None
    named = {name for name, _ in keywords}
    return tuple([
        name
        for name, _, default, _ in function.parameters[skipped + len(arguments) :]
        if name in function.syntax.tested and name not in named
        and type(default) is tuple and default[0] == "k"
        and type(default[1]) in {bool, type(None)}
    ])  # fmt: skip


def context_key(value: Value, count: int) -> Value:
    """Return the part of an argument that distinguishes contexts, or None.

    Sensitivity falls with `count`, the number of contexts that the function already has.
    """
    match value:
        case Constant(value=plain):
            return value if count < _max_contexts_for(plain) else None
        case Union(options=options):
            found = [context_key(one, count) for one in options if not isinstance(one, Constant)]
            return union(*found)
        case Instance() | FunctionValue():
            return shallow(value) if count < MAX_CONTEXTS else None
        case None | Object() | Bound() | ModuleValue():
            return None
        case Items() | Table() if not _is_callable(value):
            return None
    return shallow(value) if count < _MAX_OTHERS else None


def _max_contexts_for(value: object) -> int:
    """Return how many contexts of a function such a literal may distinguish."""
    if not isinstance(value, str):
        return _MAX_FLAGS if isinstance(value, bool) else 0
    if not {*value}.isdisjoint("./\0") or value in _VERBS:
        return _MAX_ADDRESSES
    return _MAX_NAMES if value.isidentifier() else 0


def _is_callable(value: Value) -> bool:
    """Tell whether a container holds a callable, or an object with methods."""
    inner = value.values if isinstance(value, Items) else ()
    inner = tuple([one for _, one in value.entries]) if isinstance(value, Table) else inner
    return any(
        function_in(option) is not None or isinstance(option, ClassValue | Instance)
        for one in inner
        for option in options_of(one)
    )
