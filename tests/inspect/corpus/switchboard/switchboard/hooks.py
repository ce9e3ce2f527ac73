"""A small hook system: functions that are called when something happens."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])
_hooks: dict[str, list[Callable[..., Any]]] = defaultdict(list)


def hook(event: str) -> Callable[[F], F]:
    def register(function: F) -> F:
        _hooks[event].append(function)
        return function

    return register


def fire(event: str, *args: Any) -> list[Any]:
    return [function(*args) for function in _hooks[event]]
