"""The end of a response: its streaming body, and code that runs when the response is closed."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import ReferenceType

from django.core.signals import request_finished

if TYPE_CHECKING:
    from headrace.integration import ResumableUnit


def keep_open(unit: ResumableUnit, response: Any) -> None:
    """End `unit` when the response's streaming body is exhausted or closed."""
    closers = response._resource_closers  # noqa: SLF001 - Django has no public access to them
    closers[:] = [partial(unit.run, closer) for closer in closers]
    # Do not wrap an open file, which the server may send itself.
    if getattr(response, "file_to_stream", None) is None:
        wrap = unit.aiterate if response.is_async else unit.iterate
        response.streaming_content = wrap(response.streaming_content)
    closers.append(unit.end)


class Closing:
    """Runs a response's `close` inside the unit of its request, if `close` runs other code.

    Django sends `request_finished` in `close`, after the middleware has returned.
    """

    def __init__(self) -> None:
        self._known = 0
        self._has_receivers = False

    def enclose(self, unit: ResumableUnit, response: Any) -> None:
        """Run the `close` method of `response` inside `unit`, which may have ended."""
        receivers = request_finished.receivers
        if len(receivers) != self._known:  # faster than checking all of them for each request
            self._known = len(receivers)
            self._has_receivers = not all(map(_is_from_django, receivers))
        if self._has_receivers or response._resource_closers:  # noqa: SLF001 - as above
            response.close = partial(_close, unit, response)


def _close(unit: ResumableUnit, response: Any) -> None:
    del response.close  # restores the method and breaks a reference cycle
    try:
        unit.run(response.close)
    except BaseException as exc:
        unit.end(exc)
        raise


def _is_from_django(entry: Any) -> bool:
    receiver = entry[1]
    if isinstance(receiver, ReferenceType):
        receiver = receiver()
    return str(getattr(receiver, "__module__", "")).startswith("django.")
