"""Conditions: their truth, and what follows from it."""

from __future__ import annotations

from headrace_inspect._symbols._syntax import Expr

from ._contexts import Condition, Frame
from ._expressions import evaluate
from ._values import ClassValue, Instance, Items, options_of, union


def truth_of(frame: Frame, test: Expr) -> bool | None:
    """Return the truth of a condition if literals decide it, or None."""
    match test:
        case ("k", value):
            return bool(value)
        case str():
            value = frame.literals.get(test, ...)
            return None if value is ... else bool(value)
        case ("is", str(name), is_none) if name in frame.literals:
            return (frame.literals[name] is None) is is_none
        case ("!", inner):
            truth = truth_of(frame, inner)
            return None if truth is None else not truth
        case ("o", values, is_or):
            found = [truth_of(frame, one) for one in values]
            return is_or if is_or in found else None if None in found else not is_or
    return None


def implied_conditions(frame: Frame, test: Expr, *, holds: bool) -> tuple[Condition, ...]:
    """Return the conditions on parameters and flags that follow from `test`, or its negation."""
    match test:
        case str(name) if name in frame.context.variables:
            return ((name, holds),)
        case ("is", str(name), is_none) if name in frame.context.variables:
            return ((f"{name} is None", is_none is holds),)
        case (
            ("a", _, str(name), _)
            | ("c", _, _, "getattr", (_, ("k", str(name)), *_), _)
            | ("c", _, _, ("a", _, str(name), _), _, _)
        ):
            return ((name, holds),)
        case ("!", inner):
            return implied_conditions(frame, inner, holds=not holds)
        case ("o", values, is_or) if is_or is not holds:
            return tuple([
                one for part in values for one in implied_conditions(frame, part, holds=holds)
            ])
    return ()


def narrow(frame: Frame, test: Expr) -> None:
    """Narrow the class of a variable by a condition that holds."""
    match test:
        case ("c", _, _, "isinstance", (str(name), types), _):
            classes = evaluate(frame, types)
            listed = classes.values if isinstance(classes, Items) else options_of(classes)
            found = [Instance(one.cls) for one in listed if isinstance(one, ClassValue)]
            if found:
                frame.bind(name, union(*found))
        case _:
            pass
