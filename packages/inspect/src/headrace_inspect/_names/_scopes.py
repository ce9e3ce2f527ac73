"""What names are bound to in a module, class or function, without regard to the order."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from typing import TypeGuard

How = Literal["import", "from", "def", "class", "value", "annotated", "element", "entered", "other"]

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
Definition = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True, eq=False)
class Binding:
    """One way in which a name gets its value.

    Attributes:
        how: ``value`` by assignment of `node`, ``annotated`` by annotation with `node`,
            ``element`` by iteration over `node`, ``entered`` by a with statement on `node`,
            ``import`` and ``from`` by import, ``def`` and ``class`` by definition, or ``other``.
        node: what it is bound by.
        module: for imports, the module's name.
        name: for ``from``, the name in that module; for ``import``, whether the name stands for
            the whole dotted module is said by it being the module's name.
        level: for ``from``, the number of leading dots.
    """

    how: How
    node: ast.AST
    module: str = ""
    name: str = ""
    level: int = 0


class Bindings:
    """The names that one scope binds.

    Attributes:
        names: the bindings of each name, in the order of the source.
        stars: the modules that are imported with ``*``, with the number of leading dots.
        outside: the names that are declared ``global`` or ``nonlocal``.
        built: per name, the expression statements that call a method of it, by which chains are
            built.
    """

    __slots__ = ("built", "names", "outside", "stars")

    def __init__(self) -> None:
        self.names: dict[str, list[Binding]] = {}
        self.stars: list[tuple[str, int]] = []
        self.outside: set[str] = set()
        self.built: dict[str, list[ast.Call]] = {}

    def bind(self, name: str, binding: Binding) -> None:
        """Add a binding of `name`."""
        self.names.setdefault(name, []).append(binding)


def bindings_of(body: Sequence[ast.stmt]) -> Bindings:
    """Return what the statements bind, not looking into functions and classes."""
    bindings = Bindings()
    waiting: list[ast.AST] = list(reversed(body))
    while waiting:
        node = waiting.pop()
        handler = _HANDLERS.get(type(node))
        if handler is not None:
            handler(bindings, node)
        if not isinstance(node, _LEAVES):
            waiting.extend(statements_in(node))
    return bindings


def statements_in(node: ast.AST) -> list[ast.AST]:
    """Return the statements directly within `node`, handlers and cases too, the last first."""
    found: list[ast.AST] = []
    for name in ("finalbody", "orelse", "handlers", "cases", "body"):
        inner = getattr(node, name, None)
        if type(inner) is list:
            found += inner[::-1]
    return found


def _import(bindings: Bindings, node: ast.Import) -> None:
    for alias in node.names:
        module = alias.name if alias.asname else alias.name.partition(".")[0]
        name = alias.asname or module
        bindings.bind(name, Binding("import", node, module))


def _import_from(bindings: Bindings, node: ast.ImportFrom) -> None:
    module = node.module or ""
    for alias in node.names:
        if alias.name == "*":
            bindings.stars.append((module, node.level))
        else:
            bindings.bind(
                alias.asname or alias.name, Binding("from", node, module, alias.name, node.level)
            )


def _define(bindings: Bindings, node: Definition) -> None:
    bindings.bind(node.name, Binding("def", node))


def _define_class(bindings: Bindings, node: ast.ClassDef) -> None:
    bindings.bind(node.name, Binding("class", node))


def _assign(bindings: Bindings, node: ast.Assign) -> None:
    for target in node.targets:
        _bind_target(bindings, target, node.value, node)


def _bind_target(bindings: Bindings, target: ast.expr, value: ast.expr, node: ast.AST) -> None:
    if isinstance(target, ast.Name):
        bindings.bind(target.id, Binding("value", value))
    elif _is_list(target) and _is_list(value) and len(target.elts) == len(value.elts):
        for one, other in zip(target.elts, value.elts, strict=True):
            _bind_target(bindings, one, other, node)
    else:
        _unpack(bindings, target, node)


def _is_list(node: ast.expr) -> TypeGuard[ast.Tuple | ast.List]:
    """Tell whether `node` lists its elements one by one."""
    return isinstance(node, ast.Tuple | ast.List) and not any(
        isinstance(element, ast.Starred) for element in node.elts
    )


def _annotate(bindings: Bindings, node: ast.AnnAssign) -> None:
    if isinstance(node.target, ast.Name):
        if node.value is not None:
            bindings.bind(node.target.id, Binding("value", node.value))
        bindings.bind(node.target.id, Binding("annotated", node.annotation))


def _augment(bindings: Bindings, node: ast.AugAssign) -> None:
    if isinstance(node.target, ast.Name):
        bindings.bind(node.target.id, Binding("other", node))


def _iterate(bindings: Bindings, node: ast.For | ast.AsyncFor) -> None:
    if isinstance(node.target, ast.Name):
        bindings.bind(node.target.id, Binding("element", node.iter))
    else:
        _unpack(bindings, node.target, node)


def _enter(bindings: Bindings, node: ast.With | ast.AsyncWith) -> None:
    for item in node.items:
        if isinstance(item.optional_vars, ast.Name):
            bindings.bind(item.optional_vars.id, Binding("entered", item.context_expr))
        elif item.optional_vars is not None:
            _unpack(bindings, item.optional_vars, node)


def _catch(bindings: Bindings, node: ast.ExceptHandler) -> None:
    if node.name:
        bindings.bind(node.name, Binding("other", node))


def _match(bindings: Bindings, node: ast.match_case) -> None:
    for part in ast.walk(node.pattern):
        name = getattr(part, "name", None) or getattr(part, "rest", None)
        if isinstance(name, str):
            bindings.bind(name, Binding("other", node))


def _outside(bindings: Bindings, node: ast.Global | ast.Nonlocal) -> None:
    bindings.outside.update(node.names)


def _express(bindings: Bindings, node: ast.Expr) -> None:
    root: ast.AST = node.value
    while isinstance(root, ast.Call | ast.Attribute):
        root = root.func if isinstance(root, ast.Call) else root.value
    if isinstance(root, ast.Name) and isinstance(node.value, ast.Call):
        bindings.built.setdefault(root.id, []).append(node.value)


def _unpack(bindings: Bindings, target: ast.expr, node: ast.AST) -> None:
    for part in ast.walk(target):
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
            bindings.bind(part.id, Binding("other", node))


def parameters_of(node: FunctionNode) -> Iterable[ast.arg]:
    """Yield every parameter of a function, ``*args`` and ``**kwargs`` last."""
    arguments = node.args
    yield from arguments.posonlyargs
    yield from arguments.args
    yield from arguments.kwonlyargs
    if arguments.vararg:
        yield arguments.vararg
    if arguments.kwarg:
        yield arguments.kwarg


_LEAVES = (
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.ClassDef,
    ast.Expr,
    ast.Assign,
    ast.Import,
    ast.ImportFrom,
)
_HANDLERS: dict[type, Any] = {
    ast.Import: _import,
    ast.ImportFrom: _import_from,
    ast.FunctionDef: _define,
    ast.AsyncFunctionDef: _define,
    ast.ClassDef: _define_class,
    ast.Assign: _assign,
    ast.AnnAssign: _annotate,
    ast.AugAssign: _augment,
    ast.For: _iterate,
    ast.AsyncFor: _iterate,
    ast.With: _enter,
    ast.AsyncWith: _enter,
    ast.ExceptHandler: _catch,
    ast.match_case: _match,
    ast.Global: _outside,
    ast.Nonlocal: _outside,
    ast.Expr: _express,
}
