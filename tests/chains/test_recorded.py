"""What is recorded of errors and values, and what is read back."""

from __future__ import annotations

import sys
import types
from collections import UserDict
from typing import Any

import pytest

from headrace import Chain, StepFailedError
from headrace.integration.chains import parts_of, plan_of
from headrace.integration.recording import (
    RecordedError,
    error_from_json,
    error_to_json,
    secret_in,
)


class CustomError(Exception):
    """An error with state that its arguments do not show."""

    def __init__(self, code: int, *, detail: str) -> None:
        raise AssertionError("restoring an error must not run this") from None


def test_an_error_comes_back_with_its_type_arguments_and_cause() -> None:
    """Errors of chains with their cause, undo errors and other errors too."""
    error = StepFailedError("charge", "no")
    error.attempts, error.undo_errors, error.others = 3, [OSError(2, "x")], [ValueError("y")]
    error.__cause__ = ConnectionError("no")
    back = error_from_json(error_to_json(error))
    assert isinstance(back, StepFailedError)
    assert (str(back), back.step, back.attempts) == (str(error), "charge", 3)
    assert repr(back.__cause__) == "ConnectionError('no')"
    assert [repr(each) for each in back.undo_errors] == ["FileNotFoundError(2, 'x')"]
    assert [repr(each) for each in back.others] == ["ValueError('y')"]


def test_restoring_an_error_neither_calls_nor_imports() -> None:
    """Its `__init__` does not run; a type that is not loaded is named in the text instead."""
    custom = CustomError.__new__(CustomError, 7)
    assert error_from_json(error_to_json(custom)).args == (7,)
    unknown = {"type": "wsgiref.validate:AssertionError", "args": [], "text": "boom"}
    sys.modules.pop("wsgiref.validate", None)
    assert repr(error_from_json(unknown)) == repr(RecordedError("AssertionError: boom"))
    assert "wsgiref.validate" not in sys.modules
    module = types.ModuleType("lazy")
    vars(module)["__getattr__"] = pytest.fail
    sys.modules["lazy"] = module
    try:
        lazy = error_from_json({"type": "lazy:Error", "args": [], "text": "boom"})
    finally:
        del sys.modules["lazy"]
    assert str(lazy) == "Error: boom"


@pytest.mark.parametrize("name", ["builtins:print", "builtins:SystemExit", "os:path.join"])
def test_only_exception_types_are_restored(name: str) -> None:
    """A record that names something else gives a `RecordedError`."""
    assert isinstance(error_from_json({"type": name, "args": [], "text": ""}), RecordedError)


def test_secrets_are_masked_in_a_recorded_error() -> None:
    """In its text and in its arguments."""
    recorded = error_to_json(ValueError("card 4111", 7), lambda text: text.replace("4111", "***"))
    assert (recorded["args"], recorded["text"]) == (["card ***", 7], "('card ***', 7)")


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ({"card": 1}, "card"),
        ([{"a": ({"card": 1},)}], "card"),
        (UserDict(card=1), "card"),
        ({"cards": 1}, None),
        ("card", None),
    ],
)
def test_a_secret_is_found_at_any_depth(value: Any, found: str | None) -> None:
    """By its key, in mappings inside of mappings, lists and tuples."""
    assert secret_in(value, {"card"}) == found


def test_a_secret_is_sought_in_a_value_that_holds_itself() -> None:
    """The search ends."""
    value: list[Any] = []
    value.append(value)
    assert secret_in(value, {"card"}) is None


def test_the_parts_of_a_chain_have_paths_and_values() -> None:
    """Branches and nested chains, with the values that their runs begin with."""
    inner = Chain().put("b", 2).next(print, name="inner")
    chain = Chain().put("a", 1).next(inner, kwargs={"x": "a"}).parallel(Chain().next(len))
    parts = [(part.path, part.is_branch, part.values) for part in parts_of(plan_of(chain))]
    assert parts == [
        ("", False, {"a": 1}),
        ("/0", False, {"b": 2}),
        ("/1.0", True, {"a": 1}),
    ]
