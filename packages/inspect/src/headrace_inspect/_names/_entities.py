"""Modules, classes and functions of the source, as far as they have been looked at."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from ._changing import Changes
from ._scopes import (
    Bindings,
    Definition,
    FunctionNode,
    bindings_of,
    parameters_of,
    statements_in,
)
from ._survey import Survey, survey, survey_module

if TYPE_CHECKING:
    from typing import TypeGuard


class Module:
    """A parsed file.

    Attributes:
        path: its absolute path.
        tree: its syntax tree.
        is_package: whether it is an ``__init__.py``.
    """

    parent = None

    def __init__(self, path: str, tree: ast.Module) -> None:
        self.path = path
        self.tree = tree
        self.is_package = path.endswith("__init__.py")
        self._entities: dict[ast.AST, Class | Function] = {}

    @property
    def module(self) -> Module:
        """Itself, as every scope has a module."""
        return self

    @cached_property
    def bindings(self) -> Bindings:
        """What the module binds."""
        return bindings_of(self.tree.body)

    @property
    def changes(self) -> Changes:
        """What it changes after it was bound."""
        return self._surveyed[1]

    def survey(self, node: FunctionNode) -> Survey:
        """Return what the function that `node` defines mentions."""
        known = self._surveyed[0].get(node)
        return survey(node) if known is None else known  # a lambda in an annotation that is a text

    @cached_property
    def _surveyed(self) -> tuple[dict[ast.AST, Survey], Changes]:
        return survey_module(self.tree)

    @cached_property
    def strings(self) -> frozenset[str]:
        """The strings in it that may be the name of a task, but for those in calls by name."""
        return frozenset(_strings(self.tree))

    def function(self, node: FunctionNode, parent: Scope) -> Function:
        """Return the function that `node` defines in the scope `parent`."""
        entity = self._entities.get(node)
        if not isinstance(entity, Function):
            entity = self._entities[node] = Function(node, parent)
        return entity

    def cls(self, node: ast.ClassDef, parent: Scope) -> Class:
        """Return the class that `node` defines in the scope `parent`."""
        entity = self._entities.get(node)
        if not isinstance(entity, Class):
            entity = self._entities[node] = Class(node, parent)
        return entity

    def __repr__(self) -> str:
        """Show the path."""
        return f"<Module {self.path}>"


class Class:
    """A class.

    Attributes:
        node: its definition.
        parent: the scope that it is defined in.
        qualname: its qualified name.
    """

    def __init__(self, node: ast.ClassDef, parent: Scope) -> None:
        self.node = node
        self.parent = parent
        self.module: Module = parent.module
        self.qualname = _qualified(node.name, parent)

    @cached_property
    def bindings(self) -> Bindings:
        """What the class's body binds."""
        return bindings_of(self.node.body)

    @cached_property
    def stores(self) -> dict[str, list[tuple[Function, ast.expr, bool]]]:
        """What methods assign to attributes of ``self``.

        Per attribute the method, and the value or annotation; the last says which it is.
        """
        found: dict[str, list[tuple[Function, ast.expr, bool]]] = {}
        for node in self.node.body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.args.args:
                method = self.module.function(node, self)
                for name, value, is_annotation in _stores(node):
                    found.setdefault(name, []).append((method, value, is_annotation))
        return found

    @cached_property
    def factories(self) -> dict[str, ast.expr]:
        """What makes the values of fields that an instance is not given, by their names."""
        return {
            name: keyword.value
            for name, bindings in self.bindings.names.items()
            for binding in bindings
            if isinstance(binding.node, ast.Call) and _last_name(binding.node.func) in _FIELDS
            for keyword in binding.node.keywords
            if keyword.arg in {"default_factory", "factory"}
        }

    def methods(self) -> Iterator[Function]:
        """Yield the functions that are defined in the class's body, under conditions too."""
        for bindings in self.bindings.names.values():
            for binding in bindings:
                if isinstance(binding.node, ast.FunctionDef | ast.AsyncFunctionDef):
                    yield self.module.function(binding.node, self)

    def __repr__(self) -> str:
        """Show the qualified name."""
        return f"<Class {self.qualname}>"


