"""Lines that have moved in files that say the same as before."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ._cache import Memory
from ._findings._ignores import find_ignores
from ._models._routing import mentions_settings
from ._report import Facts, Finding, Place, Problem
from ._source._discovery import shown
from ._source._reading import UnreadableError, parse

_another = re.compile(r".*, on line (\d+) of (.+)", re.DOTALL)
Lines = dict[int, int]
"""The new number of each line on which a piece of syntax begins or ends."""


def moved_facts(
    memory: Memory, new: Mapping[str, bytes], problems: Sequence[Problem]
) -> Facts | None:
    """Return the facts of the tree `new` if only lines have moved since the last evaluation."""
    key, old = memory.read_sources(problems)
    facts = memory.read(key)
    if facts is None:
        return None
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
        pairs = zip(facts.findings, moved.findings, strict=True)
        findings = tuple([_renamed(*pair, moves) for pair in pairs])
    except KeyError:
        return None
    ignores = find_ignores({shown(path): content for path, content in new.items()})
    return replace(moved, findings=findings, ignores=tuple(ignores))


def _renamed(was: Finding, now: Finding, moves: Mapping[str, Lines]) -> Finding:
    """Return a finding that has moved, with the line that its message names."""
    message = was.message
    if was.code == "HR106" and (found := _another.match(message)) and found[2] in moves:
        line = moves[found[2]][int(found[1])]
        message = f"{message[: found.start(1)]}{line}{message[found.end(1) :]}"
    if was.code == "HR201":
        old, new = (one.evidence[0].place.line for one in (was, now))
        message = message.replace(f"{old};", f"{new};")
    return replace(now, message=message)


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
