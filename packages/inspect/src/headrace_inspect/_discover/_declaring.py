"""Writes a patch with the decorators that declare a map as a flow."""

from __future__ import annotations

import ast
import difflib
import io
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from headrace_inspect._sources import lines_of, parse, shown
from headrace_inspect._symbols._entities import Function

from ._map import Edge


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


def patch_for(edges: Iterable[Edge], flow: str, contents: Mapping[str, bytes]) -> str:
    """Return a patch that declares the connected nodes of a map as steps of a flow.

    Edges that close a cycle or lead to a class are left out: a class has no single function to
    decorate.
    """
    added: dict[str, dict[int, str]] = {}  # what comes before each line of a file
    for step in _steps(edges):
        module, line = step.function.module, step.function.line
        if module.path not in added:
            added[module.path] = _with_import(parse(contents[module.path]))
        lines = added[module.path]
        text = lines_of(contents[module.path])[line - 1]
        indent = text[: len(text) - len(text.lstrip())]
        lines[line] = f"{lines.get(line, '')}{indent}{_decorator(step, flow)}\n"
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


def _with_import(tree: ast.Module) -> dict[int, str]:
    """Return the import of headrace and the line before which to insert it, if it is missing."""
    for statement in tree.body:
        names = statement.names if isinstance(statement, ast.Import) else []
        if "headrace" in [one.asname or one.name for one in names]:
            return {}
    for statement in tree.body:
        match statement:
            case ast.Expr(value=ast.Constant()) | ast.ImportFrom(module="__future__"):
                continue
        decorators: list[ast.expr] = getattr(statement, "decorator_list", [])
        return {min([statement.lineno, *[one.lineno for one in decorators]]): "import headrace\n"}
    return {}


def _patch(path: str, content: bytes, added: Mapping[int, str]) -> str:
    # Split lines as Python does, keeping line endings.
    old = io.StringIO(content.decode("utf-8", "replace"), newline="").readlines()
    end = "\r\n" if old[0].endswith("\r\n") else "\n"
    new = [added.get(number, "").replace("\n", end) + line for number, line in enumerate(old, 1)]
    new = io.StringIO("".join(new), newline="").readlines()
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
        for line in difflib.unified_diff(old, new, f"a/{path}", f"b/{path}", n=2)
    )
