"""Requests that have a unit already, or are excluded, by an integration further out.

Within one protocol a key in the ASGI scope or the WSGI environ says so. Between the protocols it is
the scope in the environ, or the environ in the scope, where the adapter hands it on; otherwise a
header with a token, which no client can know: it is of no use once the unit has ended, and to an
integration of the protocol that it comes from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias, cast

from ._active_trace import without_ours
from ._context import FlowContext, has_ended, step_var, unit_var
from ._frames import Frame
from ._ids import new_correlation_id, take_correlation_id
from ._runtime import trace_is_active
from ._units import ResumableUnit

if TYPE_CHECKING:
    from collections.abc import MutableMapping, Sequence

ENVIRON_KEY = "headrace.context"
"""Where a WSGI environ holds what was decided about the request: a `Decision`."""

SCOPE_KEY = "headrace"
"""Where an ASGI scope holds it."""

TOKEN_HEADER = b"x-headrace-unit"
_LENGTH = len(TOKEN_HEADER)
_TOKEN_KEY = "HTTP_X_HEADRACE_UNIT"  # noqa: S105 - a header's name


class Excluded(ResumableUnit):
    """No unit: for what runs on an excluded path, none of ours is current, nor a span of ours."""

    __slots__ = ()
    correlation_id: str | None = None

    def __init__(self) -> None:
        Frame.__init__(self, None, None)
        if trace_is_active():
            self._others = without_ours()
        self._ended = False
        self._watch = None

    def end(self, exc: BaseException | None = None) -> None:
        """Note that the request is over."""
        self._ended = True


class Joined(ResumableUnit):
    """Nothing of its own: what runs inside belongs to what was decided further out.

    An adapter with threads of its own may have lost the unit, which is then made current again.

    Args:
        decision: what was decided there.
    """

    __slots__ = ()

    def __init__(self, decision: Decision) -> None:
        current = cast("FlowContext", decision) if is_lost(decision) else unit_var.get()
        Frame.__init__(self, current, step_var.get())
        self._ended = True  # by whatever has opened it
        self._watch = None

    def end(self, exc: BaseException | None = None) -> None:
        """Do nothing: whatever has opened the unit ends it."""


Decision: TypeAlias = FlowContext | Excluded


def application_path(scope: MutableMapping[str, Any]) -> str:
    """Return the path of an ASGI request inside the application, without what it is mounted at."""
    path: str = scope["path"]
    root: str = scope.get("root_path", "")
    if root and path.startswith(root) and path[len(root) : len(root) + 1] in {"", "/"}:
        path = path[len(root) :]
    return path or "/"


Withdrawal: TypeAlias = tuple[str, Any]
"""A token, and the headers as they were without it."""


def is_under_way(decision: Decision) -> bool:
    """Tell whether the request that `decision` was made for is not over yet.

    One that is over was an earlier call with the same scope or environ.
    """
    return not has_ended(cast("FlowContext", decision))


# --- Between the protocols ------------------------------------------------------------------------

_protocols: set[str] = set()
_live: dict[str, tuple[str, Decision]] = {}
mixed = False
"""Whether the process has integrations of both protocols."""


def use_protocol(name: str) -> None:
    """Note that an integration of the protocol `name`, ``asgi`` or ``wsgi``, has been set up."""
    global mixed  # noqa: PLW0603 - requests look at it
    _protocols.add(name)
    mixed = len(_protocols) > 1


def decision_in_environ(environ: MutableMapping[str, Any]) -> Decision | None:
    """Return what was decided further out about the request, or None; its token is removed."""
    found = environ.get(ENVIRON_KEY)
    if mixed and (found is None or not is_under_way(found)):
        token = environ.pop(_TOKEN_KEY, None)
        found = _handed_on(environ) or _of_token(token, "asgi")
    return found if found is not None and is_under_way(found) else None


def decision_of_request(
    environ: MutableMapping[str, Any], scope: MutableMapping[str, Any] | None
) -> Decision | None:
    """Return what was decided about a request of Django, which has an environ and may have a scope.

    Args:
        environ: ``request.META``.
        scope: that of a request of an ASGI server, otherwise None.
    """
    if scope is None:
        # The usual request is neither mixed nor known.
        return decision_in_environ(environ) if mixed or ENVIRON_KEY in environ else None
    if SCOPE_KEY in scope and is_under_way(scope[SCOPE_KEY]):
        decision: Decision = scope[SCOPE_KEY]
        return decision
    found = environ.get(ENVIRON_KEY)  # of an earlier middleware: the environ is Django's own
    if found is not None and is_under_way(found):
        return cast("Decision", found)
    if not mixed:
        return None
    environ.pop(_TOKEN_KEY, None)  # a copy of the scope's header
    return decision_in_scope(scope)


def is_lost(decision: Decision) -> bool:
    """Tell whether `decision` is a unit that an adapter, with a thread of its own, has lost."""
    return unit_var.get() is None and isinstance(decision, FlowContext)


def decision_in_scope(scope: MutableMapping[str, Any]) -> Decision | None:
    """Return what was decided by an integration of WSGI, or None; its token is removed.

    What one of ASGI has decided is left to the caller.
    """
    tokens, found = _take_tokens(scope), _handed_on(scope)
    if found is None and len(tokens) == 1:
        found = _of_token(tokens[0].decode("latin-1"), "wsgi")
    return found if found is not None and is_under_way(found) else None


def _handed_on(inner: MutableMapping[str, Any]) -> Decision | None:
    """Return what was decided outside of the adapters that have handed on their scope or environ.

    There may be several of them around each other, with no integration in between.
    """
    outer = inner.get("asgi.scope") or inner.get("wsgi_environ")
    while isinstance(outer, dict):
        found = outer.get(SCOPE_KEY) or outer.get(ENVIRON_KEY)
        if found is not None:
            return cast("Decision", found)
        outer = outer.get("asgi.scope") or outer.get("wsgi_environ")
    return None


def announce_in_environ(environ: MutableMapping[str, Any], decision: Decision) -> None:
    """Let an ASGI application inside know of `decision`, until `withdraw_from_environ`."""
    environ[_TOKEN_KEY] = announce(decision, "wsgi")


def withdraw_from_environ(environ: MutableMapping[str, Any]) -> None:
    """Undo `announce_in_environ`."""
    _live.pop(environ.pop(_TOKEN_KEY, ""), None)


def announce_in_scope(scope: MutableMapping[str, Any], decision: Decision) -> Withdrawal:
    """Let a WSGI application inside know of `decision`, until `withdraw_from_scope`."""
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
        token = take_correlation_id()  # a fresh one, by the system's random numbers
    except IndexError:
        token = new_correlation_id()
    _live[token] = protocol, decision
    return token


def _of_token(token: str | None, protocol: str) -> Decision | None:
    if token is None:
        return None
    of, decision = _live.get(token, ("", None))
    return decision if of == protocol else None


def _take_tokens(scope: MutableMapping[str, Any]) -> Sequence[bytes]:
    headers = scope["headers"]
    if type(headers) is not list:  # it may be an iterable for one use
        scope["headers"] = headers = [*headers]
    for name, _ in headers:
        if len(name) == _LENGTH and name.lower() == TOKEN_HEADER:
            break
    else:
        return ()
    # In a new list: the server's own is left as it is.
    scope["headers"] = [pair for pair in headers if pair[0].lower() != TOKEN_HEADER]
    return [value for name, value in headers if name.lower() == TOKEN_HEADER]
