"""Plants regressions into the programs of the corpus, for ``headrace check --since`` to notice.

Each one takes an edge away that the code shows: it removes a call, swaps two, calls where a queue
was, disconnects a signal or drops a plugin. `python -m tests.inspect.regression_kit` prints what
is noticed.
"""

from __future__ import annotations

import ast
import itertools
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from headrace_inspect._findings._since import compared
from headrace_inspect._git import OldTree
from headrace_inspect._pipeline import facts_in
from headrace_inspect._report import Edge, Facts, Link, Since
from headrace_inspect._sources import read_files
from tests.inspect.corpus_kit import CORPUS, PROJECTS

Nodes = Mapping[Any, str]


@dataclass(frozen=True)
class Regression:
    """A change that takes an edge away.

    Attributes:
        kind: what was done.
        edge: the edge.
        file: the file that is changed.
        places: files and lines; the first broken link should be one of them.
        content: the file's new content.
    """

    kind: str
    project: str
    edge: str
    file: str
    places: frozenset[tuple[str, int]]
    content: bytes


@cache
def contents_of(project: str) -> dict[str, bytes]:
    return read_files([str(CORPUS / project)])[0]


@cache
def facts_of(project: str) -> Facts:
    return facts_in([str(CORPUS / project)], contents_of(project))


def since(regression: Regression) -> Since:
    """Return what changes by a regression."""
    contents = contents_of(regression.project) | {regression.file: regression.content}
    now = facts_in([str(CORPUS / regression.project)], contents)
    changes, _ = compared(facts_of(regression.project), now, OldTree("", "base"))
    return changes


def is_noticed(regression: Regression, changes: Since) -> bool:
    boundaries = {one.edge for one in changes.edges.boundary}
    return regression.edge in {*boundaries, *(one.edge for one in changes.lost)}


def names_the_link(regression: Regression, changes: Since) -> bool | None:
    """Tell whether the first broken link is right; None where nothing was lost."""
    for one in changes.lost:
        if one.edge == regression.edge:
            place = one.broken_at
            return (place.file, place.line) in regression.places
    return None


# --- planting -------------------------------------------------------------------------------------


def regressions(most: int) -> Iterator[Regression]:
    """Yield at most so many regressions of each kind for each project."""
    for project in PROJECTS:
        for plant in (
            call_removed,
            order_swapped,
            queue_for_call,
            signal_disconnected,
            plugin_dropped,
        ):
            found = 0
            for edge in facts_of(project).edges:
                made = plant(project, edge) if edge.by else None
                if made is not None and found < most:
                    found += 1
                    yield made


def call_removed(project: str, edge: Edge) -> Regression | None:
    """Remove a call on the way to the edge's target, the first that is the only one of its kind."""
    for link in edge.evidence[edge.pivot :]:
        node = only_call(project, link)
        if node is not None and link.kind != "signal":
            return changed("call removed", project, edge, link, {node: "None"})
    return None


def order_swapped(project: str, edge: Edge) -> Regression | None:
    """Swap the statements that run the source and the target, which are called only there."""
    if not edge.pivot:
        return None
    first, second = edge.evidence[0], edge.evidence[edge.pivot]
    if (first.place.file, first.scope) != (second.place.file, second.scope):
        return None
    if not only_call(project, first) or not only_call(project, second):
        return None
    file = str(Path(first.place.file).absolute())
    for body in bodies(trees_of(project)[file]):
        for one, other in itertools.pairwise(body):
            if not (isinstance(one, ast.Expr) and isinstance(other, ast.Expr)):
                continue
            if (one.lineno, other.lineno) == (first.place.line, second.place.line):
                texts = {one: text_of(project, file, other), other: text_of(project, file, one)}
                return changed("order swapped", project, edge, first, texts, second.place.line)
    return None


def queue_for_call(project: str, edge: Edge) -> Regression | None:
    """Call directly what is put into a queue."""
    link = edge.evidence[-1]
    node = only_call(project, link)
    if node is None or edge.kind != "enqueue" or not isinstance(node.func, ast.Attribute):
        return None
    if node.func.attr != "delay":
        return None
    return changed("call for queue", project, edge, link, {node.func: ast.unparse(node.func.value)})


