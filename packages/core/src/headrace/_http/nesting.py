"""Nested integrations: the outer one decides whether a request gets a unit or is excluded.

Within one protocol, a key in the ASGI scope or the WSGI environ holds the decision. Between
protocols, an adapter may pass on the outer scope or environ; if it does not, a header carries a
token for the decision. Clients cannot guess the token, it expires with the unit, and integrations
of the protocol that sent it ignore it.
"""

from __future__ import annotations

from inspect import CO_COROUTINE
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from headrace._context.attachments import has_ended
from headrace._context.model import FlowContext
from headrace._context.resumable import ResumableUnit
from headrace._context.suspended import SuspendedContext
from headrace._context.variables import get_step, get_unit
from headrace._ids import new_correlation_id, take_correlation_id
from headrace._tracing.active_span import trace_is_active, without_ours

if TYPE_CHECKING:
    from collections.abc import MutableMapping, Sequence

ENVIRON_KEY = "headrace.context"
"""The key of the `Decision` in a WSGI environ."""

SCOPE_KEY = "headrace"
"""The key of the `Decision` in an ASGI scope."""

TOKEN_HEADER = b"x-headrace-unit"
_LENGTH = len(TOKEN_HEADER)
_TOKEN_KEY = "HTTP_X_HEADRACE_UNIT"  # noqa: S105 - a header's name


class Excluded(ResumableUnit):
    """The decision for an excluded path: neither a unit nor a headrace span is current inside."""

    __slots__ = ()
    correlation_id: str | None = None

    def __init__(self) -> None:
        SuspendedContext.__init__(self, None, None)
        if trace_is_active():
            self._others = without_ours()
        self._ended = False
        self._report = None

    def end(self, exc: BaseException | None = None) -> None:
        """Record that the request is over."""
        self._ended = True


class Joined(ResumableUnit):
    """The outer integration's decision, adopted by an inner one.

    The outer unit becomes current again if an adapter's thread has lost it.

    Args:
        decision: the outer decision.
    """

    __slots__ = ()

    def __init__(self, decision: Decision) -> None:
        current = cast("FlowContext", decision) if is_lost(decision) else get_unit()
        SuspendedContext.__init__(self, current, get_step())
        self._ended = True  # the code that opened the unit ends it
        self._report = None

    def end(self, exc: BaseException | None = None) -> None:
        """Do nothing, since the outer integration ends its unit."""


Decision: TypeAlias = FlowContext | Excluded


def application_path(scope: MutableMapping[str, Any]) -> str:
    """Return the path of an ASGI request relative to the application's mount point."""
    return path_below(scope, scope.get("root_path", ""))


def path_below(scope: MutableMapping[str, Any], root: str) -> str:
    """Return the path of an ASGI request without the prefix `root`, if present."""
    path: str = scope["path"]
    if root and path.startswith(root) and path[len(root) : len(root) + 1] in {"", "/"}:
        path = path[len(root) :]
    return path or "/"


Withdrawal: TypeAlias = tuple[str, Any]
"""A token, and the original headers without it."""


def is_under_way(decision: Decision) -> bool:
    """Return whether the request of `decision` is still running.

    If not, `decision` belongs to an earlier call with the same scope or environ.
    """
    return not has_ended(cast("FlowContext", decision))


# --- Between the protocols ------------------------------------------------------------------------

_protocols: set[str] = set()
_live: dict[str, tuple[str, Decision]] = {}
mixed = False
"""Whether the process has integrations of both protocols."""


def use_protocol(name: str) -> None:
    """Record that an integration of the protocol `name`, ``asgi`` or ``wsgi``, has been set up."""
    global mixed  # noqa: PLW0603 - every request reads it
    _protocols.add(name)
    mixed = len(_protocols) > 1


_OTHER = {"asgi": "wsgi", "wsgi": "asgi"}


def check_protocol(name: str, app: Any) -> None:
    """Raise an error if `app` is certainly an application of the other protocol.

    Args:
        name: the protocol of the middleware, ``asgi`` or ``wsgi``.
        app: the application that it wraps.

    Raises:
        TypeError: `app` is a coroutine function but the middleware is for WSGI, or it takes
            ``start_response`` but the middleware is for ASGI.
    """
    call = app if hasattr(app, "__code__") else getattr(type(app), "__call__", None)  # noqa: B004
    code = getattr(call, "__code__", None)
    if code is None:
        return
    is_asgi = bool(code.co_flags & CO_COROUTINE)
    is_wsgi = "start_response" in code.co_varnames[: code.co_argcount]
    if is_wsgi if name == "asgi" else is_asgi:
        right = _OTHER[name]
        raise TypeError(
            f"headrace.{name}.FlowMiddleware wraps {name.upper()} applications, but {app!r} is for "
            f"{right.upper()}; use headrace.{right}.FlowMiddleware"
        )


