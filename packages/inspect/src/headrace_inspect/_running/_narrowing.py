"""What is known of a variable where a test or a pattern has told its class."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from headrace_inspect._names._values import (
    UNKNOWN,
    Choice,
    ClassValue,
    External,
    Instance,
    Items,
    Many,
    Parameter,
    Table,
    Unknown,
    Value,
    choice_of,
)

from ._giving import give

if TYPE_CHECKING:
    from ._frame import Frame

_ISINSTANCE = External("builtins.isinstance")


def narrow(frame: Frame, test: ast.expr, *, holds: bool) -> None:
    """Let variables have the classes that `test` says, where it holds or does not."""
    match test:
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            narrow(frame, operand, holds=not holds)
        case ast.BoolOp(op=operator, values=values):
            if isinstance(operator, ast.And) is holds:
                for value in values:
                    narrow(frame, value, holds=holds)
        case ast.Call(func=ast.Name(id="isinstance"), args=[ast.Name(id=name), cls]) if holds:
            if frame.name("isinstance") == _ISINSTANCE:
                _narrow_name(frame, name, _instance_of(frame, cls))


def narrowed(frame: Frame, test: ast.expr, *, holds: bool) -> dict[str, tuple[Value, Value]]:
    """Do as `narrow`, and return the variables concerned, with what they were and are."""
    before = frame.branch()
    narrow(frame, test, holds=holds)
    return {
        name: (before.get(name, UNKNOWN), value)
        for name, value in frame.variables.items()
        if before.get(name) is not value
    }


def widen(frame: Frame, names: dict[str, tuple[Value, Value]]) -> None:
    """Take back what `narrowed` did, where the variable has not been set since."""
    for name, (before, after) in names.items():
        if frame.variables.get(name) is after:
            frame.variables[name] = before


def match_pattern(frame: Frame, pattern: ast.pattern, subject: ast.expr, value: Value) -> None:
    """Let the names in `pattern` have what they stand for where it fits `subject`."""
    for part in ast.walk(pattern):
        name = getattr(part, "name", None) or getattr(part, "rest", None)
        if isinstance(name, str):
            frame.variables[name] = UNKNOWN
            if isinstance(value, Items | Many | Table):
                give(frame, value, subject)  # a part of it, perhaps
    narrowed = _fitting(frame, pattern, value)
    if isinstance(subject, ast.Name):
        frame.variables[subject.id] = narrowed
    if isinstance(pattern, ast.MatchAs) and pattern.name is not None:
        frame.variables[pattern.name] = narrowed


def _fitting(frame: Frame, pattern: ast.pattern | None, value: Value) -> Value:
    match pattern:
        case ast.MatchAs(pattern=inner):
            return _fitting(frame, inner, value)
        case ast.MatchOr(patterns=patterns):
            return choice_of([_fitting(frame, one, value) for one in patterns])
        case ast.MatchClass(cls=cls):
            return narrowed_to(frame, value, _instance_of(frame, cls))
    return value


def _instance_of(frame: Frame, cls: ast.expr) -> Value:
    """Return an instance of `cls`, which may be several classes."""
    match cls:
        case ast.Tuple(elts=elements):
            return choice_of([_instance_of(frame, element) for element in elements])
        case ast.BinOp(op=ast.BitOr(), left=left, right=right):
            return choice_of([_instance_of(frame, left), _instance_of(frame, right)])
        case ast.Name() | ast.Attribute():
            with frame.captured():
                value = frame.resolved(cls)
            return Instance(value.cls, exact=False) if isinstance(value, ClassValue) else UNKNOWN
    return UNKNOWN


def _narrow_name(frame: Frame, name: str, to: Value) -> None:
    frame.variables[name] = narrowed_to(frame, frame.engine.resolve(frame.name(name)), to)


def narrowed_to(frame: Frame, value: Value, to: Value) -> Value:
    """Return `value`, which is known to be `to` as well: what tells more of the two."""
    if to is UNKNOWN or (isinstance(to, Choice) and UNKNOWN in to.options):
        return value
    if isinstance(value, Unknown | Parameter | External):
        return to
    if isinstance(value, Choice):
        fitting = [one for one in value.options if _is_one_of(frame, one, to)]
        return choice_of(fitting) if fitting else to
    if isinstance(value, Instance) and not value.exact and not _is_one_of(frame, value, to):
        return to
    return value


def _is_one_of(frame: Frame, value: Value, to: Value) -> bool:
    classes = [
        one.cls
        for one in (to.options if isinstance(to, Choice) else (to,))
        if isinstance(one, Instance)
    ]
    return isinstance(value, Instance) and any(
        frame.engine.is_subclass(value.cls, cls) for cls in classes
    )
