"""Writes a patch with the decorators that declare a map as a flow."""

from __future__ import annotations

import ast
import difflib
import io
from collections import Counter
from collections.abc import Iterable, Mapping

from headrace_inspect._sources import lines_of, parse, shown
from headrace_inspect._symbols._entities import Function

from ._map import Edge


def patch_for(edges: Iterable[Edge], flow: str, contents: Mapping[str, bytes]) -> str:
    """Return a patch that declares the connected nodes of a map as steps of a flow.

    Edges that close a cycle or lead to a class are left out: a class has no single function to
    decorate.
    """
    sources = _sources(edges)
    counts = Counter(function.name for function in sources)
    names = {one: one.name for one in sources}
    for one in [one for one in sources if counts[one.name] > 1]:
        names[one] = f"{one.module.name}.{one.qualname}".replace(".", "_")
    added: dict[str, dict[int, str]] = {}  # what comes before each line of a file
    for function, before in sources.items():
        path, line = function.module.path, function.line
        if path not in added:
            added[path] = _with_import(parse(contents[path]))
        text = lines_of(contents[path])[line - 1]
        indent = text[: len(text) - len(text.lstrip())]
        after = [names[one] for one in before]
        name = names[function] if names[function] != function.name else None
        decorator = f"{indent}{_decorator(flow, after, name)}\n"
        added[path][line] = added[path].get(line, "") + decorator
    patches = [_patch(shown(path), contents[path], lines) for path, lines in sorted(added.items())]
    return "".join(patches).removesuffix("\n")


def _sources(edges: Iterable[Edge]) -> dict[Function, list[Function]]:
    """Return the functions that each function is declared after."""
    found: dict[Function, list[Function]] = {}
    for edge in edges:
        before, after = edge.caller, edge.target.function
        if before is None or after is None or before.is_lambda or after.is_lambda:
            continue
        if before is not after:
            found.setdefault(before, [])
            known = found.setdefault(after, [])
            known += [before] if before not in known and not _follows(before, after, found) else []
    return found


def _follows(one: Function, other: Function, sources: Mapping[Function, list[Function]]) -> bool:
    """Tell whether declared edges lead from another function to this one."""
    seen, fresh = {one}, {one}
    while fresh and other not in seen:
        fresh = {source for step in fresh for source in sources[step]} - seen
        seen |= fresh
    return other in seen


def _decorator(flow: str, after: list[str], name: str | None) -> str:
    words = [repr(flow)]
    words += [f"after={(after[0] if len(after) == 1 else after)!r}"] if after else []
    words += [f"name={name!r}"] if name else []
    return f"@headrace.{'step' if after else 'entrypoint'}({', '.join(words)})".replace("'", '"')


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
