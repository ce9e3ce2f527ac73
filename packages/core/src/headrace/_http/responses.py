"""Additions to responses: the correlation header, the refusal page, the access line."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from headrace._logger import GuardedLogger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, MutableMapping

    from .rules import HttpPolicy

S = TypeVar("S", str, bytes)

REFUSAL = "400 Bad Request: the correlation ID header is invalid\n"
"""The body of the response to a request that ``on_invalid="reject"`` refuses."""

REFUSED_KEY = "headrace.refused"
"""The key in a scope or environ that delegates the refusal to code inside the application."""

REFUSAL_STATUS = 400
REFUSAL_TYPE = "text/plain; charset=utf-8"

_EXPOSE = "Access-Control-Expose-Headers"
_access = GuardedLogger("headrace.access")


def make_put(
    policy: HttpPolicy, encode_name: Callable[[str], S], encode_value: Callable[[str], S]
) -> Callable[[Iterable[tuple[S, S]], str], list[tuple[S, S]]]:
    """Return a function that sets the correlation header in a response's list of headers.

    It takes the list and the ID and returns a new list, since the application's may be a constant
    or a one-shot iterable.

    Args:
        policy: defines the header, if any.
        encode_name: converts a header name to the protocol's string type.
        encode_value: converts a header value to the protocol's string type.
    """
    header, exposes = policy.response_header, policy.options.expose_header
    if header is None:
        return lambda headers, _: list(headers)
    own_name = encode_name(header)
    own, expose = own_name.lower(), encode_name(_EXPOSE)
    length = len(own)

    # A closure, for speed: a method would look each of these up.
    def put(headers: Iterable[tuple[S, S]], correlation_id: str) -> list[tuple[S, S]]:
        kept: list[tuple[S, S]] = list(headers)
        for name, _ in kept:
            if len(name) == length and name.lower() == own:  # comparing lengths is faster
                kept = [pair for pair in kept if pair[0].lower() != own]
                break
        kept.append((own_name, encode_value(correlation_id)))
        return put_exposed(kept) if exposes else kept

    def put_exposed(headers: list[tuple[S, S]]) -> list[tuple[S, S]]:
        lower = expose.lower()
        existing = [_text(value) for name, value in headers if name.lower() == lower]
        kept: list[tuple[S, S]] = [pair for pair in headers if pair[0].lower() != lower]
        kept.append((expose, encode_value(exposed(existing, header))))
        return kept

    return put


def put_in_mapping(
    headers: MutableMapping[str, str], policy: HttpPolicy, correlation_id: str
) -> None:
    """Set the correlation header in a case-insensitive mapping, such as Django's.

    Args:
        headers: the headers of the response.
        policy: defines the header, if any.
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
    return [("content-type", REFUSAL_TYPE), ("content-length", str(len(REFUSAL.encode())))]


def exposed(existing: Iterable[str], header: str) -> str:
    """Return ``Access-Control-Expose-Headers`` with `header` added to its `existing` values."""
    names = [name.strip() for value in existing for name in value.split(",") if name.strip()]
    # Needed even next to "*", which is an ordinary name in a request with credentials.
    if header.lower() in (name.lower() for name in names):
        return ", ".join(names)
    return ", ".join([*names, header])


def log_access(method: str, path: str, status: int | None, seconds: float) -> None:
    """Log the access line of a finished request.

    Args:
        method: the request's method; escaped like the path, since both are external text.
        path: its path.
        status: the response's status, or None if there was no response.
        seconds: its duration.
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
