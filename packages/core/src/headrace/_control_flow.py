"""The frameworks' control-flow exceptions: a 404 or a Celery retry is not a failure."""

from __future__ import annotations

_registered: dict[type[BaseException], None] = {}


def register_control_flow(*types: type[BaseException]) -> None:
    """Register exception `types` that chains neither retry nor wrap.

    Raises:
        TypeError: an argument is not an exception type.
    """
    for each in types:
        if not (isinstance(each, type) and issubclass(each, BaseException)):
            raise TypeError(f"register_control_flow() takes exception types, not {each!r}")
        _registered[each] = None


def is_control_flow(exc: BaseException) -> bool:
    """Tell whether `exc` is of a registered type."""
    return isinstance(exc, tuple(_registered))
