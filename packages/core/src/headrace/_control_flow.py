"""The frameworks' control-flow exceptions: a 404 or a Celery retry is not a failure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_registered: dict[type[BaseException], str | None] = {}


def register_control_flow(*types: type[BaseException], outcome: str | None = None) -> None:
    """Register exception `types` that chains neither retry nor wrap.

    Args:
        types: the exception types.
        outcome: how backends name the outcome of a step or unit that ends in one, if that is
            neither ``error`` nor ``cancelled``: ``retry``, for example.

    Raises:
        TypeError: an argument is not an exception type.
    """
    for each in types:
        if not (isinstance(each, type) and issubclass(each, BaseException)):
            raise TypeError(f"register_control_flow() takes exception types, not {each!r}")
        _registered[each] = outcome


def is_control_flow(exc: BaseException) -> bool:
    """Tell whether `exc` is of a registered type, or a group that holds nothing else."""
    return is_all_of(exc, tuple(_registered))


def is_all_of(exc: BaseException, types: tuple[type[BaseException], ...]) -> bool:
    """Tell whether `exc` is of one of `types`, or a group of nothing but such exceptions."""
    return isinstance(exc, types) or (
        isinstance(exc, BaseExceptionGroup)
        and all(isinstance(each, types) for each in members(exc))
    )


def members(exc: BaseException) -> Iterator[BaseException]:
    """Yield what `exc` holds at any depth, if it is a group; else `exc` itself."""
    waiting = [exc]
    while waiting:
        each = waiting.pop()
        if isinstance(each, BaseExceptionGroup):
            waiting += reversed(each.exceptions)
        else:
            yield each


def control_flow_outcome(exc: BaseException) -> str | None:
    """Return the outcome that the type of `exc` was registered with, or None.

    A group has the outcome that all of its members have.
    """
    if isinstance(exc, BaseExceptionGroup):
        outcomes = {control_flow_outcome(each) for each in members(exc)}
        return outcomes.pop() if len(outcomes) == 1 else None
    for each in type(exc).__mro__:
        outcome = _registered.get(each)
        if outcome is not None:
            return outcome
    return None
