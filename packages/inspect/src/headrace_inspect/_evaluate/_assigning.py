"""Assignments: to names, attributes, items and patterns."""

from __future__ import annotations

import ast

from ._expressions import call_special, evaluate
from ._frame import Frame
from ._values import (
    UNKNOWN,
    ClassValue,
    Constant,
    Instance,
    Items,
    Table,
    Value,
    options_of,
    union,
)


def assign(frame: Frame, target: ast.expr, value: Value) -> None:
    """Bind what `target` names to `value`."""
    match target:
        case ast.Name(id=name):
            _assign_name(frame, name, value)
        case ast.Tuple(elts=elements) | ast.List(elts=elements):
            for index, element in enumerate(elements):
                assign(frame, element, frame.engine.item(frame, value, index))
        case ast.Starred(value=inner):
            assign(frame, inner, UNKNOWN)
        case ast.Attribute(value=owner, attr=name):
            store(frame, evaluate(frame, owner), name, value)
        case ast.Subscript(value=owner, slice=key):
            made = evaluate(frame, key)
            for option in options_of(evaluate(frame, owner)):
                call_special(frame, option, "__setitem__", (made, value), target)
                if isinstance(option, Table | Items) and option.origin is not None:
                    known = made.value if isinstance(made, Constant) else None
                    frame.engine.put(option, known, value)
        case _:
            pass


def _assign_name(frame: Frame, name: str, value: Value) -> None:
    if name in frame.global_names:
        frame.engine.add_global(frame.module, name, value)
    else:
        frame.variables[name] = value


def store(frame: Frame, owner: Value, name: str, value: Value) -> None:
    """Keep `value` as an attribute of `owner`."""
    frame.engine.set_attribute(frame, owner, name, value, ast.Pass())
    if owner == frame.receiver:
        known = frame.stored.get(name, UNKNOWN)
        frame.stored[name] = union(known, value)
    frame.engine.store(owner, name, value)


def bind_pattern(
    frame: Frame, pattern: ast.pattern, subject: Value, node: ast.expr | None = None
) -> None:
    """Bind the variables of a pattern, and narrow the subject by its class."""
    match pattern:
        case ast.MatchAs():
            _bind_as(frame, pattern, subject, node)
        case ast.MatchClass():
            _bind_class(frame, pattern, subject, node)
        case ast.MatchSequence(patterns=patterns):
            for index, one in enumerate(patterns):
                bind_pattern(frame, one, frame.engine.item(frame, subject, index))
        case ast.MatchOr(patterns=patterns):
            _bind_or(frame, patterns, node)
        case ast.MatchMapping(patterns=patterns):
            for one in patterns:
                bind_pattern(frame, one, UNKNOWN)
        case ast.MatchStar(name=str(name)):
            frame.variables[name] = UNKNOWN
        case _:
            pass


def _bind_as(frame: Frame, pattern: ast.MatchAs, subject: Value, node: ast.expr | None) -> None:
    if pattern.pattern is not None:
        bind_pattern(frame, pattern.pattern, subject, node)
        subject = _matched(frame, pattern.pattern, subject)
    if pattern.name is not None:
        frame.variables[pattern.name] = subject


def _bind_or(frame: Frame, patterns: list[ast.pattern], node: ast.expr | None) -> None:
    kinds = [_matched(frame, one, UNKNOWN) for one in patterns]
    if isinstance(node, ast.Name) and all(kind is not UNKNOWN for kind in kinds):
        frame.variables[node.id] = union(*kinds)


def _bind_class(
    frame: Frame, pattern: ast.MatchClass, subject: Value, node: ast.expr | None
) -> None:
    subject = _matched(frame, pattern, subject)
    if isinstance(node, ast.Name):
        frame.variables[node.id] = subject
    for one in pattern.patterns:
        bind_pattern(frame, one, UNKNOWN)
    for name, one in zip(pattern.kwd_attrs, pattern.kwd_patterns, strict=True):
        bind_pattern(frame, one, frame.engine.attribute(frame, subject, name, pattern))


def _matched(frame: Frame, pattern: ast.pattern, subject: Value) -> Value:
    if isinstance(pattern, ast.MatchClass):
        cls = evaluate(frame, pattern.cls)
        if isinstance(cls, ClassValue):
            return Instance(cls.cls)
    return subject