def signal_disconnected(project: str, edge: Edge) -> Regression | None:
    """Remove the decorator that connects a receiver on the way to the edge's target."""
    for link in edge.evidence[edge.pivot :]:
        for file, function in functions(project) if link.kind == "signal" else ():
            for one in function.decorator_list if function.name == link.target else ():
                if "receiver" in ast.unparse(one) or ".connect" in ast.unparse(one):
                    texts = {one: "(lambda function: function)"}
                    return changed("signal disconnected", project, edge, link, texts, file=file)
    return None


def plugin_dropped(project: str, edge: Edge) -> Regression | None:
    """Take the edge's target out of the list or table that it is called from."""
    link = edge.evidence[-1]
    name = link.target.rpartition(".")[2]
    if name in link.text or "next" in link.text:
        return None
    for file, tree in trees_of(project).items():
        decorators = {one for _, function in functions(project) for one in function.decorator_list}
        declared = {id(inner) for one in decorators for inner in ast.walk(one)}
        for node in ast.walk(tree):
            values = node.elts if isinstance(node, ast.List | ast.Tuple) else []
            values = node.values if isinstance(node, ast.Dict) else values
            for one in values:
                if isinstance(one, ast.Name) and one.id == name and id(one) not in declared:
                    texts = {one: "(lambda *given, **named: None)"}
                    return changed("plugin dropped", project, edge, link, texts, file=file)
    return None


# --- source ---------------------------------------------------------------------------------------


@cache
def trees_of(project: str) -> dict[str, ast.Module]:
    return {file: ast.parse(content) for file, content in contents_of(project).items()}


def functions(project: str) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for file, tree in trees_of(project).items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield file, node


def only_call(project: str, link: Link) -> ast.Call | None:
    """Return the call of a link, if the program mentions its target nowhere else."""
    name = link.target.rpartition(".")[2]
    mentions = [
        node
        for tree in trees_of(project).values()
        for node in ast.walk(tree)
        if (isinstance(node, ast.Name) and node.id == name)
        or (isinstance(node, ast.Attribute) and node.attr == name)
    ]
    file = str(Path(link.place.file).absolute())
    for node in ast.walk(trees_of(project)[file]):
        is_there = isinstance(node, ast.Call) and node.lineno == link.place.line
        if is_there and len(mentions) == 1 and name in ast.unparse(node.func).split("."):
            return node
    return None


def bodies(tree: ast.Module) -> Iterator[list[ast.stmt]]:
    for node in ast.walk(tree):
        for name in ("body", "orelse", "finalbody"):
            body = getattr(node, name, None)
            if isinstance(body, list):
                yield body


def text_of(project: str, file: str, node: ast.AST) -> str:
    return ast.get_source_segment(contents_of(project)[file].decode(), node) or ""


def changed(
    kind: str,
    project: str,
    edge: Edge,
    link: Link,
    texts: Nodes,
    *lines: int,
    file: str = "",
) -> Regression:
    """Return a regression that replaces nodes of one file by texts."""
    where = file or str(Path(link.place.file).absolute())
    source = contents_of(project)[where].splitlines(keepends=True)
    starts = [0]
    for line in source:
        starts.append(starts[-1] + len(line))
    content = b"".join(source)
    for node, text in sorted(texts.items(), key=lambda one: -starts[one[0].lineno - 1]):
        begin = starts[node.lineno - 1] + node.col_offset
        end = starts[node.end_lineno - 1] + node.end_col_offset
        content = content[:begin] + text.encode() + content[end:]
    found = frozenset((link.place.file, line) for line in (link.place.line, *lines))
    return Regression(kind, project, edge.id, where, found, content)


def main() -> int:
    kinds: dict[str, list[tuple[bool, bool | None]]] = {}
    for one in regressions(4):
        changes = since(one)
        result = (is_noticed(one, changes), names_the_link(one, changes))
        kinds.setdefault(one.kind, []).append(result)
        if not result[0] or result[1] is False:
            print(one.kind, one.project, one.edge, sorted(one.places), result)  # noqa: T201
    for kind, results in kinds.items():
        noticed = sum(one for one, _ in results)
        named = [named for _, named in results if named is not None]
        print(f"{kind:20} {noticed} of {len(results)} noticed")  # noqa: T201
        print(f"{'':20} {sum(named)} of {len(named)} with the first broken link")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
