"""Names: what they are bound to, in a body, a module or a library."""

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
    from ._frame import Frame

_BUILTINS = frozenset(dir(builtins))


class Names:
    """Looks names up."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._globals: dict[tuple[Module, str], Value] = {}
        self._added: dict[tuple[Module, str], Value] = {}
        self._members: dict[tuple[Class, str], Value] = {}
        self._functions: dict[Function, Value] = {}
        self._classes: dict[Class, Value] = {}

    def in_frame(self, frame: Frame, name: str) -> Value:
        """Return what `name` means in a running body."""
        if name in frame.variables:
            return frame.variables[name]
        return self.in_scope(frame.scope, name)

    def in_scope(self, scope: Scope, name: str) -> Value:
        """Return what `name` means in a scope, apart from local variables of functions."""
        if isinstance(scope, Class) and name in scope.members:
            return self.in_class(scope, name)
        while not isinstance(scope, Module):
            scope = scope.scope
            if isinstance(scope, Function):
                found = self._in_function(scope, name)
                if found is not None:
                    return found
        return self.in_module(scope, name)

    def in_class(self, cls: Class, name: str) -> Value:
        """Return what the member `name` of a class is, which has it itself."""
        key = (cls, name)
        if key not in self._members:
            self._members[key] = UNKNOWN
            self._members[key] = self.bound(cls.members[name], cls)
        return self._members[key]

    def _in_function(self, scope: Function, name: str) -> Value | None:
        # A scope of which no run is at hand: only its definitions and imports are known.
        if isinstance(scope.node, ast.Lambda):
            return None
        for bound, binding in bindings_in(scope.node.body):
            if bound == name and not isinstance(binding, Assignment):
                return self.bound([binding], scope)
        return None

    def in_module(self, module: Module, name: str) -> Value:
        """Return the global `name` of a module, or the builtin of that name."""
        found = self.member(module, name)
        if found is None:
            return External(f"builtins.{name}") if name in _BUILTINS else UNKNOWN
        return found

    def member(self, module: Module, name: str) -> Value | None:
        """Return the global `name` of a module, or None."""
        key = (module, name)
        if key not in self._globals:
            if name not in module.bindings:
                return self._starred(module, name) or self._added.get(key)
            self._globals[key] = UNKNOWN
            self._globals[key] = self.bound(module.bindings[name], module)
        return union(self._globals[key], self._added.get(key, UNKNOWN))

    def _starred(self, module: Module, name: str) -> Value | None:
        if name.startswith("_"):
            return None
        key = (module, name)
        for star in reversed(module.stars):
            source = self._engine.program.find(star.module, star.level, module)
            if isinstance(source, Module) and source is not module:
                self._globals[key] = UNKNOWN
                found = self.member(source, name)
                del self._globals[key]
                if found is not None:
                    return found
        return None

    def add_global(self, module: Module, name: str, value: Value) -> None:
        """Note that a function assigns `value` to a global."""
        key = (module, name)
        self._added[key] = union(self._added.get(key, UNKNOWN), value)

    def bound(self, bindings: list[Binding], scope: Scope) -> Value:
        """Return what a name is that has these bindings in `scope`."""
        last = bindings[-1]
        if isinstance(last, ast.FunctionDef | ast.AsyncFunctionDef) and len(bindings) > 1:
            if any(_is_setter(one) for one in bindings[1:]):
                return self._binding(bindings[0], scope)
            return self._binding(last, scope)
        return union(*[self._binding(one, scope) for one in bindings])

    def _binding(self, binding: Binding, scope: Scope) -> Value:
        engine = self._engine
        match binding:
            case Import():
                module = scope if isinstance(scope, Module) else scope.module
                return self.imported(binding, module)
            case ast.ClassDef():
                return self.cls(engine.program.cls(binding, scope))
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                return self.function(engine.program.function(binding, scope))
        value = UNKNOWN
        if binding.value is not None:
            value = engine.evaluate(engine.quiet(scope), binding.value)
            for index in binding.path:
                value = engine.item(engine.quiet(scope), value, index)
        if binding.annotation is not None and _is_vague(value):
            declared = engine.types.of(binding.annotation, scope)
            return value if declared is UNKNOWN else declared
        return value

    def function(self, function: Function) -> Value:
        """Return what a function is once its decorators are applied."""
        if function not in self._functions:
            self._functions[function] = FunctionValue(function)
            made = self._engine.decorated(
                self._engine.quiet(function.scope), function, FunctionValue(function)
            )
            self._functions[function] = made
        return self._functions[function]

    def cls(self, cls: Class) -> Value:
        """Return what a class is once its decorators are applied."""
        if cls not in self._classes:
            self._classes[cls] = ClassValue(cls)
            frame = self._engine.quiet(cls.scope)
            for register in self._engine.registry.classes:
                register(self._engine, cls)
            for node in reversed(cls.node.decorator_list):
                decorator = self._engine.evaluate(frame, node)
                self._engine.invoke(frame, decorator, (self._classes[cls],), (), node)
        return self._classes[cls]

    def imported(self, made: Import, module: Module) -> Value:
        """Return what an import binds."""
        program = self._engine.program
        source = program.find(made.module, made.level, module)
        if source is None:
            if made.level:
                return UNKNOWN
            dotted = made.module if made.name is None else f"{made.module}.{made.name}"
            return self.external(dotted)
        if made.name is None:
            return ModuleValue(source)
        return self.of_module(source, made.name)

    def external(self, dotted: str) -> Value:
        """Return something of a library, under the name that the models know."""
        return External(self._engine.registry.canonical(dotted))

    def of_module(self, module: Module | str, name: str) -> Value:
        """Return the attribute `name` of a module or namespace package."""
        if isinstance(module, Module):
            found = self.member(module, name)
            if found is not None and found is not UNKNOWN:
                return found
        child = self._engine.program.child(module, name)
        return UNKNOWN if child is None else ModuleValue(child)


def _is_vague(value: Value) -> bool:
    """Tell whether an annotation says more: of nothing, None, or what a library made."""
    return isinstance(value, Object | Constant) or value is UNKNOWN


def _is_setter(binding: Binding) -> bool:
    return isinstance(binding, ast.FunctionDef) and any(
        isinstance(one, ast.Attribute) and one.attr in {"setter", "deleter"}
        for one in binding.decorator_list
    )
