"""The rules by which a request gets its unit of work: no I/O, shared by all web integrations."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping, Sequence
from typing import Any

from headrace import _state
from headrace._context.model import FlowContext, request_context
from headrace._context.opening import make_id, opening_id, transport_context
from headrace._context.remote import RemoteContext
from headrace._context.units import as_current
from headrace._ids import EDGE_RULE, ID_RULE, is_edge_id, match_id
from headrace._logger import log
from headrace._propagation.carriers import DEADLINE_HEADER, deadline_from_header
from headrace._propagation.headers import VENDOR_HEADERS
from headrace._state import DEFAULT_HEADER
from headrace._tracing.w3c import TRACEPARENT, TRACESTATE, TraceContext, parse

from .options import CONFIGURED, HttpOptions

_Refused = list[tuple[str, list[str]]]
"""Header names, each with the values it had in the request."""


class HttpPolicy:
    """Applies `HttpOptions` to requests.

    Args:
        options: the options of the integration.

    Attributes:
        options: the options of the integration.
        request_headers: the headers that may carry an ID, even with `trust_inbound=False`.
        response_header: the header of the response, or None.
        wanted: the lower-case names of the headers to collect for `admit`.
        plain: the ones among them that hold only an ID.
        asks: whether `admit` must see every request, since some may not be trusted.
        excludes_any: whether any paths are excluded.
    """

    __slots__ = (
        "_exact",
        "_prefixes",
        "_rank",
        "_trusts",
        "_valid",
        "asks",
        "excludes_any",
        "options",
        "plain",
        "request_headers",
        "response_header",
        "wanted",
    )

    def __init__(self, options: HttpOptions) -> None:
        self.options: HttpOptions = options
        self._exact = frozenset(p for p in options.exclude_paths if not p.endswith("/*"))
        self._prefixes = tuple(p[:-1] for p in options.exclude_paths if p.endswith("/*"))
        self._valid: Callable[[str], object] = (
            is_edge_id if options.validator is None else self._ask_validator
        )
        trust = options.trust_inbound
        self._trusts: Callable[[Any], object] | None = (
            trust if callable(trust) else None if trust else _never
        )
        self.asks: bool = self._trusts is not None
        self.excludes_any: bool = bool(options.exclude_paths)
        self.resolve()

    def resolve(self) -> None:
        """Set the headers that follow `headrace.configure`."""
        options, configured = self.options, _state.settings.header
        given, header = options.request_headers, options.response_header
        if given is CONFIGURED:
            given = [*dict.fromkeys([configured, DEFAULT_HEADER, "X-Request-ID"])]
        self.request_headers: tuple[str, ...] = tuple(given)
        self.response_header: str | None = configured if header is CONFIGURED else header
        trusted = self.request_headers if options.trust_inbound else ()
        self._rank = {name.lower(): rank for rank, name in reversed([*enumerate(trusted)])}
        self.plain: set[str] = self._rank.keys() - VENDOR_HEADERS.keys()
        extra = [DEADLINE_HEADER.lower()] if options.accept_deadline else []
        trace = [TRACEPARENT, TRACESTATE] if options.trust_inbound else []
        self.wanted: frozenset[str] = frozenset([*self._rank, *trace, *extra])

    @property
    def writes(self) -> bool:
        """Whether to write the ID into the request's headers."""
        return self.options.write_request_header

    def request_header(self) -> RequestHeader:
        """Return the object that writes the ID into a request's headers."""
        return RequestHeader(self.request_headers)

    def follow_configuration(self, changed: Callable[[], None]) -> None:
        """Call `changed` now, and whenever `headrace.configure` changes the headers.

        Args:
            changed: a method of the middleware, held by a weak reference.
        """
        changed()
        if CONFIGURED in (self.options.request_headers, self.options.response_header):
            _state.follow_header(changed)

    def excludes(self, path: str) -> bool:
        """Return whether `path` is excluded, so that no unit is opened."""
        if path in self._exact or path.startswith(self._prefixes):
            return True
        return path + "/" in self._prefixes

    def admit(
        self, kind: str, name: str | None, found: Sequence[tuple[str, str]], source: Any = None
    ) -> tuple[FlowContext, bool]:
        """Return the context of the request's unit, and whether to refuse the request.

        Args:
            kind: ``http`` or ``websocket``.
            name: the unit's name: the route, or the path if the route is not known yet.
            found: the request's headers whose lower-case name is in `wanted`, one pair per
                occurrence.
            source: the ASGI scope or WSGI environ, the argument of a `trust_inbound` function.
        """
        if self._trusts is not None and not _is_true(self._trusts, source, "trust_inbound"):
            return self._admit_untrusted(kind, name, found), False
        if not found:
            return request_context(opening_id(), kind, name), False
        if len(found) == 1:  # fast path for the usual request
            header, value = found[0]
            if header in self.plain:
                if self._valid(value):
                    return request_context(value, kind, name), False
                return self._refuse([(header, [value])], transport_context(kind, name))
        correlation_id, refused = self._choose(found)
        deadline = deadline_from_header(found) if self.options.accept_deadline else None
        trace = _trace(found)
        cause = None if trace is None else trace.cause
        remote = RemoteContext(correlation_id, cause, deadline, trace=trace)
        context = transport_context(kind, name, remote)
        return self._refuse(refused, context) if refused else (context, False)

    def _refuse(self, refused: _Refused, context: FlowContext) -> tuple[FlowContext, bool]:
        # The refused text never reaches the log; the new ID identifies the request.
        with as_current(context):
            for name, values in refused:
                what = (
                    f"{len(values)} values" if len(values) > 1 else f"{len(values[0])} characters"
                )
                reason = self._reason(name, values)
                log.warning("refused the correlation ID in header %s (%s); %s", name, what, reason)
        return context, self.options.on_invalid == "reject"

    def _reason(self, header: str, values: Sequence[str]) -> str:
        vendor = VENDOR_HEADERS.get(header)
        has_validator = self.options.validator is not None
        if has_validator and len(values) == 1:
            found = values[0] if vendor is None else vendor.id_of(values[0])
            if found is not None and match_id(found):
                return "the validator rejected it"
        rule = ID_RULE if has_validator else EDGE_RULE
        return f"expected one value of {rule if vendor is None else vendor.form}"

    def _choose(self, found: Sequence[tuple[str, str]]) -> tuple[str | None, _Refused]:
        candidates: dict[str, list[str]] = {}
        for name, value in found:
            if name in self._rank:
                candidates.setdefault(name, []).append(value)
        chosen: str | None = None
        refused: _Refused = []
        for name in sorted(candidates, key=self._rank.__getitem__):
            values = candidates[name]
            correlation_id = self._read(name, values[0]) if len(values) == 1 else None
            if correlation_id is None:
                refused.append((name, values))
            chosen = chosen or correlation_id
        return chosen, refused

    def _read(self, header: str, value: str) -> str | None:
        vendor = VENDOR_HEADERS.get(header)
        found = value if vendor is None else vendor.id_of(value)
        return found if found is not None and self._valid(found) else None

    def _ask_validator(self, value: str) -> bool:
        validator = self.options.validator
        if validator is None or match_id(value) is None:
            return False
        return _is_true(validator, value, "validator")

    def _admit_untrusted(
        self, kind: str, name: str | None, found: Sequence[tuple[str, str]]
    ) -> FlowContext:
        deadline = deadline_from_header(found) if self.options.accept_deadline else None
        # Not the active trace's ID either: another library may have continued the untrusted one.
        return FlowContext(make_id(), None, kind, name, deadline)