def decision_in_environ(environ: MutableMapping[str, Any]) -> Decision | None:
    """Return the outer decision about the request, or None, and remove its token."""
    found = environ.get(ENVIRON_KEY)
    if mixed and (found is None or not is_under_way(found)):
        token = environ.pop(_TOKEN_KEY, None)
        found = _passed_on(environ) or _by_token(token, "asgi")
    return found if found is not None and is_under_way(found) else None


def decision_of_request(
    environ: MutableMapping[str, Any], scope: MutableMapping[str, Any] | None
) -> Decision | None:
    """Return the outer decision about a Django request, which may have both environ and scope.

    Args:
        environ: ``request.META``.
        scope: the ASGI scope, or None under a WSGI server.
    """
    if scope is None:
        # Fast path: usually there is one protocol and no outer integration.
        return decision_in_environ(environ) if mixed or ENVIRON_KEY in environ else None
    if SCOPE_KEY in scope and is_under_way(scope[SCOPE_KEY]):
        decision: Decision = scope[SCOPE_KEY]
        return decision
    found = environ.get(ENVIRON_KEY)  # from an earlier middleware: the environ is Django's own
    if found is not None and is_under_way(found):
        return cast("Decision", found)
    if not mixed:
        return None
    environ.pop(_TOKEN_KEY, None)  # a copy of the scope's header
    return decision_in_scope(scope)


def is_lost(decision: Decision) -> bool:
    """Return whether `decision` is a unit that an adapter has lost by switching threads."""
    return get_unit() is None and isinstance(decision, FlowContext)


def decision_in_scope(scope: MutableMapping[str, Any]) -> Decision | None:
    """Return the decision of an outer WSGI integration, or None, and remove its token.

    The caller handles decisions of ASGI integrations.
    """
    tokens, found = _take_tokens(scope), _passed_on(scope)
    if found is None and len(tokens) == 1:
        found = _by_token(tokens[0].decode("latin-1"), "wsgi")
    return found if found is not None and is_under_way(found) else None


def _passed_on(inner: MutableMapping[str, Any]) -> Decision | None:
    """Return the decision in an outer scope or environ that adapters have passed on.

    Several adapters may be nested, with no integration in between.
    """
    outer = inner.get("asgi.scope") or inner.get("wsgi_environ")
    while isinstance(outer, dict):
        found = outer.get(SCOPE_KEY) or outer.get(ENVIRON_KEY)
        if found is not None:
            return cast("Decision", found)
        outer = outer.get("asgi.scope") or outer.get("wsgi_environ")
    return None


def announce_in_environ(environ: MutableMapping[str, Any], decision: Decision) -> None:
    """Announce `decision` to an inner ASGI application, until `withdraw_from_environ`."""
    environ[_TOKEN_KEY] = announce(decision, "wsgi")


def withdraw_from_environ(environ: MutableMapping[str, Any]) -> None:
    """Undo `announce_in_environ`."""
    _live.pop(environ.pop(_TOKEN_KEY, ""), None)


def announce_in_scope(scope: MutableMapping[str, Any], decision: Decision) -> Withdrawal:
    """Announce `decision` to an inner WSGI application, until `withdraw_from_scope`."""
    headers, token = scope["headers"], announce(decision, "asgi")
    scope["headers"] = [*headers, (TOKEN_HEADER, token.encode())]
    return token, headers


def withdraw_from_scope(scope: MutableMapping[str, Any], withdrawal: Withdrawal) -> None:
    """Undo `announce_in_scope`."""
    token, scope["headers"] = withdrawal
    _live.pop(token, None)


def announce(decision: Decision, protocol: str) -> str:
    """Return a token for `decision`, which an integration of `protocol` has made."""
    try:
        token = take_correlation_id()  # from the system's random source, so unguessable
    except IndexError:
        token = new_correlation_id()
    _live[token] = protocol, decision
    return token


def _by_token(token: str | None, protocol: str) -> Decision | None:
    if token is None:
        return None
    sender, decision = _live.get(token, ("", None))
    return decision if sender == protocol else None


def _take_tokens(scope: MutableMapping[str, Any]) -> Sequence[bytes]:
    headers = scope["headers"]
    if type(headers) is not list:  # possibly a one-shot iterable
        scope["headers"] = headers = [*headers]
    for name, _ in headers:
        if len(name) == _LENGTH and name.lower() == TOKEN_HEADER:
            break
    else:
        return ()
    # A new list, so that the server's stays unmodified.
    scope["headers"] = [pair for pair in headers if pair[0].lower() != TOKEN_HEADER]
    return [value for name, value in headers if name.lower() == TOKEN_HEADER]
