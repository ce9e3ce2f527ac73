"""Names: what they mean in a body, a module or a library."""

from __future__ import annotations

import ast
import builtins
from typing import TYPE_CHECKING

from headrace_inspect._symbols._bindings import bindings_in
from headrace_inspect._symbols._entities import (
    Assignment,
    Binding,
    Class,
    Function,
    Import,
    Module,
    Scope,
    module_of,
)

from ._values import (
    UNKNOWN,
    ClassValue,
    Constant,
    External,
    FunctionValue,
    ModuleValue,
    Object,
    Value,
    union,
)

if TYPE_CHECKING:
    from ._engine import Engine

_BUILTINS = frozenset(dir(builtins))


class Names:
    """Looks names up."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._known: dict[tuple[Scope, str], Value] = {}
        self._functions: dict[Function, Value] = {}
        self._classes: dict[Class, Value] = {}

    def in_scope(self, scope: Scope, name: str) -> Value:
        """Return what `name` means in a scope, apart from local variables of functions."""
        if isinstance(scope, Class) and name in scope.members:
            return self.in_class(scope, name)
        while not isinstance(scope, Module):
            scope = scope.scope
            if isinstance(scope, Function) and not isinstance(scope.node, ast.Lambda):
                # The values of its variables are unknown here, but not its definitions.
                for bound, binding in bindings_in(scope.node.body):
                    if bound == name and not isinstance(binding, Assignment):
                        return self._binding(binding, scope)
        return self.in_module(scope, name)

    def in_class(self, cls: Class, name: str) -> Value:
        """Return the member `name` that a class itself has."""
        return self._once((cls, name), cls.members[name], cls)

    def in_module(self, module: Module, name: str) -> Value:
        """Return the global `name` of a module, or the builtin of that name."""
        found = module.values.get(name)
        if found is None:
            found = self.member(module, name)
            if found is None:
                found = External(f"builtins.{name}") if name in _BUILTINS else UNKNOWN
            if found is not UNKNOWN:  # which it also is while it is found out
                module.values[name] = found
        return found

    def member(self, module: Module, name: str) -> Value | None:
        """Return the global `name` of a module, or None."""
        if name in module.bindings:
            return self._once((module, name), module.bindings[name], module)
        if name.startswith("_"):
            return None
        stars, module.stars = module.stars, []  # so that a circle of imports ends
        try:
            for star in reversed(stars):
                source = self._engine.program.find(star.module, star.level, module)
                found = self.member(source, name) if isinstance(source, Module) else None
                if found is not None:
                    return found
        finally:
            module.stars = stars
        return None

    def _once(self, key: tuple[Scope, str], bindings: list[Binding], scope: Scope) -> Value:
        found = self._known.get(key)
        if found is None:
            self._known[key] = UNKNOWN
            last = bindings[-1]
            if isinstance(last, ast.FunctionDef | ast.AsyncFunctionDef):
                # A property is its getter; otherwise the last definition wins.
                bindings = [bindings[0] if _is_accessor(last) else last]
            found = union(*[self._binding(one, scope) for one in bindings])
            self._known[key] = found
        return found

    def _binding(self, binding: Binding, scope: Scope) -> Value:
        engine = self._engine
        match binding:
            case Import():
                return self.imported(binding, module_of(scope))
            case ast.ClassDef():
                return self.cls(engine.program.cls(binding, scope))
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                return self.function(engine.program.function(binding, scope))
        value = UNKNOWN
        if binding.value is not None:
            value = engine.evaluate(engine.quiet(scope), binding.value)
            for index in binding.path:
                value = engine.item(value, index)
        is_vague = value is UNKNOWN or isinstance(value, Object | Constant)
        declared = engine.types.of(binding.annotation, scope) if is_vague else UNKNOWN
        return value if declared is UNKNOWN else declared

    def function(self, function: Function) -> Value:
        """Return what a function is once its decorators are applied."""
        found = self._functions.get(function)
        if found is None:
            plain = self._functions[function] = FunctionValue(function)
            frame = self._engine.quiet(function.scope)
            found = self._functions[function] = self._engine.decorated(frame, function, plain)
        return found

    def cls(self, cls: Class) -> Value:
        """Return a class, after its decorators were applied to it."""
        found = self._classes.get(cls)
        if found is None:
            found = self._classes[cls] = ClassValue(cls)
            frame = self._engine.quiet(cls.scope)
            for node in reversed(cls.node.decorator_list):
                frame.call(self._engine.evaluate(frame, node), node, (found,))
        return found

    def imported(self, made: Import, module: Module) -> Value:
        """Return what an import binds."""
        source = self._engine.program.find(made.module, made.level, module)
        if source is None:
            dotted = made.module if made.name is None else f"{made.module}.{made.name}"
            return UNKNOWN if made.level else self.external(dotted)
        return ModuleValue(source) if made.name is None else self.of_module(source, made.name)

    def external(self, dotted: str) -> Value:
        """Return something of a library, under the name that the models know."""
        return External(self._engine.registry.canonical(dotted))

    def of_module(self, module: Module | str, name: str) -> Value:
        """Return the attribute `name` of a module or namespace package."""
        found = self.member(module, name) if isinstance(module, Module) else None
        if found is not None and found is not UNKNOWN:
            return found
        child = self._engine.program.child(module, name)
        return UNKNOWN if child is None else ModuleValue(child)


def _is_accessor(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    accessors = {"setter", "deleter"}
    return any(getattr(one, "attr", "") in accessors for one in node.decorator_list)
