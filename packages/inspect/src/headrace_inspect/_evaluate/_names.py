"""Names and types: resolves names and annotations in functions, modules and libraries."""

from __future__ import annotations

import builtins
from typing import TYPE_CHECKING

from headrace_inspect._symbols._entities import Class, Function, Module, Scope, definition_of
from headrace_inspect._symbols._syntax import Definition, Expr, Ids, name_of

from ._values import (
    ClassValue,
    External,
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
        self._known: dict[tuple[Module | Class, str], Value] = {}
        self._finding: dict[tuple[Module | Class, str], None] = {}
        self._is_incomplete = False  # a cycle may have cut off part of the result

    def in_scope(self, scope: Scope, name: str) -> Value:
        """Return the value of `name` from around a body; variables of functions are unknown."""
        while isinstance(scope, Function):
            scope = scope.home
            ids = scope.code.names.get(name) if isinstance(scope, Function) else None
            if ids:
                is_plain = definition_of(scope, ids)[0] in {"def", "class", "import"}
                return self._engine.home(scope).defined(ids) if is_plain else None
        return self.in_module(scope, name)

    def in_class(self, cls: Class, name: str) -> Value:
        """Return the member `name` that a class itself defines."""
        return self._resolve((cls, name), cls.names[name], cls.home)

    def in_module(self, module: Module, name: str) -> Value:
        """Return the global or builtin `name` of a module."""
        found = self.member(module, name)
        if found is None and name not in module.code.names and name in _BUILTINS:
            return External(f"builtins.{name}")
        return found

    def member(self, module: Module, name: str) -> Value:
        """Return the global `name` of a module."""
        ids = module.code.names.get(name)
        if ids is not None:
            return self._resolve((module, name), ids, module)
        if name.startswith("_"):
            return None
        stars, module.stars = module.stars, ()  # ends import cycles
        try:
            for star, level in reversed(stars):
                source = self._engine.program.find(star, level, module)
                found = self.member(source, name) if isinstance(source, Module) else None
                if found is not None:
                    return found
        finally:
            module.stars = stars
        return None

    def _resolve(self, key: tuple[Module | Class, str], ids: Ids, scope: Scope) -> Value:
        if key in self._known:
            return self._known[key]
        if key in self._finding:  # a cycle: modules that import each other
            self._is_incomplete = True
            return None
        self._finding[key] = None
        home = self._engine.home(scope)
        found = home.defined(ids)
        del self._finding[key]
        if found is not None or not self._is_incomplete:
            self._known[key] = found
        else:
            home.undefine(ids)
        if not self._finding:
            self._is_incomplete = False
        return found

    def imported(self, dotted: str, name: str | None, level: int, module: Module) -> Value:
        """Return the value that an import binds."""
        source = self._engine.program.find(dotted, level, module)
        if source is None:
            whole = dotted if name is None else f"{dotted}.{name}"
            return None if level else self.external(whole)
        return ModuleValue(source) if name is None else self.of_module(source, name)

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
        if type(node) is tuple and node[:2] == ("v", "Self"):
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
            case str() | ("a", *_) | ("v", *_):
                return self.instance(self._value(node, scope))
        return None

    def _subscripted(self, outer: Expr, inner: Expr, scope: Scope) -> Value:
        name = name_of(outer)
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
        return self._engine.evaluate(scope, node)

    def metadata(self, node: Expr, scope: Scope) -> list[Value]:
        """Return the metadata of ``Annotated``."""
        node, scope = self._alias(node, scope) or (node, scope)
        match node:
            case ("s", outer, ("l", _, _, (_, *added))) if name_of(outer) == "Annotated":
                return [self._engine.evaluate(scope, one) for one in added]
        return []

    def _alias(self, node: Expr, scope: Scope) -> tuple[Expr, Scope] | None:
        """Return the annotation that a name stands for, and the scope of that."""
        for _ in range(8):
            about: Definition = ()
            if isinstance(node, str):
                module = scope.module if isinstance(scope, Function) else scope
                about, scope = next(iter(module.definitions(node)[-1:]), ()), module
            elif isinstance(node, tuple) and node[0] == "v":
                about = definition_of(scope, node[2])
            match about:
                case ("=", _, ("s" | "|", *_) as value, *_):
                    return value, scope
                case ("import", _, module, str(name), level):
                    home = scope.module if isinstance(scope, Function) else scope
                    source = self._engine.program.find(module, level, home)
                    if not isinstance(source, Module):
                        return None
                    node, scope = name, source
                case _:
                    return None
        return None

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