class Function:
    """A function, method or lambda.

    Attributes:
        node: its definition.
        parent: the scope that it is defined in.
        qualname: its qualified name.
        owner: the class in whose body it stands, or None.
        decorators: the decorators, the outermost first.
    """

    def __init__(self, node: FunctionNode, parent: Scope) -> None:
        self.node = node
        self.parent = parent
        self.module: Module = parent.module
        self.name = "<lambda>" if isinstance(node, ast.Lambda) else node.name
        self.qualname = _qualified(self.name, parent)
        self.owner = parent if isinstance(parent, Class) else None
        self.decorators = [] if isinstance(node, ast.Lambda) else node.decorator_list

    @cached_property
    def bindings(self) -> Bindings:
        """What the body binds; parameters are not among it."""
        return Bindings() if isinstance(self.node, ast.Lambda) else bindings_of(self.node.body)

    @cached_property
    def parameters(self) -> dict[str, ast.arg]:
        """The parameters by name."""
        return {parameter.arg: parameter for parameter in parameters_of(self.node)}

    @cached_property
    def defaults(self) -> dict[str, ast.expr]:
        """The defaults of parameters, by the names of these."""
        arguments = self.node.args
        plain = [*arguments.posonlyargs, *arguments.args]
        pairs = zip(reversed(plain), reversed(arguments.defaults), strict=False)
        found = {parameter.arg: default for parameter, default in pairs}
        for parameter, given in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
            if given is not None:
                found[parameter.arg] = given
        return found

    @cached_property
    def survey(self) -> Survey:
        """What it mentions, decorators included."""
        return self.module.survey(self.node)

    @cached_property
    def free_names(self) -> frozenset[str]:
        """The names that it reads and does not bind itself."""
        own = (self.bindings.names.keys() - self.bindings.outside) | self.parameters.keys()
        return self.survey.names - own

    @cached_property
    def loaded(self) -> frozenset[str]:
        """The parameters that it reads."""
        return self.survey.names & self.parameters.keys()

    @cached_property
    def words(self) -> frozenset[str]:
        """The names and attributes that it mentions."""
        return self.survey.words

    @property
    def mentions(self) -> set[str]:
        """What it mentions that may stand elsewhere; see `Survey`."""
        around = [*self.decorators, *self.defaults.values()]
        own = (self.bindings.names.keys() - self.bindings.outside) | self.parameters.keys()
        return self.survey.mentions(own - survey(*around).names if around else own)

    @cached_property
    def is_generator(self) -> bool:
        """Whether the body yields."""
        return not isinstance(self.node, ast.Lambda) and self.survey.yields

    @cached_property
    def never_returns(self) -> bool:
        """Whether its statements show that it always raises."""
        return (
            not isinstance(self.node, ast.Lambda)
            and not self.is_generator
            and always_raises(self.node.body)
        )

    @property
    def is_async(self) -> bool:
        """Whether a call of it gives something to await, and is no generator."""
        return isinstance(self.node, ast.AsyncFunctionDef) and not self.is_generator

    @cached_property
    def binds(self) -> str:
        """What its first parameter is bound to: ``instance``, ``class`` or ``nothing``."""
        if self.owner is None:
            return "nothing"
        names = {one.id for one in self.decorators if isinstance(one, ast.Name)}
        if "staticmethod" in names:
            return "nothing"
        if "classmethod" in names or self.name in _CLASS_METHODS:
            return "class"
        return "instance"

    @property
    def is_variant(self) -> bool:
        """Whether it only adds to another definition: an overload, a property's setter."""
        return any(
            (isinstance(one, ast.Attribute) and one.attr in _ADDING)
            or (isinstance(one, ast.Name) and one.id == "overload")
            for one in self.decorators
        )

    @property
    def definition(self) -> Definition | None:
        """The definition, unless it is a lambda."""
        return None if isinstance(self.node, ast.Lambda) else self.node

    def __repr__(self) -> str:
        """Show the qualified name."""
        return f"<Function {self.qualname}>"


Scope = Module | Class | Function

_ADDING = frozenset(["deleter", "getter", "overload", "register", "setter"])
_CLASS_METHODS = frozenset(["__new__", "__init_subclass__", "__class_getitem__"])


def _qualified(name: str, parent: Scope) -> str:
    if isinstance(parent, Module):
        return name
    inner = ".<locals>" if isinstance(parent, Function) else ""
    return f"{parent.qualname}{inner}.{name}"


def _stores(method: Definition) -> Iterator[tuple[str, ast.expr, bool]]:
    own = method.args.args[0].arg
    waiting = statements_in(method)
    while waiting:
        node = waiting.pop()
        waiting += statements_in(node)
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if _is_attribute_of(target, own):
                    yield target.attr, node.value, False
        elif isinstance(node, ast.AnnAssign) and _is_attribute_of(node.target, own):
            yield node.target.attr, node.annotation, True
            if node.value is not None:
                yield node.target.attr, node.value, False


def _is_attribute_of(target: ast.expr, name: str) -> TypeGuard[ast.Attribute]:
    return (
        isinstance(target, ast.Attribute)
        and isinstance(target.value, ast.Name)
        and target.value.id == name
    )


def always_raises(body: Sequence[ast.stmt]) -> bool:
    """Tell whether the statements show that they always end in an exception."""
    for number, statement in enumerate(body):
        if _raises(statement):
            return not any(_returns(one) for one in body[:number])
    return False


def _raises(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.If):
        return always_raises(statement.body) and always_raises(statement.orelse)
    return isinstance(statement, ast.Raise)


def _returns(statement: ast.stmt) -> bool:
    return any(isinstance(node, ast.Return) for node in ast.walk(statement))


def _strings(tree: ast.AST) -> Iterator[str]:
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Constant):
            if isinstance(node.value, str):
                yield node.value
        elif isinstance(node, ast.Call) and _last_name(node.func) in _NAMING:
            waiting.extend(node.args[1:])
        else:
            waiting.extend(ast.iter_child_nodes(node))


def _last_name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


_FIELDS = frozenset(["Field", "PrivateAttr", "attrib", "field", "ib"])
_NAMING = frozenset(["flow_task", "send_task", "shared_task", "signature", "task"])
