"""Names and types: resolves names and annotations in functions, modules and libraries."""

from __future__ import annotations

import builtins
from typing import TYPE_CHECKING

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
from headrace_inspect._symbols._syntax import Expr

from ._values import (
    ClassValue,
    Constant,
    External,
    FunctionValue,
    Instance,
    Items,
    ModuleValue,
    Object,
    Pending,
    Table,
    Value,
    options_of,
    union,
)

if TYPE_CHECKING:
    from ._engine import Engine

_BUILTINS = frozenset(dir(builtins))
_TRANSPARENT = frozenset([
    "Annotated", "Optional", "Final", "ClassVar", "Required", "NotRequired", "ReadOnly",
    "Awaitable",
])  # fmt: skip
_CONTAINERS = frozenset([
    "list", "List", "set", "Set", "frozenset", "FrozenSet", "tuple", "Tuple", "Sequence",
    "MutableSequence", "Iterable", "Iterator", "Collection", "Generator", "AsyncIterator",
    "AsyncIterable", "AsyncGenerator", "deque", "Deque", "AbstractSet",
])  # fmt: skip
_MAPPINGS = frozenset([
    "dict", "Dict", "Mapping", "MutableMapping", "defaultdict", "DefaultDict", "OrderedDict",
])  # fmt: skip


