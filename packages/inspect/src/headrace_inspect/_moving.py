"""Lines that have moved in files that say the same as before."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ._cache import Memory
from ._findings._ignores import find_ignores
from ._models._routing import mentions_settings
from ._report import Facts, Finding, Place, Problem
from ._source._discovery import shown
from ._source._reading import UnreadableError, parse

Lines = dict[int, int]
"""The new number of each line on which a piece of syntax begins or ends."""


def moved_facts(
    memory: Memory, new: Mapping[str, bytes], problems: Sequence[Problem]
) -> Facts | None:
    """Return the facts of the tree `new` if only lines have moved since the last evaluation."""
    key, old = memory.read_sources(problems)
    facts = memory.read(key)
    if facts is None or any(one.code == "HR106" for one in facts.findings):
        return None  # the message of HR106 names the line of another step
    moves: dict[str, Lines] = {}
    for path in [path for path in new if old.get(path) != new[path]]:
        lines = lines_between(old.get(path, b"\0"), new[path])
        if lines is None or mentions_settings(old[path]) != mentions_settings(new[path]):
            return None
        moves[shown(path)] = lines
    if old.keys() != new.keys():
        return None
    try:
        moved: Facts = _moved(facts, moves)
    except KeyError:
        return None
    findings = [_renamed(*pair) for pair in zip(facts.findings, moved.findings, strict=True)]
    ignores = find_ignores({shown(path): content for path, content in new.items()})
    return replace(moved, findings=tuple(findings), ignores=tuple(ignores))


def _renamed(was: Finding, now: Finding) -> Finding:
    """Return a finding that has moved, with the line that its message names."""
    if was.code != "HR201":
        return now
    old, new = (one.evidence[0].place.line for one in (was, now))
    return replace(now, message=now.message.replace(f"{old};", f"{new};"))


def _moved(one: Any, moves: Mapping[str, Lines]) -> Any:
    if isinstance(one, Place):
        return Place(one.file, moves[one.file][one.line]) if one.file in moves else one
    if isinstance(one, tuple):
        return tuple([_moved(part, moves) for part in one])
    names = getattr(one, "__slots__", ())
    return type(one)(*[_moved(getattr(one, name), moves) for name in names]) if names else one


def lines_between(old: bytes, new: bytes) -> Lines | None:
    """Return how the lines have moved; None if more than layout, comments or docstrings changed.

    The order of lines stays, and what was on one line is on one line: evaluation, which takes two
    calls for one where their names and lines are the same, comes to the same result.
    """
    try:
        pairs: list[tuple[Any, Any]] = [(parse(old), parse(new))]
    except UnreadableError:
        return None
    lines: Lines = {}
    while pairs:
        was, now = pairs.pop()
        if type(was) is not type(now):
            return None
        if isinstance(was, ast.AST):
            if not _is_docstring(was) or not _is_docstring(now):
                pairs += [(getattr(was, name), getattr(now, name)) for name in was._fields]
                for name in ("lineno", "end_lineno"):
                    lines.setdefault(getattr(was, name, 0), getattr(now, name, 0))
                    pairs.append((lines[getattr(was, name, 0)], getattr(now, name, 0)))
        elif isinstance(was, list) and len(was) == len(now):
            pairs += zip(was, now, strict=True)
        elif was != now:
            return None
    ordered = [now for _, now in sorted(lines.items())]
    return lines if all(one < other for one, other in itertools.pairwise(ordered)) else None


def _is_docstring(node: ast.AST) -> bool:
    value = node.value if isinstance(node, ast.Expr) else None
    return isinstance(value, ast.Constant) and isinstance(value.value, str)
