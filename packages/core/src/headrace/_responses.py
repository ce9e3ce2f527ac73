"""What a response gets from us: one correlation header, the refusal's page, the access line."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from ._guarded_logger import GuardedLogger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, MutableMapping

    from ._http import HttpPolicy

S = TypeVar("S", str, bytes)

REFUSAL = "400 Bad Request: the correlation ID header is invalid\n"
"""The body of the response to a request that ``on_invalid="reject"`` refuses."""

REFUSED_KEY = "headrace.refused"
"""Where a scope or an environ says that something inside of the application makes this response."""

REFUSAL_STATUS = 400
REFUSAL_TYPE = "text/plain; charset=utf-8"

_EXPOSE = "Access-Control-Expose-Headers"
_access = GuardedLogger("headrace.access")


def make_put(
    policy: HttpPolicy, of_name: Callable[[str], S], of_value: Callable[[str], S]
) -> Callable[[Iterable[tuple[S, S]], str], list[tuple[S, S]]]:
    """Return the function that puts the one correlation header into a response's list of headers.

    It takes the list and the ID, and returns a new list: the application may have given a constant
    one, or an iterable for one use.

    Args:
        policy: says which header, if any.
        of_name: makes the protocol's string of a header's name.
        of_value: makes the protocol's string of a header's value.
    """
    header, exposes = policy.response_header, policy.options.expose_header
    if header is None:
        return lambda headers, _: list(headers)
    own_name = of_name(header)
    own, expose = own_name.lower(), of_name(_EXPOSE)
    length = len(own)

    # A closure, for speed: a method would look each of these up.
    def put(headers: Iterable[tuple[S, S]], correlation_id: str) -> list[tuple[S, S]]:
        kept: list[tuple[S, S]] = list(headers)
        for name, _ in kept:
            if len(name) == length and name.lower() == own:  # lengths are compared faster
                kept = [pair for pair in kept if pair[0].lower() != own]
                break
        kept.append((own_name, of_value(correlation_id)))
        return put_exposed(kept) if exposes else kept

    def put_exposed(headers: list[tuple[S, S]]) -> list[tuple[S, S]]:
        lower = expose.lower()
        existing = [_text(value) for name, value in headers if name.lower() == lower]
        kept: list[tuple[S, S]] = [pair for pair in headers if pair[0].lower() != lower]
        kept.append((expose, of_value(exposed(existing, header))))
        return kept

    return put


def put_in_mapping(
    headers: MutableMapping[str, str], policy: HttpPolicy, correlation_id: str
) -> None:
    """Put the correlation header into a mapping that ignores case, such as Django's.

    Args:
        headers: those of the response.
        policy: says which header, if any.
        correlation_id: its value.
    """
    header = policy.response_header
    if header is None:
        return
    headers[header] = correlation_id
    if policy.options.expose_header:
        existing = headers.get(_EXPOSE)
        headers[_EXPOSE] = exposed([existing] if existing else [], header)


def refusal_headers() -> list[tuple[str, str]]:
    """Return the headers of the response whose body is `REFUSAL`, in lower case."""
    return [("content-type", REFUSAL_TYPE), ("content-length", str(len(REFUSAL)))]


def exposed(existing: Iterable[str], header: str) -> str:
    """Return ``Access-Control-Expose-Headers`` with `header` added to its `existing` values."""
    names = [name.strip() for value in existing for name in value.split(",") if name.strip()]
    # Beside "*" too: to a request with credentials it is a name like any other.
    if header.lower() in (name.lower() for name in names):
        return ", ".join(names)
    return ", ".join([*names, header])


def log_access(method: str, path: str, status: int | None, seconds: float) -> None:
    """Log the line of a request that is done.

    Args:
        method: the request's method; like the path it is escaped, for it comes from outside.
        path: its path.
        status: the response's status, or None where there was none.
        seconds: how long it took.
    """
    method, shown = _escaped(method), _escaped(path)
    milliseconds = seconds * 1000.0
    _access.info(
        "%s %s %s %.1f ms",
        method,
        shown,
        "-" if status is None else status,
        milliseconds,
        extra={"method": method, "path": shown, "status": status, "duration_ms": milliseconds},
    )


def _escaped(text: str) -> str:
    return text.encode("unicode_escape").decode("ascii")


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("latin-1")
