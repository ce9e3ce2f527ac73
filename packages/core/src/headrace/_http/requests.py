"""The life of an observed request: its unit, its facts, its access line."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

from headrace import _state
from headrace._context.attachments import add_facts
from headrace._context.model import FlowContext
from headrace._context.resumable import ResumableUnit, unobserved
from headrace._context.variables import get_unit
from headrace._observation.otel.semantics import error_type
from headrace._observation.outcomes import error_text
from headrace._state import units_are_watched

from .responses import log_access

if TYPE_CHECKING:
    from .rules import HttpPolicy


class RequestUnit(ResumableUnit):
    """The unit of a request, which ends with the last byte of the response.

    It stays current for code that runs later, which changes neither outcome nor duration.

    Args:
        context: the unit, which begins immediately.
        method: the request's method.
        path: its full path.
        logs: whether to log it to ``headrace.access`` when it ends.
    """

    __slots__ = ("_facts", "_logs", "_method", "_path", "_start", "_status")

    def __init__(self, context: FlowContext, method: str, path: str, *, logs: bool) -> None:
        self._facts = context._facts = {"method": method, "path": path}  # noqa: SLF001
        super().__init__(context)
        self._logs = logs
        if logs:
            self._method, self._path = method, path
            self._status: int | None = None
            self._start = perf_counter()

    def respond(self, status: int | None, route: str | None) -> None:
        """Record the response's `status`, and the request's `route` (its template) if known."""
        if self._report is not None:
            self._facts["status"] = status
            if route is not None:
                self._facts["route"] = route
            else:  # an inner application may have set it
                self._facts.setdefault("route", None)
        if self._logs:
            self._status = status

    def end(self, exc: BaseException | None = None) -> None:
        """End the unit; a second call only marks the exception."""
        if self._logs:
            self._logs = False
            seconds = perf_counter() - self._start
            self.run(log_access, self._method, self._path, self._status, seconds)
        super().end(exc)


def begin_request(
    policy: HttpPolicy, context: FlowContext, method: str, path: str
) -> ResumableUnit:
    """Begin the unit of a request: a `RequestUnit` if a backend or the access log needs it.

    Args:
        policy: the policy that admitted the request.
        context: the unit.
        method: the request's method.
        path: its full path.
    """
    dispatcher, logs = _state.dispatcher, policy.options.access_log
    if logs or (dispatcher is not None and dispatcher.wants_units()):
        return RequestUnit(context, method, path, logs=logs)
    return unobserved(context)


def record_error(exc: BaseException) -> None:
    """Record the error of the current request, which its framework turns into a response.

    Args:
        exc: the exception, which the unit does not see.
    """
    context = get_unit()
    if context is not None and units_are_watched():
        add_facts(context, error_type=error_type(exc), error=error_text(exc))


def name_for_inner_route(unit: object, path: str, route: str | None) -> None:
    """Name a request's unit after the route that an inner application has matched.

    The mount point stays as the client sent it. A name that is no longer a path is kept.

    Args:
        unit: the unit; other objects are ignored.
        path: the request's path relative to that application.
        route: the template of `path`, or None if unknown.
    """
    if route is None or not isinstance(unit, FlowContext):
        return
    name = unit.name or ""
    if path and name.endswith(path):
        mount = name[: -len(path)]
        unit.name = template = f"{mount}/{route.removeprefix('/')}" if mount else route
        if units_are_watched():
            add_facts(unit, route=template)
