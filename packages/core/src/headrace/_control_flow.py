"""The frameworks' control-flow exceptions: a 404 or a Celery retry is not a failure."""

from __future__ import annotations

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
    """Tell whether `exc` is of a registered type."""
    return isinstance(exc, tuple(_registered))


def control_flow_outcome(exc: BaseException) -> str | None:
    """Return the outcome that the type of `exc` was registered with, or None."""
    for each in type(exc).__mro__:
        outcome = _registered.get(each)
        if outcome is not None:
            return outcome
    return None
