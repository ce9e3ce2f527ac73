"""The options of the web integrations, and their validation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from enum import Enum
from typing import Any, Final, Literal, TypedDict

from headrace._callables import is_plain
from headrace._messages.deprecations import warn_deprecated
from headrace._messages.hints import name_hint
from headrace._propagation.headers import VENDOR_HEADERS, is_header_name


class Configured(Enum):
    """The value of an option that follows `headrace.configure`."""

    HEADER = "the header of headrace.configure()"

    def __repr__(self) -> str:
        """Return the description of the value."""
        return f"<{self.value}>"


CONFIGURED: Final = Configured.HEADER


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpOptions:
    """The options that every web integration takes, checked at set-up.

    Attributes:
        request_headers: the headers that may carry an inbound correlation ID; the first that
            holds a valid one wins. The default is the header of
            ``configure(header=...)``, ``X-Correlation-ID`` and ``X-Request-ID``. In
            ``X-Amzn-Trace-Id`` the ID is the value of ``Root=``, in
            ``X-Cloud-Trace-Context`` the trace ID.
        response_header: the header of the response that carries the ID; None omits it. The
            default is the header of ``configure(header=...)``.
        trust_inbound: whether to accept inbound IDs and traces, or a function of the ASGI scope or
            WSGI environ that decides for each request.
        validator: decides whether to accept an inbound ID, instead of the default rule of 1 to 128
            characters from ``A-Z a-z 0-9 . _ -``. It sees only valid IDs, as defined in
            `headrace.open_context`.
        on_invalid: ``"replace"`` an invalid inbound ID with a fresh one, or ``"reject"`` the
            request with status 400.
        exclude_paths: paths for which no unit is opened: exact, or prefixes ending in ``/*``.
        access_log: deprecated, since the logger ``headrace`` has a line per request; whether to
            log another one to the logger ``headrace.access``.
        write_request_header: whether to write the ID into the request's headers, under the first
            name in `request_headers`; the other headers of that list are removed.
        accept_deadline: whether ``X-Deadline-Ms`` (milliseconds left) sets the unit's deadline.
        expose_header: whether to name the response header in ``Access-Control-Expose-Headers``,
            so that browsers can read it across origins.

    Raises:
        TypeError: an option has the wrong type.
        ValueError: an option has an invalid value.
    """

    request_headers: Sequence[str] | Configured = CONFIGURED
    response_header: str | Configured | None = CONFIGURED
    trust_inbound: bool | Callable[[Any], bool] = True
    validator: Callable[[str], bool] | None = None
    on_invalid: str = "replace"
    exclude_paths: Sequence[str] = ()
    access_log: bool = False
    write_request_header: bool = False
    accept_deadline: bool = False
    expose_header: bool = False

    def __post_init__(self) -> None:
        """Check every option."""
        if self.request_headers is not CONFIGURED:
            given = _checked_strings("request_headers", self.request_headers)
            object.__setattr__(self, "request_headers", given)
            _check_headers("request_headers", given)
        if self.response_header is not None and self.response_header is not CONFIGURED:
            _check_headers("response_header", [self.response_header])
        paths = _checked_strings("exclude_paths", self.exclude_paths)
        object.__setattr__(self, "exclude_paths", paths)
        _check_paths(paths)
        for name in ("access_log", "write_request_header", "accept_deadline", "expose_header"):
            _check_flag(name, getattr(self, name))
        if self.access_log:
            warn_deprecated(
                "access_log is deprecated: every request already ends with the line unit.end of "
                "the logger headrace"
            )
        if not callable(self.trust_inbound):
            _check_flag("trust_inbound", self.trust_inbound)
        _check_function("trust_inbound", self.trust_inbound, "the scope or environ")
        _check_function("validator", self.validator, "the ID")
        if self.on_invalid not in {"replace", "reject"}:
            raise ValueError(f"on_invalid must be 'replace' or 'reject', not {self.on_invalid!r}")
        self._check_together()

    def _check_together(self) -> None:
        if self.expose_header and self.response_header is None:
            raise ValueError(
                "expose_header=True exposes the response header, but response_header=None omits "
                "it; remove one of the two"
            )
        if not self.write_request_header or self.request_headers is CONFIGURED:
            return
        first = next(iter(self.request_headers), None)
        if first is None or first.lower() in VENDOR_HEADERS:
            why = "it is empty" if first is None else f"{first} has its own format"
            raise ValueError(
                f"write_request_header=True writes the first of request_headers, but {why}; put a "
                f"header that holds only an ID first"
            )


class HttpKeywords(TypedDict, total=False):
    """The fields of `HttpOptions` as keyword arguments, for type checkers."""

    request_headers: Sequence[str]
    response_header: str | None
    trust_inbound: bool | Callable[[Any], bool]
    validator: Callable[[str], bool] | None
    on_invalid: Literal["replace", "reject"]
    exclude_paths: Sequence[str]
    access_log: bool
    write_request_header: bool
    accept_deadline: bool
    expose_header: bool


HTTP_OPTIONS = tuple(each.name for each in fields(HttpOptions))
"""The names of the options that every web integration takes."""


def http_options(caller: str, options: HttpKeywords) -> HttpOptions:
    """Return the keyword options of a function or class, checked.

    Args:
        caller: its name, for the message.
        options: the options.

    Raises:
        TypeError: an option is unknown, with a hint in the message, or has the wrong type.
        ValueError: an option has an invalid value.
    """
    for name in options:
        if name not in HTTP_OPTIONS:
            raise TypeError(f"{caller}() has no option {name!r}; {_hint(name)}")
    return HttpOptions(**options)


def _hint(name: str) -> str:
    # Imported only for an error, to keep start-up fast.
    from inspect import signature

    from headrace._configure import configure

    if name in signature(configure).parameters:
        known = ", ".join(HTTP_OPTIONS)
        return f"it is an option of headrace.configure(); this call takes {known}"
    return name_hint(name, HTTP_OPTIONS)


def _check_headers(option: str, headers: Sequence[str]) -> None:
    for header in headers:
        if not is_header_name(header):
            raise ValueError(
                f"{option}: {header!r} is not an HTTP header name (RFC 9110 token); "
                "write one such as 'X-Request-ID'"
            )


def _check_paths(paths: Sequence[str]) -> None:
    for path in paths:
        if not path.startswith("/") or "*" in path.removesuffix("/*"):
            raise ValueError(
                f"exclude_paths contains {path!r}; a path must start with '/', and be exact or a "
                f"prefix ending in '/*'"
            )


def _check_flag(name: str, value: Any) -> None:
    if not isinstance(value, bool):
        what = "True, False or a function" if name == "trust_inbound" else "True or False"
        raise TypeError(f"{name} must be {what}, not {value!r}")


def _check_function(name: str, value: Any, argument: str) -> None:
    if value is not None and not isinstance(value, bool) and not callable(value):
        raise TypeError(f"{name} must be a function of {argument}, not {value!r}")
    if callable(value) and not is_plain(value):
        raise TypeError(f"{name} must be a plain function: its result is not awaited")


def _checked_strings(name: str, values: Any) -> tuple[str, ...]:
    if isinstance(values, list | tuple) and all(isinstance(value, str) for value in values):
        return tuple(values)
    raise TypeError(f"{name} must be a list of strings, not {values!r}")
