"""The key of the current step in a run that an engine may repeat."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from .variables import key_var

if TYPE_CHECKING:
    from collections.abc import Iterator


def current_step_key() -> str | None:
    """Return the key of the current step: ``run:step``, or ``run:undo step`` in its undo.

    It is the same in every attempt, and after the process has died and another one has resumed the
    run: hand it to services that accept an idempotency key, such as payment providers. It is None
    outside a step, and in a chain that runs within its process, which nothing resumes.
    """
    return key_var.get()


@contextmanager
def step_key(key: str) -> Iterator[None]:
    """Make `key` the one that `current_step_key` returns inside the block."""
    outer = key_var.get()
    key_var.set(key)
    try:
        yield
    finally:
        key_var.set(outer)
