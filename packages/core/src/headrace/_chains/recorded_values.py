"""Recorded values: JSON by default, pickle by choice."""

from __future__ import annotations

import base64
import json
import pickle
from collections.abc import Collection
from typing import Any, Protocol

from .durable_errors import ValueNotRecordedError
from .recorded_errors import error_from_json, error_to_json, secret_in

_ERROR, RUN = "$error", "_headrace_run"
"""Keys of a recorded error: the error, and what is recorded of its run, also an attribute."""


class Serializer(Protocol):
    """Converts values to text and back; with ``encrypts = True``, also redacted values."""

    def serialize(self, data: Any) -> str:
        """Return the text to record for `data`."""
        ...

    def deserialize(self, serialized_data: str) -> Any:
        """Return the value of a recorded text."""
        ...


class JsonSerializer:
    """Records values as JSON; errors keep their type, message and arguments.

    Tuples become lists, and keys become strings.
    """

    def serialize(self, data: Any) -> str:
        """Return `data`, a JSON value or an exception, as JSON."""
        if isinstance(data, BaseException):
            data = {_ERROR: error_to_json(data), RUN: vars(data).get(RUN)}
        return json.dumps(data, separators=(",", ":"), ensure_ascii=False)

    def deserialize(self, serialized_data: str) -> Any:
        """Return the value, or the exception, of a text."""
        data = json.loads(serialized_data)
        if isinstance(data, dict) and data.keys() == {_ERROR, RUN}:
            error = error_from_json(data[_ERROR])
            vars(error)[RUN] = data[RUN]
            return error
        return data

    def name(self) -> str:
        """Return the name of the format, for engines that record it."""
        return "headrace_json"


class PickleSerializer:
    """Records values as pickles: anyone who can write to the database can run code."""

    def serialize(self, data: Any) -> str:
        """Return the pickle of `data` in base64."""
        return base64.b64encode(pickle.dumps(data)).decode()

    def deserialize(self, serialized_data: str) -> Any:
        """Return the value of a text."""
        return pickle.loads(base64.b64decode(serialized_data))  # noqa: S301 - chosen by the user

    def name(self) -> str:
        """Return the name of the format, for engines that record it."""
        return "headrace_pickle"


def recorded(serializer: Serializer, what: str, value: Any, secrets: Collection[str] = ()) -> Any:
    """Return `value` as a run reads it from the records, now and after a crash.

    Args:
        serializer: the serializer.
        what: the step or input, for the message.
        value: the value.
        secrets: the keys that the chain redacts.

    Raises:
        ValueNotRecordedError: it cannot be encoded, or holds a redacted key in clear text.
    """
    secret = None if getattr(serializer, "encrypts", False) else secret_in(value, secrets)
    if secret is not None:
        raise ValueNotRecordedError(
            f"{what}: the value holds {secret!r}, which the chain redacts; only a serializer that "
            f"encrypts records it"
        )
    try:
        return serializer.deserialize(serializer.serialize(value))
    except Exception as exc:
        inner = value[next(iter(value))] if isinstance(value, dict) and len(value) == 1 else value
        raise ValueNotRecordedError(
            f"{what}: a value of type {type(inner).__qualname__} cannot be recorded: "
            f"{type(exc).__name__}: {exc}"
        ) from None
