"""Detection of registrations that bypass a step by calling its undecorated function.

The cause is the order of decorators: a registering decorator, such as a route's, registers the
undecorated function if it is below the step's decorator.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakKeyDictionary, WeakSet

from headrace._callables import layers

from .declare import PENDING, STEPS

if TYPE_CHECKING:
    from headrace._step_info import StepInfo

_log = logging.getLogger("headrace")

_METHODS = (
    *("get", "head", "post", "put", "patch", "delete", "options", "trace", "query"),
    *("dispatch", "dispatch_request", "on_connect", "on_receive", "on_disconnect", "handle"),
)

# A value must not refer to its key, or the entry would never be freed; a StepInfo does not.
_steps_of: WeakKeyDictionary[Any, tuple[StepInfo, ...]] = WeakKeyDictionary()
_reported: WeakSet[Any] = WeakSet()


class Registration(NamedTuple):
    """A function registered with a framework.

    Attributes:
        what: the kind and name of the registration, for messages, such as ``route '/orders'``.
        function: the function, or a class whose methods the framework calls.
        decorator: the registering decorator as written, such as ``@app.get``.
    """

    what: str
    function: Any
    decorator: str


def remember(function: Any, info: StepInfo) -> None:
    """Record that the step `info` wraps `function`."""
    try:
        _steps_of[function] = (*_steps_of.get(function, ()), info)
    except TypeError:  # not weakly referenceable, so not defined by `def`
        return


def report_undecorated(registrations: Iterable[Registration]) -> list[str]:
    """Report registrations of a declared step's undecorated function; never raises.

    Each function is logged once, as a warning of the logger ``headrace``. If the step is also
    registered, the function counts as registered on purpose.

    Args:
        registrations: all registrations of the framework.

    Returns:
        One line per reported registration, including those logged earlier.
    """
    if not _steps_of:
        return []
    try:
        return _report(registrations)
    except Exception:
        _log.exception("the check for undecorated step functions failed")
        return []


def _report(registrations: Iterable[Registration]) -> list[str]:
    reached: set[StepInfo] = set()
    missed: list[tuple[Registration, Any, tuple[StepInfo, ...]]] = []
    for registration in registrations:
        for function in _functions_of(registration.function):
            passed, bare = _followed(function)
            reached |= passed
            missed += [(registration, layer, infos) for layer, infos in bare]
    lines: dict[str, None] = {}  # a view's class and its function may lead to the same line
    for registration, function, infos in missed:
        if reached.isdisjoint(infos):
            line = _line(registration, function, infos[-1])
            lines[line] = None
            if function not in _reported:
                _reported.add(function)
                _log.warning("%s", line)
    return [*lines]


def _functions_of(registered: Any) -> Iterator[Any]:
    if not isinstance(registered, type):
        yield registered
        return
    for name in _METHODS:
        method = inspect.getattr_static(registered, name, None)
        if method is not None:
            yield getattr(method, "__func__", method)


def _followed(function: Any) -> tuple[set[StepInfo], list[tuple[Any, tuple[StepInfo, ...]]]]:
    """Return the steps that a call of `function` runs, and the bare functions of other steps."""
    passed: set[StepInfo] = set()
    bare = []
    for layer in layers(function):
        marks = getattr(layer, "__dict__", {})
        passed.update(marks.get(STEPS, ()))
        if PENDING in marks:  # a class's step looks up its flow when called
            return passed, []
        for one in (layer, getattr(layer, "__func__", None)):
            infos = _known(one)
            if infos and passed.isdisjoint(infos):
                bare.append((one, infos))
    return passed, bare


def _known(function: Any) -> tuple[StepInfo, ...]:
    try:
        return _steps_of.get(function, ())
    except TypeError:
        return ()


def _line(registration: Registration, function: Any, info: StepInfo) -> str:
    name = getattr(function, "__qualname__", info.name)
    decorator = "entrypoint" if info.is_entrypoint else "step"
    return (
        f"the {registration.what} calls the undecorated function {name} ({info.file}:{info.line}) "
        f"instead of its {decorator} {info.flow}.{info.name}: the decorators are in the wrong "
        f"order; put @{decorator} below {registration.decorator}, nearest to the `def`"
    )
