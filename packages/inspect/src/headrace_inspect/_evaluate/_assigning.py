"""Assignments: to names, attributes, items and patterns."""

from __future__ import annotations

import ast

from ._containers import key_of
from ._expressions import call_special, evaluate
from ._frame import Frame
from ._values import UNKNOWN, ClassValue, Instance, Items, Table, Value, options_of, union


def assign(frame: Frame, target: ast.expr, value: Value) -> None:
    """Bind what `target` names to `value`."""
    match target:
        case ast.Name(id=name) if name in frame.global_names:
            frame.engine.names.add_global(frame.module, name, value)
        case ast.Name(id=name):
            frame.bind(name, value)
        case ast.Tuple(elts=elements) | ast.List(elts=elements):
            for index, element in enumerate(elements):
                assign(frame, element, frame.engine.item(value, index))
        case ast.Starred(value=inner):
            assign(frame, inner, UNKNOWN)
        case ast.Attribute(value=owner, attr=name):
            frame.engine.set_attribute(frame, evaluate(frame, owner), name, value)
        case ast.Subscript(value=owner, slice=key):
            made = evaluate(frame, key)
            for option in options_of(evaluate(frame, owner)):
                call_special(frame, option, "__setitem__", target, made, value)
                if isinstance(option, Table | Items):
                    frame.engine.put(option, key_of(made), value)
        case _:
            pass


def bind_pattern(
    frame: Frame, pattern: ast.pattern, subject: Value, node: ast.expr | None = None
) -> None:
    """Bind the variables of a pattern, and narrow the subject `node` by its class."""
    match pattern:
        case ast.MatchAs(pattern=inner, name=name):
            if inner is not None:
                bind_pattern(frame, inner, subject, node)
            if name is not None:
                frame.bind(name, _matched(frame, inner, subject))
        case ast.MatchClass() | ast.MatchOr():
            subject = _matched(frame, pattern, subject)
            if isinstance(node, ast.Name):
                frame.bind(node.id, subject)
            names, named = getattr(pattern, "kwd_attrs", ()), getattr(pattern, "kwd_patterns", ())
            for name, one in zip(names, named, strict=True):
                bind_pattern(frame, one, frame.engine.attribute(frame, subject, name, pattern))
        case ast.MatchSequence(patterns=patterns):
            for index, one in enumerate(patterns):
                bind_pattern(frame, one, frame.engine.item(subject, index))
        case _:
            pass


def _matched(frame: Frame, pattern: ast.pattern | None, subject: Value) -> Value:
    """Return what `subject` is where it matches."""
    if isinstance(pattern, ast.MatchOr):
        return union(*[_matched(frame, one, subject) for one in pattern.patterns])
    cls = evaluate(frame, pattern.cls) if isinstance(pattern, ast.MatchClass) else UNKNOWN
    return Instance(cls.cls) if isinstance(cls, ClassValue) else subject
