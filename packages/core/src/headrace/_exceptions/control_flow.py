"""The frameworks' control-flow exceptions: a 404 or a Celery retry is not a failure."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_registered: dict[type[BaseException], str | None] = {}
_named: dict[str, str | None] = {}  # by dotted path: their modules may never be imported
_interrupts: list[type[BaseException]] = []


def register_control_flow(*types: type[BaseException] | str, outcome: str | None = None) -> None:
    """Register exception `types` that chains neither retry nor wrap.

    Args:
        types: the exception types. Name a type of an optional library by its dotted path, such as
            ``"rest_framework.exceptions.APIException"``: this imports nothing, and takes effect
            once the program has imported the module.
        outcome: the outcome that backends report for a step or unit that ends in such an exception,
            such as ``retry``, instead of ``error``.

    Raises:
        TypeError: an argument is neither an exception type nor a dotted path.
    """
    for each in types:
        if isinstance(each, str) and "." in each:
            _named[each] = outcome
        elif not (isinstance(each, type) and issubclass(each, BaseException)):
            raise TypeError(
                f"register_control_flow() takes exception types or their dotted paths, not {each!r}"
            )
        else:
            _registered[each] = outcome


def register_interrupt(*types: type[BaseException]) -> None:
    """Register exception `types` that a framework raises from outside, wherever the code is.

    They are control flow. In addition, the outcome of the step in progress is unknown, and hooks
    and callbacks of chains do not swallow them.
    """
    register_control_flow(*types)
    _interrupts.extend(types)


def is_interrupt(exc: BaseException) -> bool:
    """Return whether `exc` has a type that was registered by `register_interrupt`."""
    return isinstance(exc, tuple(_interrupts))


def ends_run(exc: BaseException) -> bool:
    """Return whether `exc` ends a run wherever it is raised: a signal, not an error of the code."""
    return not isinstance(exc, Exception) or is_interrupt(exc)


def _types() -> dict[type[BaseException], str | None]:
    """Return the registered types with their outcomes, including types imported since."""
    for path in [*_named]:
        module, _, name = path.rpartition(".")
        found = getattr(sys.modules.get(module), name, None)
        if isinstance(found, type) and issubclass(found, BaseException):
            _registered[found] = _named.get(path)
            _named.pop(path, None)  # another thread may have removed it
    return _registered


def registered_outcomes() -> set[str]:
    """Return the outcomes that exception types are registered with."""
    return {outcome for outcome in (*_registered.values(), *_named.values()) if outcome}


def is_control_flow(exc: BaseException) -> bool:
    """Return whether `exc` has a registered type, or is a group of only such exceptions."""
    return is_all_of(exc, tuple(_types()))


def is_all_of(exc: BaseException, types: tuple[type[BaseException], ...]) -> bool:
    """Return whether `exc` has one of `types`, or is a group of only such exceptions."""
    return isinstance(exc, types) or (
        isinstance(exc, BaseExceptionGroup)
        and all(isinstance(each, types) for each in members(exc))
    )


def members(exc: BaseException) -> Iterator[BaseException]:
    """Yield the members of a group at any depth, or `exc` itself if it is not a group."""
    waiting = [exc]
    while waiting:
        each = waiting.pop()
        if isinstance(each, BaseExceptionGroup):
            waiting += reversed(each.exceptions)
        else:
            yield each


def control_flow_outcome(exc: BaseException) -> str | None:
    """Return the outcome that the type of `exc` was registered with, or None.

    A group has an outcome if all its members have the same one.
    """
    if isinstance(exc, BaseExceptionGroup):
        outcomes = {control_flow_outcome(each) for each in members(exc)}
        return outcomes.pop() if len(outcomes) == 1 else None
    types = _types()
    for each in type(exc).__mro__:
        outcome = types.get(each)
        if outcome is not None:
            return outcome
    return None
