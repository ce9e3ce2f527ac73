"""The decorators that declare a map as a flow, as a patch."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from headrace_inspect._source._discovery import shown
from headrace_inspect._source._lines import lines_of
from headrace_inspect._symbols._entities import Function

from ._map import Edge, Map


@dataclass(eq=False, slots=True)
class _Step:
    function: Function
    name: str
    sources: list[_Step] = field(default_factory=list)


def patch_for(found: Map, flow: str, contents: Mapping[str, bytes]) -> str:
    """Return a patch that declares the nodes of a map with edges as steps of a flow.

    Args:
        found: the map. An edge that closes a circle is left out, and so is one whose target is a
            class, of which no single function is the step.
        flow: the flow's name.
        contents: the content of each file, by its absolute path.
    """
    steps = _steps(found.edges)
    added: dict[str, dict[int, list[str]]] = {}
    for step in steps:
        node = step.function.node
        lines = added.setdefault(step.function.module.path, {})
        lines.setdefault(node.lineno, []).append(_decorator(step, flow, node.col_offset))
    patches = []
    for path, lines in sorted(added.items()):
        tree = next(one.function.module for one in steps if one.function.module.path == path).tree
        lines.setdefault(_first_line(tree), []).insert(0, "import headrace")
        patches.append(_patch(shown(path), contents[path], lines))
    return "".join(patches).removesuffix("\n")


def _steps(edges: Sequence[Edge]) -> list[_Step]:
    found: dict[Function, _Step] = {}
    names: set[str] = set()

    def step_of(function: Function) -> _Step:
        if function not in found:
            found[function] = _Step(function, _free(function, names))
        return found[function]

    for edge in edges:
        source, target = edge.begins, edge.target.function
        if source is None or target is None or source is target:
            continue
        if not isinstance(source.node, ast.Lambda) and not isinstance(target.node, ast.Lambda):
            before, after = step_of(source), step_of(target)
            if before not in after.sources and not _leads(after, before):
                after.sources.append(before)
    return list(found.values())


def _leads(step: _Step, to: _Step) -> bool:
    """Tell whether declared edges lead from `step` to another."""
    waiting, seen = [to], {to}
    while waiting:
        for source in waiting.pop().sources:
            if source is step:
                return True
            if source not in seen:
                seen.add(source)
                waiting.append(source)
    return step is to


def _free(function: Function, taken: set[str]) -> str:
    """Return a name that no other step has: the function's, or one with more of where it is."""
    parts = [*function.module.name.split("."), *function.qualname.split(".")]
    longer = ["_".join(parts[-count:]) for count in range(1, len(parts) + 1)]
    name = next((one for one in longer if one not in taken), longer[-1])
    while name in taken:
        name += "_"
    taken.add(name)
    return name


def _decorator(step: _Step, flow: str, indent: int) -> str:
    words = [repr(flow)]
    if step.sources:
        sources = [one.name for one in step.sources]
        words.append(f"after={sources[0]!r}" if len(sources) == 1 else f"after={sources!r}")
    if step.name != step.function.name:
        words.append(f"name={step.name!r}")
    kind = "step" if step.sources else "entrypoint"
    return f"{' ' * indent}@headrace.{kind}({', '.join(words)})".replace("'", '"')


def _first_line(tree: ast.Module) -> int:
    """Return the line before which an import may stand."""
    for statement in tree.body:
        is_text = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
        is_future = isinstance(statement, ast.ImportFrom) and statement.module == "__future__"
        if not is_text and not is_future:
            decorators: list[ast.expr] = getattr(statement, "decorator_list", [])
            return min([statement.lineno, *[one.lineno for one in decorators]])
    return 1


def _patch(path: str, content: bytes, added: Mapping[int, Sequence[str]]) -> str:
    end = "\r\n" if b"\r\n" in content else "\n"
    old = [line + end for line in lines_of(content)]
    old[-1] = old[-1].removesuffix(end)
    new = []
    for number, line in enumerate(old, 1):
        new += [*[text + end for text in added.get(number, ())], line]
    names = f"a/{path}", f"b/{path}"
    lines = difflib.unified_diff(list(filter(None, old)), list(filter(None, new)), *names, n=2)
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines
    )
