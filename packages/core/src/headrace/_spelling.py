"""Answers to a misspelt name: the nearest one that there is."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, NoReturn, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

P = ParamSpec("P")
R = TypeVar("R")


def nearest_name(name: object, known: Iterable[str]) -> str | None:
    """Return the name that is most like the one given, or None where none is like it.

    Args:
        name: what was given; upper and lower case count as the same.
        known: the names that there are.
    """
    # Imported when something is wrong: a start-up without errors does not need it.
    from difflib import get_close_matches

    by_folded = {each.casefold(): each for each in known}
    near = get_close_matches(str(name).casefold(), by_folded, n=1)
    return by_folded[near[0]] if near else None


def name_hint(name: object, known: Iterable[str], *, otherwise: str = "there are") -> str:
    """Return ``did you mean 'x'?``, or the names that there are where none is like it.

    Args:
        name: what was given.
        known: the names that there are.
        otherwise: what to say before the list of these.
    """
    known = [*known]
    near = nearest_name(name, known)
    return f"{otherwise} {', '.join(known)}" if near is None else f"did you mean {near!r}?"


def checks_keywords(function: Callable[P, R]) -> Callable[P, R]:
    """Decorate `function` so that an unknown keyword is answered with the nearest one.

    Python does that of its own accord from 3.13 on. It is for functions that set things up, since
    each call goes through one more frame.

    Args:
        function: a function or method with named parameters alone.
    """
    keywords = frozenset(_keywords(function))

    @wraps(function)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        if not kwargs.keys() <= keywords:
            refuse_keyword(function, next(name for name in kwargs if name not in keywords))
        return function(*args, **kwargs)

    return checked


def refuse_keyword(function: Callable[..., object], name: str, caller: str = "") -> NoReturn:
    """Answer an unknown keyword of `function` with the nearest ones.

    Args:
        function: a function or method.
        name: the keyword that it was called with.
        caller: what the function is called in the message, if not by its own name.

    Raises:
        TypeError: always.
    """
    options = [each for each in _keywords(function) if each != "self"]
    caller = caller or function.__qualname__.removesuffix(".__init__")
    first = nearest_name(name, options)
    second = nearest_name(name, [each for each in options if each != first])
    hint = name_hint(name, options)
    if second is not None:
        hint = f"did you mean {first!r} or {second!r}?"
    raise TypeError(f"{caller}() has no option {name!r}; {hint}")


def _keywords(function: Callable[..., object]) -> list[str]:
    import inspect

    parameters = inspect.signature(function).parameters.values()
    return [p.name for p in parameters if p.kind in {p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY}]
