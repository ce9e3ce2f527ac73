"""Writes a patch with the decorators that declare a map as a flow."""

from __future__ import annotations

import ast
import difflib
import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from headrace_inspect._source._discovery import shown
from headrace_inspect._source._reading import lines_of, parse
from headrace_inspect._symbols._entities import Function

from ._map import Edge, Map


@dataclass(eq=False, slots=True)
class _Step:
    function: Function
    name: str
    sources: list[_Step] = field(default_factory=list)

    def follows(self, other: _Step) -> bool:
        """Tell whether declared edges lead from another step to this one."""
        seen, fresh = {self}, {self}
        while fresh and other not in seen:
            fresh = {source for step in fresh for source in step.sources} - seen
            seen |= fresh
        return other in seen


def patch_for(found: Map, flow: str, contents: Mapping[str, bytes]) -> str:
    """Return a patch that declares the connected nodes of a map as steps of a flow.

    Edges that close a cycle or lead to a class are left out: a class has no single function to
    decorate.
    """
    added: dict[str, dict[int, list[str]]] = {}
    for step in _steps(found.edges):
        module, line = step.function.module, step.function.line
        if module.path not in added:
            tree = parse(contents[module.path])
            added[module.path] = (
                {} if _has_import(tree) else {_first_line(tree): ["import headrace"]}
            )
        text = lines_of(contents[module.path])[line - 1]
        indent = text[: len(text) - len(text.lstrip())]
        added[module.path].setdefault(line, []).append(indent + _decorator(step, flow))
    patches = [_patch(shown(path), contents[path], lines) for path, lines in sorted(added.items())]
    return "".join(patches).removesuffix("\n")


def _steps(edges: Iterable[Edge]) -> Iterable[_Step]:
    found: dict[Function, _Step] = {}
    for edge in edges:
        pair = [one for one in (edge.caller, edge.target.function) if one is not None]
        if len({*pair}) == 2 and not any(one.is_lambda for one in pair):
            before, after = [found.setdefault(one, _Step(one, one.name)) for one in pair]
            if before not in after.sources and not before.follows(after):
                after.sources.append(before)
    counts = Counter(one.name for one in found)
    for function, step in found.items():
        if counts[step.name] > 1:
            step.name = f"{function.module.name}.{function.qualname}".replace(".", "_")
    return found.values()


def _decorator(step: _Step, flow: str) -> str:
    words = [repr(flow)]
    sources = [one.name for one in step.sources]
    if sources:
        words.append(f"after={(sources[0] if len(sources) == 1 else sources)!r}")
    if step.name != step.function.name:
        words.append(f"name={step.name!r}")
    return f"@headrace.{'step' if sources else 'entrypoint'}({', '.join(words)})".replace("'", '"')


def _has_import(tree: ast.Module) -> bool:
    return any(
        isinstance(statement, ast.Import)
        and any((each.name, each.asname) == ("headrace", None) for each in statement.names)
        for statement in tree.body
    )


def _first_line(tree: ast.Module) -> int:
    """Return the line before which to insert an import."""
    for statement in tree.body:
        is_text = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
        is_future = isinstance(statement, ast.ImportFrom) and statement.module == "__future__"
        if not is_text and not is_future:
            decorators: list[ast.expr] = getattr(statement, "decorator_list", [])
            return min([statement.lineno, *[one.lineno for one in decorators]])
    return 1


def _patch(path: str, content: bytes, added: Mapping[int, Sequence[str]]) -> str:
    # Split lines as Python does, keeping line endings.
    old = io.StringIO(content.decode("utf-8", "replace"), newline="").readlines()
    end = "\r\n" if old[0].endswith("\r\n") else "\n"
    new: list[str] = []
    for number, line in enumerate(old, 1):
        new += [*[text + end for text in added.get(number, ())], line]
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
        for line in difflib.unified_diff(old, new, f"a/{path}", f"b/{path}", n=2)
    )
