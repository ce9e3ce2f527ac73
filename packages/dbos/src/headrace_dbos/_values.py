"""Recorded values: JSON by default, pickle by choice, and errors without running their code."""

from __future__ import annotations

import base64
import json
import pickle
import sys
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from headrace import ChainError, ChainResult

from ._errors import ValueNotRecordedError

_ERROR = "$error"
_RUN = "_run"
"""The attribute of an error that holds what is recorded of its run."""
Blot = Callable[[str], str]


class Serializer(Protocol):
    """Turns values into text and back, as `dbos.Serializer` does.

    One that encrypts has an attribute ``encrypts = True`` and may record redacted keys.
    """

    def serialize(self, data: Any) -> str:
        """Return `data` as text."""
        ...

    def deserialize(self, serialized_data: str) -> Any:
        """Return the value of a text."""
        ...

    def name(self) -> str:
        """Return the name under which DBOS records the format."""
        ...


class JsonSerializer:
    """Records values as JSON; errors keep their type, message and arguments.

    Tuples become lists, and keys become strings.
    """

    def serialize(self, data: Any) -> str:
        """Return `data`, a JSON value or an exception, as JSON."""
        if isinstance(data, BaseException):
            data = {_ERROR: error_to_json(data), _RUN: vars(data).get(_RUN)}
        return json.dumps(data, separators=(",", ":"), ensure_ascii=False)

    def deserialize(self, serialized_data: str) -> Any:
        """Return the value, or the exception, of a text."""
        data = json.loads(serialized_data)
        if isinstance(data, dict) and data.keys() == {_ERROR, _RUN}:
            error = error_from_json(data[_ERROR])
            vars(error)[_RUN] = data[_RUN]
            return error
        return data

    def name(self) -> str:
        """Return the name under which DBOS records the format."""
        return "headrace_json"


class PickleSerializer:
    """Records values as pickles: whoever can write to the database can run code."""

    def serialize(self, data: Any) -> str:
        """Return the pickle of `data` in base64."""
        return base64.b64encode(pickle.dumps(data)).decode()

    def deserialize(self, serialized_data: str) -> Any:
        """Return the value of a text."""
        return pickle.loads(base64.b64decode(serialized_data))  # noqa: S301 - chosen by the user

    def name(self) -> str:
        """Return the name under which DBOS records the format."""
        return "headrace_pickle"


class Values:
    """Checks values before they are recorded.

    Args:
        serializer: the serializer of the database.
    """

    def __init__(self, serializer: Serializer) -> None:
        self.serializer = serializer
        self.encrypts: bool = getattr(serializer, "encrypts", False)

    def recorded(self, what: str, value: Any, secrets: Iterable[str] = ()) -> Any:
        """Return `value` as a run reads it from the records, now and after a crash.

        Args:
            what: the step or input, for the message.
            value: the value.
            secrets: the keys that the chain redacts.

        Raises:
            ValueNotRecordedError: it cannot be encoded, or holds a redacted key in clear text.
        """
        if secrets and not self.encrypts:
            key = _secret_in(value, frozenset(secrets))
            if key is not None:
                raise ValueNotRecordedError(
                    f"{what}: the value holds {key!r}, which the chain redacts; it is recorded "
                    f"only by a serializer that encrypts"
                )
        try:
            return self.serializer.deserialize(self.serializer.serialize(value))
        except Exception as exc:
            raise ValueNotRecordedError(
                f"{what}: a value of type {type(value).__qualname__} cannot be recorded: "
                f"{type(exc).__name__}: {exc}"
            ) from None


def _secret_in(value: Any, names: frozenset[str]) -> str | None:
    waiting = [value]
    seen: set[int] = set()
    while waiting:
        each = waiting.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        if isinstance(each, dict):
            found = next((key for key in each if key in names), None)
            if found is not None:
                return str(found)
            waiting += each.values()
        elif isinstance(each, list | tuple | set):
            waiting += each
    return None


# --- errors ---------------------------------------------------------------------------------------


class RecordedError(Exception):
    """An error whose type the resuming process does not have; its text names the type."""


def error_to_json(exc: BaseException, blot: Blot = str) -> dict[str, Any]:
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
    """Return the error of a record, made without calling its type.

    Args:
        data: the record.
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
