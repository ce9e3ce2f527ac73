"""Which functions an instance keeps under which attributes, from the call that makes it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from headrace_inspect._names._entities import Class, Function
from headrace_inspect._names._values import (
    Arguments,
    External,
    FunctionValue,
    Instance,
    PartialValue,
    StepValue,
    TaskValue,
    Value,
)

from ._specialising import bound, depth_of

if TYPE_CHECKING:
    from ._engine import Engine


_DEEPEST = 3
_MADE_OF_FIELDS = frozenset([
    "attr.define",
    "attr.frozen",
    "attr.s",
    "attrs.define",
    "attrs.frozen",
    "dataclasses.dataclass",
    "pydantic.dataclasses.dataclass",
])
_UNUSUAL = frozenset(["init", "kw_only"])


def made(engine: Engine, cls: Class, arguments: Arguments) -> Instance:
    """Return the instance of `cls` that a call with `arguments` makes."""
    if arguments.starred or not (arguments.positional or arguments.named):
        return Instance(cls)
    init = engine.methods(cls).get("__init__")
    given = _stored(init, arguments) if init is not None else _listed(engine, cls, arguments)
    setters = [function for function in (init,) if function is not None]
    fields = [
        (name, value)
        for name, value in ((name, engine.resolve(value)) for name, value in given)
        if _is_kept(value) and _is_set_once(engine, cls, name, setters)
    ]
    return Instance(cls, fields=tuple(fields))


def _stored(init: Function, arguments: Arguments) -> Iterator[tuple[str, Value]]:
    """Yield what ``__init__`` stores of its parameters as it is."""
    if init.owner is None:
        return
    values = bound(init, Instance(init.owner), arguments)
    for name, stores in init.owner.stores.items():
        for method, expression, is_annotation in stores:
            parameter = expression.id if isinstance(expression, ast.Name) else ""
            is_as_given = parameter in values and parameter not in init.bindings.names
            if method is init and not is_annotation and is_as_given:
                yield name, values[parameter]


def _listed(engine: Engine, cls: Class, arguments: Arguments) -> Iterator[tuple[str, Value]]:
    """Yield the fields of a dataclass or a named tuple."""
    names: list[str] = []
    for base in reversed(engine.mro(cls)):
        if isinstance(base, Class):
            if not _is_made_of_fields(engine, base):
                return
            names += [name for name in _annotated(base) if name not in names]
    yield from zip(names, arguments.positional, strict=False)
    yield from ((name, value) for name, value in arguments.named if name in names)


def _is_made_of_fields(engine: Engine, cls: Class) -> bool:
    if any(_is_unusual(node) for node in (*cls.node.body, *cls.node.decorator_list)):
        return False
    decorators = [engine.evaluate(one, cls.parent) for one in cls.node.decorator_list]
    names = {one.name.removesuffix("()") for one in decorators if isinstance(one, External)}
    return not names.isdisjoint(_MADE_OF_FIELDS) or "typing.NamedTuple" in engine.mro(cls)


def _is_unusual(node: ast.AST) -> bool:
    """Tell whether a field or the class says that it is given otherwise than by its place."""
    value = node.value if isinstance(node, ast.AnnAssign) else node
    return isinstance(value, ast.Call) and any(one.arg in _UNUSUAL for one in value.keywords)


def _annotated(cls: Class) -> Iterator[str]:
    for name, bindings in cls.bindings.names.items():
        for binding in bindings:
            if binding.how == "annotated" and "ClassVar" not in ast.unparse(binding.node):
                yield name


def _is_kept(value: Value) -> bool:
    is_callable = isinstance(value, FunctionValue | StepValue | TaskValue | PartialValue)
    # Which instance serves an interface is the business of whoever puts the parts together.
    is_wrapping = isinstance(value, Instance) and bool(value.fields)
    return (is_callable or is_wrapping) and depth_of(value) < _DEEPEST


def _is_set_once(engine: Engine, cls: Class, name: str, setters: list[Function]) -> bool:
    """Tell whether only `setters`, and each of them once, set the attribute `name`."""
    stores = [
        method
        for base in engine.mro(cls)
        if isinstance(base, Class)
        for method, _, is_annotation in base.stores.get(name, ())
        if not is_annotation
    ]
    return stores in ([], setters) and not engine.is_patched(name)