class Names:
    """Looks up names."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._known: dict[tuple[Scope, str], Value] = {}
        self._finding: set[tuple[Scope, str]] = set()
        self._is_incomplete = False  # a cycle may have cut off part of the result
        self._functions: dict[Function, Value] = {}

    def in_scope(self, scope: Scope, name: str) -> Value:
        """Return the value of `name` in a scope; local variables of functions are unknown."""
        if isinstance(scope, Class) and name in scope.members:
            return self.in_class(scope, name)
        while not isinstance(scope, Module):
            scope = scope.scope
            if isinstance(scope, Function):
                # Its variables are unknown here; its definitions are not.
                for binding in scope.bindings.get(name, ()):
                    return None if isinstance(binding, Assignment) else self._of(binding, scope)
        return self.in_module(scope, name)

    def in_class(self, cls: Class, name: str) -> Value:
        """Return the member `name` that a class itself defines."""
        return self._resolve_once((cls, name), cls.members[name], cls)

    def in_module(self, module: Module, name: str) -> Value:
        """Return the global or builtin `name` of a module."""
        if name in module.values:
            known: Value = module.values[name]
            return known
        found = self.member(module, name)
        if found is None and name not in module.bindings and name in _BUILTINS:
            found = External(f"builtins.{name}")
        if found is not None or not self._is_incomplete:
            module.values[name] = found
        return found

    def member(self, module: Module, name: str) -> Value:
        """Return the global `name` of a module."""
        if name in module.bindings:
            return self._resolve_once((module, name), module.bindings[name], module)
        if name.startswith("_"):
            return None
        stars, module.stars = module.stars, []  # ends import cycles
        try:
            for star in reversed(stars):
                source = self._engine.program.find(star.module, star.level, module)
                found = self.member(source, name) if isinstance(source, Module) else None
                if found is not None:
                    return found
        finally:
            module.stars = stars
        return None

    def _resolve_once(self, key: tuple[Scope, str], bindings: list[Binding], scope: Scope) -> Value:
        if key in self._known:
            return self._known[key]
        if key in self._finding:  # a cycle: modules that import each other
            self._is_incomplete = True
            return None
        self._finding.add(key)
        last = bindings[-1]
        if isinstance(last, Function):
            # A property takes its getter; otherwise the last definition wins.
            bindings = [bindings[0] if _is_accessor(last) else last]
        found = union(*[self._of(one, scope) for one in bindings])
        self._finding.discard(key)
        if found is not None or not self._is_incomplete:
            self._known[key] = found
        if not self._finding:
            self._is_incomplete = False
        return found

    def _of(self, binding: Binding, scope: Scope) -> Value:
        engine = self._engine
        if isinstance(binding, Import):
            return self.imported(binding, module_of(scope))
        if isinstance(binding, Class):
            return ClassValue(binding)
        if isinstance(binding, Function):
            return self.function(binding)
        value = engine.evaluate(engine.scratch_frame(scope), binding.value)
        for index in binding.path:
            value = engine.item(engine.scratch_frame(scope), value, index)
        is_vague = value is None or isinstance(value, Object | Constant)
        declared = engine.types.of(binding.annotation, scope) if is_vague else None
        return value if declared is None else declared

    def function(self, function: Function) -> Value:
        """Return a function with its decorators applied."""
        if function not in self._functions:
            plain = self._functions[function] = FunctionValue(function)
            if function.decorators:
                frame = self._engine.scratch_frame(function.scope)
                self._functions[function] = self._engine.decorated(frame, function, plain)
        return self._functions[function]

    def imported(self, made: Import, module: Module) -> Value:
        """Return the value that an import binds."""
        source = self._engine.program.find(made.module, made.level, module)
        if source is None:
            dotted = made.module if made.name is None else f"{made.module}.{made.name}"
            return None if made.level else self.external(dotted)
        return ModuleValue(source) if made.name is None else self.of_module(source, made.name)

    def external(self, dotted: str) -> Value:
        """Return a library object by its canonical name."""
        return External(self._engine.registry.canonical(dotted))

    def of_module(self, module: Module | str, name: str) -> Value:
        """Return the attribute `name` of a module or namespace package."""
        found = self.member(module, name) if isinstance(module, Module) else None
        if found is not None:
            return found
        child = self._engine.program.child(module, name)
        return None if child is None else ModuleValue(child)


def _is_accessor(function: Function) -> bool:
    return any(
        type(one) is tuple and one[0] == "a" and one[2] in {"setter", "deleter"}
        for _, one in function.decorators
    )


class Types:
    """Resolves annotations to instances of the annotated types."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._known: dict[tuple[object, Scope], Value] = {}

    def of(self, node: Expr, scope: Scope, receiver: Value = None) -> Value:
        """Return an instance of the type that `node` declares."""
        if node is None:
            return None
        if node == "Self":
            return receiver
        key = (node if type(node) is str else id(node), scope)
        if key not in self._known:
            self._known[key] = None
            self._known[key] = self._read(node, scope)
        return self._known[key]

    def _read(self, node: Expr, scope: Scope) -> Value:
        match node:
            case ("|", left, right):
                return union(self._read(left, scope), self._read(right, scope))
            case ("s", outer, inner):
                return self._subscripted(outer, inner, scope)
            case ("k", str(text)) if text.isidentifier():
                return self._read(text, scope)
            case str() | ("a", *_):
                return self.instance(self._value(node, scope))
        return None

    def _subscripted(self, outer: Expr, inner: Expr, scope: Scope) -> Value:
        name = outer if isinstance(outer, str) else outer[2] if outer and outer[0] == "a" else ""
        arguments = inner[3] if isinstance(inner, tuple) and inner[0] == "l" else (inner,)
        if not arguments:  # `tuple[()]`, or an invalid annotation
            return None
        if name == "Union":
            return union(*[self._read(one, scope) for one in arguments])
        if name in _TRANSPARENT:
            return self._read(arguments[0], scope)
        if name == "Coroutine":
            return self._read(arguments[-1], scope)
        if name in {"tuple", "Tuple"} and arguments[-1] is not None:
            return Items(tuple([self._read(one, scope) for one in arguments]))
        if name in {"Generator", "AsyncGenerator"}:
            return Pending(self._read(arguments[0], scope), is_generator=True)
        if name in _CONTAINERS:
            return Items((self._read(arguments[0], scope),))
        if name in _MAPPINGS:
            return Table(((None, self._read(arguments[-1], scope)),))
        if name in {"type", "Type"}:
            return self._value(arguments[0], scope)
        return self.instance(self._value(outer, scope))

    def _value(self, node: Expr, scope: Scope) -> Value:
        """Return the value of a name in an annotation; type aliases are resolved."""
        alias = self._alias(node, scope)
        if alias is not None:
            return self.of(*alias)
        return self._engine.evaluate(self._engine.scratch_frame(scope), node)

    def metadata(self, node: Expr, scope: Scope) -> list[Value]:
        """Return the metadata of ``Annotated``."""
        node, scope = self._alias(node, scope) or (node, scope)
        match node:
            case ("s", ("Annotated" | ("a", _, "Annotated", _)), ("l", _, _, (_, *added))):
                frame = self._engine.scratch_frame(scope)
                return [self._engine.evaluate(frame, one) for one in added]
        return []

    def _alias(self, node: Expr, scope: Scope) -> tuple[Expr, Scope] | None:
        if isinstance(node, str):
            module, name = self._defining(module_of(scope), node)
            match module.bindings.get(name):
                case [*_, Assignment(value=("s" | "|", *_) as value)]:
                    return value, module
        return None

    def _defining(self, module: Module, name: str) -> tuple[Module, str]:
        for _ in range(8):
            match module.bindings.get(name):
                case [Import(name=str(taken)) as made]:
                    source = self._engine.program.find(made.module, made.level, module)
                    if isinstance(source, Module):
                        module, name = source, taken
        return module, name

    def instance(self, value: Value) -> Value:
        """Return an instance of the class `value`."""
        found: list[Value] = []
        for option in options_of(value):
            match option:
                case ClassValue(cls=cls):
                    found.append(Instance(cls))
                case External(name=name) if not name.startswith(("builtins.", "typing.")):
                    found.append(Object(name))
                case Instance() | Object() | Items() | Table():
                    found.append(option)
                case _:
                    pass
        return union(*found)
