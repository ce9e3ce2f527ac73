"""The rules by which a request gets its unit of work, without I/O: every web integration's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from inspect import iscoroutinefunction
from typing import Any, Literal, TypedDict

from . import _runtime
from ._context import FlowContext, has_ended
from ._ids import EDGE_RULE, ID_RULE, match_edge_id, match_id
from ._propagation import DEADLINE_HEADER, RemoteContext, deadline_from_header
from ._runtime import DEFAULT_HEADER, is_header_name
from ._spelling import name_hint
from ._trace_context import TRACEPARENT, TRACESTATE, TraceContext, parse
from ._units import as_current, transport_context

ENVIRON_KEY = "headrace.context"
"""Where a WSGI environ holds the request's `FlowContext`: whoever finds one opens no other."""

SCOPE_KEY = "headrace"
"""Where an ASGI scope holds it."""

_Refused = list[tuple[str, list[str]]]
"""Names of headers, and the values that each came with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpOptions:
    """The options that every web integration takes, checked when it is made.

    Attributes:
        request_headers: the headers that may carry an inbound correlation ID; the first that
            holds a valid one wins.
        response_header: the header of the response that carries the ID.
        trust_inbound: whether inbound IDs are taken over at all.
        validator: tells whether an inbound ID is admitted, in place of the rule of 1 to 128
            characters out of ``A-Z a-z 0-9 . _ -``. It is asked about valid IDs alone; see
            `headrace.open_context` for which these are.
        on_invalid: ``"replace"`` an invalid inbound ID by a fresh one, or ``"reject"`` the request
            with status 400.
        exclude_paths: paths for which no unit is opened: exact, or prefixes ending in ``/*``.
        access_log: whether to log a line per request, to the logger ``headrace.access``.
        accept_deadline: whether ``X-Deadline-Ms`` (milliseconds left) sets the unit's deadline.
        expose_header: whether to name the response header in ``Access-Control-Expose-Headers``,
            so that browsers can read it across origins.

    Raises:
        TypeError: an option of a wrong type.
        ValueError: an option with an impossible value.
    """

    request_headers: Sequence[str] = (DEFAULT_HEADER, "X-Request-ID")
    response_header: str = DEFAULT_HEADER
    trust_inbound: bool = True
    validator: Callable[[str], bool] | None = None
    on_invalid: str = "replace"
    exclude_paths: Sequence[str] = ()
    access_log: bool = False
    accept_deadline: bool = False
    expose_header: bool = False

    def __post_init__(self) -> None:
        """Check every option."""
        for name in ("request_headers", "exclude_paths"):
            object.__setattr__(self, name, _checked_strings(name, getattr(self, name)))
        for name in ("trust_inbound", "access_log", "accept_deadline", "expose_header"):
            if not isinstance(getattr(self, name), bool):
                raise TypeError(f"{name} must be True or False, not {getattr(self, name)!r}")
        for header in (*self.request_headers, self.response_header):
            if not is_header_name(header):
                raise ValueError(f"{header!r} is not an HTTP header name (RFC 9110 token)")
        for path in self.exclude_paths:
            if not path.startswith("/") or "*" in path.removesuffix("/*"):
                raise ValueError(
                    f"exclude_paths holds {path!r}; a path begins with '/', and is exact or a "
                    f"prefix ending in '/*'"
                )
        _check_validator(self.validator)
        if self.on_invalid not in {"replace", "reject"}:
            raise ValueError(f"on_invalid must be 'replace' or 'reject', not {self.on_invalid!r}")


class HttpKeywords(TypedDict, total=False):
    """The fields of `HttpOptions` as keyword arguments, for type checkers."""

    request_headers: Sequence[str]
    response_header: str
    trust_inbound: bool
    validator: Callable[[str], bool] | None
    on_invalid: Literal["replace", "reject"]
    exclude_paths: Sequence[str]
    access_log: bool
    accept_deadline: bool
    expose_header: bool


HTTP_OPTIONS = tuple(each.name for each in fields(HttpOptions))
"""The names of the options that every web integration takes."""


def http_options(caller: str, options: HttpKeywords) -> HttpOptions:
    """Return the options that a function or class was given by keyword, checked.

    Args:
        caller: its name, for the message.
        options: what it was given.

    Raises:
        TypeError: an unknown option; the message tells which there are. Or one of a wrong type.
        ValueError: an option with an impossible value.
    """
    for name in options:
        if name not in HTTP_OPTIONS:
            raise TypeError(f"{caller}() has no option {name!r}; {_hint(name)}")
    return HttpOptions(**options)


def _hint(name: str) -> str:
    # Imported when something is wrong: nobody should wait for it before.
    from inspect import signature

    from ._configure import configure

    if name in signature(configure).parameters:
        return f"headrace.configure() has it; here there are {', '.join(HTTP_OPTIONS)}"
    return name_hint(name, HTTP_OPTIONS)


class HttpPolicy:
    """What `HttpOptions` mean for a request.

    Args:
        options: as the integration was given them.

    Attributes:
        options: the same.
        wanted: the lower-case names of the headers to collect for `admit`.
    """

    __slots__ = (
        "_exact",
        "_prefixes",
        "_rank",
        "_rule",
        "_valid",
        "excludes_any",
        "options",
        "wanted",
    )

    def __init__(self, options: HttpOptions) -> None:
        self.options: HttpOptions = options
        trusted = options.request_headers if options.trust_inbound else ()
        self._rank = {name.lower(): rank for rank, name in enumerate(trusted)}
        extra = [DEADLINE_HEADER.lower()] if options.accept_deadline else []
        trace = [TRACEPARENT, TRACESTATE] if options.trust_inbound else []
        self.wanted: frozenset[str] = frozenset([*self._rank, *trace, *extra])
        self._exact = frozenset(p for p in options.exclude_paths if not p.endswith("/*"))
        self._prefixes = tuple(p[:-1] for p in options.exclude_paths if p.endswith("/*"))
        self._valid: Callable[[str], object] = (
            match_edge_id if options.validator is None else self._ask_validator
        )
        self._rule = f"{ID_RULE}, that the validator admits" if options.validator else EDGE_RULE
        self.excludes_any: bool = bool(options.exclude_paths)

    def excludes(self, path: str) -> bool:
        """Tell whether no unit is opened for `path`."""
        if path in self._exact or path.startswith(self._prefixes):
            return True
        return path + "/" in self._prefixes

    def admit(
        self, kind: str, name: str | None, found: Sequence[tuple[str, str]]
    ) -> tuple[FlowContext, bool]:
        """Return the context of the request's unit, and whether to refuse the request.

        Args:
            kind: ``http`` or ``websocket``.
            name: the unit's name: the route, or the path where that is not known yet.
            found: the request's headers whose lower-case name is in `wanted`, each as often as
                it came.
        """
        if not found:
            return FlowContext(_runtime.opening_id(), None, kind, name), False
        if len(found) == 1:  # the usual request, in short
            header, value = found[0]
            if header in self._rank:
                if self._valid(value):
                    return FlowContext(value, None, kind, name), False
                return self._refuse([(header, [value])], transport_context(kind, name))
        correlation_id, refused = self._choose(found)
        deadline = deadline_from_header(found) if self.options.accept_deadline else None
        trace = _trace(found)
        cause = None if trace is None else trace.cause
        remote = RemoteContext(correlation_id, cause, deadline, trace=trace)
        context = transport_context(kind, name, remote)
        return self._refuse(refused, context) if refused else (context, False)

    def _refuse(self, refused: _Refused, context: FlowContext) -> tuple[FlowContext, bool]:
        _log_refusals(refused, context, self._rule)
        return context, self.options.on_invalid == "reject"

    def _choose(self, found: Sequence[tuple[str, str]]) -> tuple[str | None, _Refused]:
        candidates: dict[str, list[str]] = {}
        for name, value in found:
            if name in self._rank:
                candidates.setdefault(name, []).append(value)
        chosen: str | None = None
        refused: _Refused = []
        for name in sorted(candidates, key=self._rank.__getitem__):
            values = candidates[name]
            if len(values) == 1 and self._valid(values[0]):
                chosen = chosen or values[0]
            else:
                refused.append((name, values))
        return chosen, refused

    def _ask_validator(self, value: str) -> bool:
        validator = self.options.validator
        if validator is None or match_id(value) is None:
            return False
        try:
            return bool(validator(value))
        except Exception:
            _runtime.log.exception("the validator of correlation IDs raised; the ID was refused")
            return False


def _trace(found: Sequence[tuple[str, str]]) -> TraceContext | None:
    parents = [value for name, value in found if name == TRACEPARENT]
    if not parents:
        return None
    return parse(parents, [value for name, value in found if name == TRACESTATE])


def environ_key(header: str) -> str:
    """Return the name under which a WSGI environ holds the request header `header`."""
    return "HTTP_" + header.upper().replace("-", "_")


def is_under_way(context: FlowContext) -> bool:
    """Tell whether the unit `context` that a request has already has not ended yet.

    One that has ended was that of an earlier call with the same scope or environ.
    """
    return not has_ended(context)


def _log_refusals(refused: _Refused, context: FlowContext, rule: str) -> None:
    # The refused text itself never reaches the log: the new ID tells whose it was.
    with suppress(Exception), as_current(context):
        for name, values in refused:
            what = f"{len(values)} values" if len(values) > 1 else f"{len(values[0])} characters"
            _runtime.log.warning(
                "refused the correlation ID in header %s (%s); it takes one value of %s",
                name,
                what,
                rule,
            )


def _check_validator(validator: Any) -> None:
    if validator is not None and not callable(validator):
        raise TypeError(f"validator must be a function of the ID, not {validator!r}")
    if iscoroutinefunction(validator):
        raise TypeError("validator must be a plain function: it is asked before the request")


def _checked_strings(name: str, values: Any) -> tuple[str, ...]:
    if isinstance(values, list | tuple) and all(isinstance(value, str) for value in values):
        return tuple(values)
    raise TypeError(f"{name} must be a list of strings, not {values!r}")
