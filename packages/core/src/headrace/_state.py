"""The current settings, as module globals that the hot paths read."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakMethod

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from ._context.dispatcher import Dispatcher

DEFAULT_HEADER = "X-Correlation-ID"


class Settings:
    """The configuration in force; `configure` documents each field."""

    # Not a named tuple: every request reads fields, and a named tuple's take five times as long.
    __slots__ = ("header", "id_factory", "propagate_metadata", "strict")

    def __init__(
        self,
        strict: bool = False,
        header: str = DEFAULT_HEADER,
        id_factory: Callable[[], str | UUID] | None = None,
        propagate_metadata: tuple[str, ...] = (),
    ) -> None:
        self.strict: bool = strict
        self.header: str = header
        self.id_factory: Callable[[], str | UUID] | None = id_factory
        self.propagate_metadata: tuple[str, ...] = propagate_metadata


settings = Settings()
# None while no backend is listening; hot paths check nothing else.
dispatcher: Dispatcher | None = None


def units_are_watched() -> bool:
    """Return whether a backend listens to units and needs their facts (see `add_facts`)."""
    return dispatcher is not None and dispatcher.wants_units()


_followers: list[WeakMethod[Callable[[], None]]] = []


def set_settings(new: Settings) -> None:
    """Apply `new`, and notify the followers if the header has changed."""
    global settings  # noqa: PLW0603 - the only assignment
    has_changed = new.header != settings.header
    settings = new
    if has_changed:
        for follower in [reference() for reference in _followers]:
            if follower is not None:
                follower()


def follow_header(changed: Callable[[], None]) -> None:
    """Call the method `changed` whenever `configure` changes the header.

    Args:
        changed: a bound method, held by a weak reference.
    """
    _followers[:] = [reference for reference in _followers if reference() is not None]
    _followers.append(WeakMethod(changed))
