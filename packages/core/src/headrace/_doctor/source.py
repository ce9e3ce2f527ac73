"""One Python file: its syntax tree, the meaning of its names, and the scopes."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

Function = ast.FunctionDef | ast.AsyncFunctionDef
Scope = Function | ast.Module

_ignore = re.compile(r"#\s*headrace:\s*ignore\[([^\]]*)\]")


class Source:
    """A parsed file.

    Args:
        path: the file.
        shown: the path to show.
        module: the dotted name, relative to the folder of the project.
        text: the content.

    Raises:
        SyntaxError: the content is not valid Python.
        ValueError: the content has null bytes.
    """

    def __init__(self, path: Path, shown: str, module: str, text: str) -> None:
        self.path = path
        self.shown = shown
        self.module = module
        self.tree = ast.parse(text)
        self.lines = text.splitlines()
        self.parents = {
            child: node for node in ast.walk(self.tree) for child in ast.iter_child_nodes(node)
        }

    def nodes(self) -> Iterator[ast.AST]:
        """Yield all nodes of the tree."""
        yield from (self.tree, *self.parents)

    @cached_property
    def _calls(self) -> list[tuple[str, ast.Call]]:
        return [(self.name(each.func), each) for each in self.nodes() if isinstance(each, ast.Call)]

    def calls(self, *names: str) -> Iterator[ast.Call]:
        """Yield the calls of functions with one of these dotted names; all without a name."""
        return (call for name, call in self._calls if not names or name in names)

    @cached_property
    def strings(self) -> frozenset[str]:
        """All string constants except docstrings."""
        return frozenset(
            node.value
            for node in self.nodes()
            if isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and not isinstance(self.parents[node], ast.Expr)
        )

    @cached_property
    def mentions(self) -> frozenset[str]:
        """The dotted names that are read or imported, and the strings."""
        read = {
            self.name(node) for node in self.nodes() if isinstance(node, ast.Name | ast.Attribute)
        }
        return frozenset({*filter(None, read), *self.imports.values(), *self.strings})

    @cached_property
    def imports(self) -> dict[str, str]:
        """The dotted name that each imported name stands for, in whatever scope."""
        found: dict[str, str] = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    name = alias.asname or alias.name.partition(".")[0]
                    found[name] = alias.name if alias.asname else name
            elif isinstance(node, ast.ImportFrom):
                base = self.imported_module(node)
                for alias in node.names:
                    found[alias.asname or alias.name] = f"{base}.{alias.name}"
        return found

    @cached_property
    def modules(self) -> frozenset[str]:
        """The dotted names of modules, or of objects in them, that the file imports."""
        found = set(self.imports.values())
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                found.add(self.imported_module(node))
        return frozenset(found)

    def imported_module(self, node: ast.ImportFrom) -> str:
        """Return the module that `node` imports from, relative imports resolved."""
        if not node.level:
            return node.module or ""
        words = self.module.split(".")
        if self.path.name == "__init__.py":
            words.append("")
        return ".".join([*words[: -node.level], *([node.module] if node.module else [])])

    def name(self, node: ast.AST | None) -> str:
        """Return the dotted name of an expression, with imported names resolved, or ``""``."""
        words: list[str] = []
        while isinstance(node, ast.Attribute):
            words.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            return ""
        return ".".join([self.imports.get(node.id, node.id), *reversed(words)])

    def scope(self, node: ast.AST) -> Scope:
        """Return the function that encloses `node`, or the module."""
        while not isinstance(node := self.parents[node], Scope):
            pass
        return node

    def is_main_only(self, node: ast.AST) -> bool:
        """Return whether `node` is inside ``if __name__ == "__main__":``."""
        while (parent := self.parents.get(node)) is not None:
            if isinstance(parent, ast.If) and node in parent.body:
                names = {one.id for one in ast.walk(parent.test) if isinstance(one, ast.Name)}
                if "__name__" in names:
                    return True
            node = parent
        return False

    def assigned(self) -> Iterator[tuple[ast.expr, ast.expr, ast.stmt]]:
        """Yield target, value and statement of each assignment."""
        for node in self.nodes():
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    yield target, node.value, node
            elif isinstance(node, ast.AnnAssign | ast.AugAssign) and node.value is not None:
                yield node.target, node.value, node

    def is_made_by(self, node: ast.expr, *functions: str) -> bool:
        """Return whether `node` calls one of `functions`, or is assigned from such a call."""
        made = [value for target, value, _ in self.assigned() if _same(target, node)]
        calls = [one for one in (node, *made) if isinstance(one, ast.Call)]
        return any(self.name(one.func) in functions for one in calls)

    def is_ignored(self, line: int, name: str) -> bool:
        """Return whether a comment on the line silences findings of the kind `name`."""
        found = _ignore.search(self.lines[line - 1]) if 0 < line <= len(self.lines) else None
        return found is not None and name in {one.strip() for one in found[1].split(",")}


def _same(one: ast.expr, other: ast.expr) -> bool:
    return ast.unparse(one) == ast.unparse(other)


def method(call: ast.Call) -> str:
    """Return the name of the method that `call` calls, or ``""``."""
    return call.func.attr if isinstance(call.func, ast.Attribute) else ""


def receiver(call: ast.Call) -> ast.expr:
    """Return the object whose method `call` calls, or the call itself."""
    return call.func.value if isinstance(call.func, ast.Attribute) else call


def keyword(call: ast.Call, name: str) -> ast.expr | None:
    """Return the value of the argument that `call` passes as ``name=``, or None."""
    return next((each.value for each in call.keywords if each.arg == name), None)


def text_of(node: ast.AST | None) -> str | None:
    """Return the value of a string constant, or None; placeholders of f-strings are dropped."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = text_of(node.left), text_of(node.right)
        return None if left is None or right is None else left + right
    return None


def entries(node: ast.AST | None) -> dict[str, ast.expr]:
    """Return the entries with known keys of a dict display or ``dict(...)``."""
    if isinstance(node, ast.Dict):
        pairs = zip(node.keys, node.values, strict=True)
        return {name: value for key, value in pairs if (name := text_of(key)) is not None}
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "dict":
        return {each.arg: each.value for each in node.keywords if each.arg}
    return {}


def elements(node: ast.AST | None) -> list[ast.expr] | None:
    """Return the elements of a list or tuple display without ``*``; None for other nodes."""
    if not isinstance(node, ast.List | ast.Tuple):
        return None
    return None if any(isinstance(each, ast.Starred) for each in node.elts) else node.elts
