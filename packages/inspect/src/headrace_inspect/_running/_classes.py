"""The order in which a class and its bases are searched."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from headrace_inspect._names._entities import Class, Function
from headrace_inspect._names._library_values import FlowValue
from headrace_inspect._names._values import ClassValue, External

if TYPE_CHECKING:
    from ._engine import Engine

UNKNOWN_BASE = "?"
# Bases that call nothing of their subclasses on their own.
PLAIN = frozenset([
    "abc.ABC",
    "builtins.BaseException",
    "builtins.Exception",
    "builtins.dict",
    "builtins.int",
    "builtins.list",
    "builtins.object",
    "builtins.str",
    "builtins.tuple",
    "typing.Generic",
    "typing.NamedTuple",
    "typing.Protocol",
    "typing.TypedDict",
    "typing_extensions.Protocol",
])


def mro(engine: Engine, cls: Class) -> list[Class | str]:
    """Return `cls` and its bases in Python's order; those of libraries as dotted names."""
    known = engine.mros.get(cls)
    if known is not None:
        return known
    engine.mros[cls] = [cls]  # for a class that is a base of itself
    bases: list[list[Class | str]] = []
    for expression in cls.node.bases:
        match engine.resolve(engine.evaluate(expression, cls.parent)):
            case ClassValue(cls=base):
                bases.append(list(mro(engine, base)))
            case External(name=name):
                bases.append([name])
            case _:
                bases.append([UNKNOWN_BASE])
    engine.mros[cls] = order = [cls, *_merged([*bases, [base[0] for base in bases]])]
    return order


def methods(engine: Engine, cls: Class) -> dict[str, Function]:
    """Return the methods of `cls` by attribute, inherited ones included."""
    found: dict[str, Function] = {}
    for base in reversed(engine.mro(cls)):
        if not isinstance(base, Class):
            continue
        for name, bindings in base.bindings.names.items():
            found.pop(name, None)
            for binding in bindings:
                if isinstance(binding.node, ast.FunctionDef | ast.AsyncFunctionDef):
                    function = base.module.function(binding.node, base)
                    if not function.is_variant:
                        found[name] = function
    return found


def is_of_metaclass(engine: Engine, function: Function) -> bool:
    """Tell whether `function` is a method of a class of classes."""
    return function.owner is not None and "builtins.type" in engine.mro(function.owner)


def is_changed(engine: Engine, cls: Class) -> bool:
    """Tell whether a decorator of the source may change the methods of `cls`, or take its place."""
    return any(
        not isinstance(
            engine.resolve(engine.evaluate(decorator, base.parent)), External | FlowValue
        )
        for base in engine.mro(cls)
        if isinstance(base, Class)
        for decorator in base.node.decorator_list
    )


def registers(engine: Engine, cls: Class) -> bool:
    """Tell whether a base or metaclass of the source may register `cls` when it is made."""
    return engine.has_method(cls, "__init_subclass__") or any(
        isinstance(engine.resolve(engine.evaluate(keyword.value, base.parent)), ClassValue)
        for base in engine.mro(cls)
        if isinstance(base, Class)
        for keyword in base.node.keywords
        if keyword.arg == "metaclass"
    )


def frameworks_of(engine: Engine, cls: Class) -> list[str]:
    """Return the bases of `cls` in libraries, which may call its methods."""
    return [
        base
        for base in engine.mro(cls)
        if isinstance(base, str)
        and base not in PLAIN
        and not (base.startswith("builtins.") and base.endswith(("Error", "Exception")))
    ]


def _merged(sequences: list[list[Class | str]]) -> list[Class | str]:
    """Merge by the C3 rule; where that finds no order, the first come first."""
    order: list[Class | str] = []
    while sequences := [sequence for sequence in sequences if sequence]:
        head = next(
            (s[0] for s in sequences if not any(s[0] in other[1:] for other in sequences)),
            sequences[0][0],
        )
        order.append(head)
        sequences = [[one for one in sequence if one != head] for sequence in sequences]
    return order
