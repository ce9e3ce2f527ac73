"""The end of a response: its streaming body, and what its `close` runs."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import ReferenceType

if TYPE_CHECKING:
    from headrace.integration import ResumableUnit


def close(unit: ResumableUnit, response: Any) -> None:
    """Close `response` inside its unit: Django sends `request_finished` there."""
    del response.close  # breaks the reference cycle between the response and this attribute
    try:
        unit.run(response.close)
    except BaseException as exc:
        unit.end(exc)
        raise


def is_of_django(entry: Any) -> bool:
    """Tell whether a receiver, as a signal stores it, is Django's own."""
    receiver = entry[1]
    if isinstance(receiver, ReferenceType):
        receiver = receiver()
    return str(getattr(receiver, "__module__", "")).startswith("django.")


def keep_alive(unit: ResumableUnit, response: Any) -> None:
    """Let the unit live until the response's streaming body is exhausted or closed."""
    closers = response._resource_closers  # noqa: SLF001 - Django has no public way
    closers[:] = [partial(unit.run, closer) for closer in closers]
    # A server may send an open file by itself, unless we put an iterator in its place.
    if getattr(response, "file_to_stream", None) is None:
        wrap = unit.aiterate if response.is_async else unit.iterate
        response.streaming_content = wrap(response.streaming_content)
    closers.append(unit.end)
