"""What names stand for: scopes, imports, re-exports."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from headrace_inspect._names._entities import Class, Function, Module, Scope
from headrace_inspect._names._program import BUILTINS
from headrace_inspect._names._scopes import Binding
from headrace_inspect._names._values import (
    NOTHING,
    UNKNOWN,
    Arguments,
    Choice,
    ClassValue,
    Dynamic,
    External,
    FunctionValue,
    Instance,
    Items,
    Many,
    ModuleValue,
    Possibly,
    Result,
    Table,
    Text,
    Value,
    choice_of,
)

from ._nodes import Hub

if TYPE_CHECKING:
    from ._engine import Engine


def lookup(engine: Engine, name: str, scope: Scope) -> Value:
    """Return what `name` stands for in `scope`; a class's names are seen in its body alone."""
    current: Scope | None = scope
    while current is not None:
        if not isinstance(current, Class) or current is scope:
            found = _here(engine, current, name)
            if found is not None:
                return found
        current = current.parent
    return External(f"builtins.{name}") if name in BUILTINS else UNKNOWN


def _here(engine: Engine, scope: Scope, name: str) -> Value | None:
    bindings = scope.bindings
    if name in bindings.names and name not in bindings.outside:
        return engine.value_of(scope, name)
    if isinstance(scope, Function) and name in scope.parameters:
        return engine.parameter(scope, name)
    if isinstance(scope, Module) and bindings.stars:
        return _starred(engine, scope, name)
    return None


def bound_value(engine: Engine, scope: Scope, name: str) -> Value:
    """Return what the bindings of `name` in `scope` give; the last of several definitions."""
    bindings = scope.bindings.names[name]
    annotation: Value = UNKNOWN
    values: list[Value] = []
    for binding in _effective(scope, bindings):
        if binding.how == "annotated":
            if isinstance(binding.node, ast.expr):
                annotation = engine.annotated(binding.node, scope)
        else:
            values.append(engine.resolve(_one(engine, scope, name, binding)))
    if name in scope.module.changes.rebound:
        values.append(UNKNOWN)
    value = choice_of(values)
    if isinstance(scope, Module | Class):
        value = perhaps_grown(engine, value, name, scope.module)
    if isinstance(annotation, Instance) and isinstance(value, External | type(UNKNOWN)):
        return annotation
    return annotation if value in {UNKNOWN, NOTHING} and annotation is not UNKNOWN else value


def perhaps_grown(engine: Engine, value: Value, name: str, module: Module | None = None) -> Value:
    """Return `value` of the variable or attribute `name`, with what is put into it elsewhere."""
    if isinstance(value, Items | Many) and engine.has_grown(name, module):
        return Many((*value.items, UNKNOWN))
    if isinstance(value, Table) and engine.has_grown(name):
        return Table((*value.items, UNKNOWN))
    return value


def _effective(scope: Scope, bindings: list[Binding]) -> list[Binding]:
    if len(bindings) == 1:
        return bindings
    kept = [one for one in bindings if not _is_variant(scope, one)]
    body = getattr(scope, "tree", scope.node if not isinstance(scope, Module) else None)
    statements = getattr(body, "body", None)
    if isinstance(statements, list) and all(
        one.how in {"def", "class"} and one.node in statements for one in kept
    ):
        return kept[-1:]
    return kept


def _is_variant(scope: Scope, binding: Binding) -> bool:
    node = binding.node
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return False
    return scope.module.function(node, scope).is_variant


def _one(engine: Engine, scope: Scope, name: str, binding: Binding) -> Value:
    node = binding.node
    match binding.how:
        case "import":
            return imported(engine, binding.module, scope.module)
        case "from":
            return imported_from(engine, binding, scope.module)
        case "def" if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            return engine.decorated(scope.module.function(node, scope))
        case "class" if isinstance(node, ast.ClassDef):
            return ClassValue(scope.module.cls(node, scope))
        case "value" if isinstance(node, ast.expr):
            return _built(engine, scope, name, engine.evaluate(node, scope))
        case "entered" if isinstance(node, ast.expr):
            return engine.evaluate(node, scope)
        case "element" if isinstance(node, ast.expr):
            value = engine.resolve(engine.evaluate(node, scope))
            return choice_of(value.items) if isinstance(value, Items | Many) else UNKNOWN
    return UNKNOWN


