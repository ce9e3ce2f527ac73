"""HR300: an edge was shown, and is not any more; and the changes that fail nothing."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from hashlib import blake2b
from typing import TYPE_CHECKING

from headrace_inspect._facts import Facts
from headrace_inspect._report import (
    Boundary,
    Changes,
    Edge,
    Finding,
    Link,
    Lost,
    Since,
)
from headrace_inspect._source._discovery import shown
from headrace_inspect._source._git import OldTree

from ._messages import breaking

if TYPE_CHECKING:
    from headrace_inspect._evaluate._contexts import Context
    from headrace_inspect._evaluate._engine import Engine

_LENGTH = 16


def calls_in(engine: Engine) -> Iterator[str]:
    """Yield a digest of each call of a program, by which the calls of two trees are compared."""
    functions: dict[Context, frozenset[str]] = {}
    files: dict[str, str] = {}
    for context in engine.all_contexts():
        if context.module is not None:
            path = context.module.path
            if path not in files:
                files[path] = shown(path)
            scope = context.function.qualname if context.function is not None else ""
            for event in context.events:
                for target in event.targets:
                    for name in _functions_at(target, functions):
                        yield _digest(files[path], scope, name, event.kind)


def _functions_at(context: Context, known: dict[Context, frozenset[str]]) -> frozenset[str]:
    """Return the function of a body, or those that hang together at a place."""
    if context.function is not None:
        return frozenset([context.function.qualname])
    if context not in known:
        known[context] = frozenset()  # of a place that leads to itself
        targets = [target for event in context.events for target in event.targets]
        known[context] = frozenset([""]).union(*[_functions_at(one, known) for one in targets])
    return known[context]


def _digest(file: str, scope: str, target: str, kind: str) -> str:
    words = "\0".join([file, scope, target, kind]).encode("utf-8", "backslashreplace")
    return blake2b(words, digest_size=_LENGTH // 2).hexdigest()


def compared(
    old: Facts, new: Facts, base: OldTree, contents: Mapping[str, bytes]
) -> tuple[Since, list[Finding]]:
    """Return what has changed between two trees, and what of that is wrong.

    Args:
        old: what is known of the tree of then.
        new: what is known of the tree of now.
        base: the tree of then. What its links and submodules lead to now is no news.
        contents: the files of now.
    """
    comparison = _Comparison(old, new, contents)
    found = [*breaking(old.messages, new.messages)]
    aside = tuple(f"{shown(path)}/" for path in base.unfollowed)
    known = {one.id for one in new.steps if not f"{one.place.file}/".startswith(aside)}
    then, today = ({one.id for one in facts.steps} for facts in (old, new))
    was, now = comparison.was, comparison.now
    added = [now[name] for name in now.keys() - was.keys()]
    edges = Changes(
        tuple(sorted(one.id for one in added if f"{one.flow}:{one.target}" in known)),
        tuple(sorted(was.keys() - now.keys())),
        tuple(comparison.rerouted),
        tuple(comparison.boundary),
    )
    steps = Changes(tuple(sorted(known - then)), tuple(sorted(then - today)))
    since = Since("", base.commit, tuple(comparison.lost), steps, edges, tuple(found))
    return since, [*comparison.findings, *found]


class _Comparison:
    def __init__(self, old: Facts, new: Facts, contents: Mapping[str, bytes]) -> None:
        self._contents = contents
        self._calls = {new.calls[at : at + _LENGTH] for at in range(0, len(new.calls), _LENGTH)}
        self._places = {one.about: one for one in new.not_shown}
        self.was, self.now = ({edge.id: edge for edge in facts.edges} for facts in (old, new))
        self.lost: list[Lost] = []
        self.findings: list[Finding] = []
        self.rerouted: list[str] = []
        self.boundary: list[Boundary] = []
        for name, edge in self.was.items():
            if edge.evidence and name in self.now:
                self._compare(edge, self.now[name])

    def _compare(self, edge: Edge, present: Edge) -> None:
        broken = next((link for link in edge.evidence if not self._is_there(link)), None)
        if present.evidence and edge.kind != present.kind:
            self.boundary.append(Boundary(edge.id, edge.kind, present.kind))
        elif present.evidence and broken is not None:
            self.rerouted.append(edge.id)
        at, last = self._places.get(edge.id), edge.evidence[-1]
        if at is not None:  # it is not shown, and nothing else is wrong with it
            reason = self._reason(edge, broken)
            message = f"`{edge.source} -> {edge.target}` was shown at {_place(last)}{reason}"
            broken = broken or edge.evidence[edge.pivot or -1]
            self.lost.append(Lost(edge.id, last.place, broken.place))
            self.findings.append(replace(at, code="HR300", message=message, evidence=edge.evidence))

    def _is_there(self, link: Link) -> bool:
        return _digest(link.place.file, link.scope, link.target, link.kind) in self._calls

    def _reason(self, edge: Edge, broken: Link | None) -> str:
        """Return what became of the first call that broke."""
        if broken is None:
            first = _place(edge.evidence[0])
            return f", and no longer runs after {first}" if edge.pivot else ", and no longer is"
        body = _body(self._contents.get(os.path.abspath(broken.place.file), b""), broken.scope)
        is_written = broken.text.partition("(")[0] in body
        what = f"no longer leads to {broken.target!r}" if is_written else "is gone"
        if broken == edge.evidence[-1]:
            return f", and that call {what}"
        return f"; on the way there the call at {_place(broken)} {what}"


def _place(link: Link) -> str:
    return f"{link.place.file}:{link.place.line} (`{link.text}`)"


def _body(source: bytes, scope: str) -> str:
    """Return the text of the function with a dotted name, or of the module."""
    try:
        node: ast.AST | None = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    for name in scope.split(".") if scope else ():
        inner = ast.walk(node) if node is not None else ()
        node = next((one for one in inner if getattr(one, "name", None) == name), None)
    return "" if node is None else ast.unparse(node)
