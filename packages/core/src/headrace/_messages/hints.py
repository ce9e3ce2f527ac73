"""Suggestions for misspelt names."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, NoReturn, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

P = ParamSpec("P")
R = TypeVar("R")


def nearest_name(name: object, known: Iterable[str]) -> str | None:
    """Return the known name most similar to `name`, or None if none is similar.

    Args:
        name: the misspelt name; case is ignored.
        known: the valid names.
    """
    # Imported only for an error, to keep start-up fast.
    from difflib import get_close_matches

    by_folded = {each.casefold(): each for each in known}
    near = get_close_matches(str(name).casefold(), by_folded, n=1)
    return by_folded[near[0]] if near else None


def did_you_mean(name: object, known: Iterable[str], otherwise: str = "") -> str:
    """Return ``did you mean 'x'?`` for the nearest known name, or `otherwise` if none is similar.

    Args:
        name: the misspelt name.
        known: the valid names.
        otherwise: the text to return if no known name is similar.
    """
    near = nearest_name(name, known)
    return otherwise if near is None else f"did you mean {near!r}?"


def name_hint(name: object, known: Iterable[str], *, otherwise: str = "choose one of") -> str:
    """Return ``did you mean 'x'?``, or the list of valid names if none is similar.

    Args:
        name: the misspelt name.
        known: the valid names.
        otherwise: the words before the list.
    """
    known = [*known]
    return did_you_mean(name, known, f"{otherwise} {', '.join(known)}")


def checks_keywords(function: Callable[P, R]) -> Callable[P, R]:
    """Decorate `function` to suggest the nearest keyword for an unknown one.

    Python itself does so from 3.13 on. Use it for set-up functions only, since it adds a frame to
    each call.

    Args:
        function: a function or method with named parameters only.
    """
    keywords = frozenset(_keywords(function))

    @wraps(function)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        if not kwargs.keys() <= keywords:
            refuse_keyword(function, next(name for name in kwargs if name not in keywords))
        return function(*args, **kwargs)

    return checked


def refuse_keyword(function: Callable[..., object], name: str, caller: str = "") -> NoReturn:
    """Reject an unknown keyword of `function` and suggest the nearest ones.

    Args:
        function: a function or method.
        name: the unknown keyword.
        caller: the name to use in the message instead of the function's own.

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
