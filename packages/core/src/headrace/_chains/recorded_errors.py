"""What is recorded: errors as JSON values and back, and no secrets."""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from .errors import ChainError

if TYPE_CHECKING:
    from collections.abc import Callable

    from .result import ChainResult


class RecordedError(Exception):
    """A recorded error whose type this process has not loaded; the text names the type."""


def error_to_json(exc: BaseException, blot: Callable[[str], str] = str) -> dict[str, Any]:
    """Return what is recorded of `exc`.

    Args:
        exc: the error.
        blot: masks the secrets of the run in a text.
    """
    kind = type(exc)
    args = [blot(each) if isinstance(each, str) else each for each in exc.args]
    data: dict[str, Any] = {
        "type": f"{kind.__module__}:{kind.__qualname__}",
        "args": args if all(isinstance(each, str | int | float | None) for each in args) else None,
        "text": blot(str(exc)),
    }
    if isinstance(exc, ChainError):
        data |= {"step": exc.step, "reason": exc.reason, "attempts": exc.attempts}
        data["undo_errors"] = [error_to_json(each, blot) for each in exc.undo_errors]
        data["others"] = [error_to_json(each, blot) for each in exc.others]
        if exc.__cause__ is not None:
            data["cause"] = error_to_json(exc.__cause__, blot)
    return data


def error_from_json(data: dict[str, Any], result: ChainResult | None = None) -> Exception:
    """Return the error of a record, made without calling its ``__init__``.

    Args:
        data: what `error_to_json` returned.
        result: the context of the run, if the error is one of the chain.
    """
    kind = _type_of(data["type"])
    if kind is None or (data["args"] is None and not issubclass(kind, ChainError)):
        return RecordedError(f"{data['type'].rpartition(':')[2]}: {data['text']}")
    error = kind.__new__(kind, *(data["args"] or ()))
    if isinstance(error, ChainError):
        vars(error).update({key: data[key] for key in ("step", "reason", "attempts")})
        error.undo_errors = [error_from_json(each) for each in data["undo_errors"]]
        error.others = [error_from_json(each) for each in data["others"]]
        error.result = result
        if "cause" in data:
            error.__cause__ = error_from_json(data["cause"])
    return error


def _type_of(name: str) -> type[Exception] | None:
    """Return the exception type of that name if its module is loaded: a record imports nothing."""
    module, _, path = name.partition(":")
    found: Any = sys.modules.get(module)
    for part in path.split("."):
        found = getattr(found, "__dict__", {}).get(part)  # a module's __getattr__ may import
    return found if isinstance(found, type) and issubclass(found, Exception) else None


def secret_in(value: Any, names: Collection[str]) -> str | None:
    """Return a key of `value`, at any depth of its containers, that is one of `names`, or None."""
    waiting, seen = [value], set[int]()
    while waiting:
        each = waiting.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        if isinstance(each, Mapping):
            found = [key for key in each if key in names]
            if found:
                return str(found[0])
            waiting += each.values()
        elif isinstance(each, list | tuple | set):
            waiting += each
    return None