def _never(source: Any) -> bool:
    return False


def _is_true(function: Callable[[Any], object], argument: Any, option: str) -> bool:
    """Call a function of the application; a failure counts as False."""
    try:
        answer = function(argument)
        if hasattr(answer, "__await__"):  # always truthy
            getattr(answer, "close", bool)()  # avoids Python's "never awaited" warning
            raise TypeError(f"{option} must be a plain function, but it returned an awaitable")
        return bool(answer)
    except Exception:
        log.exception("%s raised; the inbound values were rejected", option)
        return False


def _trace(found: Sequence[tuple[str, str]]) -> TraceContext | None:
    parents = [value for name, value in found if name == TRACEPARENT]
    if not parents:
        return None
    return parse(parents, [value for name, value in found if name == TRACESTATE])


def environ_key(header: str) -> str:
    """Return the name under which a WSGI environ holds the request header `header`."""
    return "HTTP_" + header.upper().replace("-", "_")


class RequestHeader:
    """The single correlation header that ``write_request_header=True`` leaves in a request.

    Args:
        headers: all headers that may carry an ID; the first replaces them.
    """

    __slots__ = ("_keys", "_name", "_names")

    def __init__(self, headers: Sequence[str]) -> None:
        # A WSGI environ has one key for both spellings, with a dash and with an underscore.
        self._names = frozenset(header.lower().replace("_", "-").encode() for header in headers)
        self._name = headers[0].lower().encode()
        self._keys = [environ_key(header) for header in headers]

    def put_in_scope(self, scope: MutableMapping[str, Any], correlation_id: str) -> None:
        """Replace the list of headers in an ASGI scope; the server's list is not modified."""
        kept = [
            (name, value)
            for name, value in scope["headers"]
            if name.lower().replace(b"_", b"-") not in self._names
        ]
        kept.append((self._name, correlation_id.encode()))
        scope["headers"] = kept

    def put_in_environ(self, environ: MutableMapping[str, Any], correlation_id: str) -> None:
        """Replace the headers in a WSGI environ."""
        for key in self._keys:
            environ.pop(key, None)
        environ[self._keys[0]] = correlation_id