def _built(engine: Engine, scope: Scope, name: str, value: Value) -> Value:
    calls = scope.bindings.built.get(name)
    if not calls:
        return value
    from headrace_inspect._libraries._changes import is_changeable

    if not is_changeable(value):
        return value
    from ._frame import Frame

    frame = Frame(engine, scope, None, {name: value})
    for call in calls:
        frame.evaluate(call)
    return frame.variables[name]


def imported(engine: Engine, dotted: str, importer: Module) -> Value:
    """Return the module `dotted` as `importer` imports it."""
    from headrace_inspect._libraries import is_known_library

    if is_known_library(dotted):
        return External(dotted)
    path = engine.program.tree.find(dotted, importer.path)
    return ModuleValue(dotted, path) if path is not None else External(dotted)


def imported_from(engine: Engine, binding: Binding, importer: Module) -> Value:
    """Return what a ``from`` import binds."""
    if binding.level:
        path = engine.program.tree.find_relative(binding.module, binding.level, importer.path)
        return UNKNOWN if path is None else member(engine, ModuleValue("", path), binding.name)
    module = imported(engine, binding.module, importer)
    if isinstance(module, ModuleValue):
        return member(engine, module, binding.name)
    return External(f"{binding.module}.{binding.name}")


def member(engine: Engine, module: ModuleValue, name: str) -> Value:
    """Return the attribute `name` of a module: what it binds, or a submodule."""
    from headrace_inspect._libraries import model_of

    dotted = f"{module.dotted}.{name}"
    if module.dotted and model_of(dotted) is not None:
        return External(dotted)
    source = engine.program.module(module.path)
    found = None
    if source is not None:
        if name in source.bindings.names:
            return engine.value_of(source, name)
        found = _starred(engine, source, name)
        made = _made(engine, module, name) if found is None else None
        if made is not None:
            return made
    path = engine.program.tree.child(module.path, name)
    if found is not None and (found is not UNKNOWN or path is None):
        return found
    if path is not None:
        return ModuleValue(dotted if module.dotted else "", path)
    return External(dotted) if source is None and module.dotted else UNKNOWN


def getter(engine: Engine, module: ModuleValue, name: str) -> FunctionValue | None:
    """Return the ``__getattr__`` of a module, if it is asked for `name`."""
    source = engine.program.module(module.path)
    if (
        source is None
        or name in source.bindings.names
        or "__getattr__" not in source.bindings.names
    ):
        return None
    value = engine.value_of(source, "__getattr__")
    return value if isinstance(value, FunctionValue) else None


def _made(engine: Engine, module: ModuleValue, name: str) -> Value | None:
    """Return what the ``__getattr__`` of a module makes; one of several things only possibly."""
    function = getter(engine, module, name)
    if function is None or engine.program.tree.child(module.path, name) is not None:
        return None
    value = engine.resolve(Result(engine.body(function, Arguments((Text((name,)),)))))
    if isinstance(value, Choice):
        return Possibly(value)
    return Dynamic(Hub("all")) if value in {UNKNOWN, NOTHING} else value


def _starred(engine: Engine, module: Module, name: str) -> Value | None:
    if name.startswith("_"):
        return None
    for dotted, level in module.bindings.stars:
        if level:
            path = engine.program.tree.find_relative(dotted, level, module.path)
        else:
            path = engine.program.tree.find(dotted, module.path)
        source = engine.program.module(path) if path is not None else None
        if source is None or source is module:
            continue
        if name in source.bindings.names:
            return engine.value_of(source, name)
        if source.bindings.stars and (found := _starred_once(engine, source, name)) is not None:
            return found
    return None


_looking: set[tuple[str, str]] = set()


def _starred_once(engine: Engine, module: Module, name: str) -> Value | None:
    key = (module.path, name)
    if key in _looking:  # modules that import each other with a star
        return None
    _looking.add(key)
    try:
        return _starred(engine, module, name)
    finally:
        _looking.discard(key)
