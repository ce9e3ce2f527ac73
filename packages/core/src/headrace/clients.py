"""HTTP clients that send the correlation ID to an allow-list of hosts; a carrier for gRPC.

The list is empty by default, since IDs are for your own services only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from inspect import signature
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from ._context.deadlines import remaining
from ._messages.extras import missing_extra
from ._messages.hints import checks_keywords, name_hint
from ._propagation.carriers import inject

if TYPE_CHECKING:
    from aiohttp import TraceConfig
    from requests import PreparedRequest, Response
    from requests.adapters import HTTPAdapter

__all__ = [
    "GrpcMetadata",
    "aiohttp_trace_config",
    "async_httpx_hooks",
    "httpx_hooks",
    "requests_adapter",
]

_ADDED = "headrace.added"
_GIVEN = "headrace.timeout"
_OWN_OF_HTTPX = dict.fromkeys(("connect", "read", "write", "pool"), 5.0)
_LEAST = 0.001  # seconds; zero would mean no wait at all
_HOST = re.compile(r"(\*\.)?[\w-]+(\.[\w-]+)*|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*")


class GrpcMetadata(dict[str, str]):
    """The metadata of a gRPC call, as a carrier for `headrace.inject`.

    gRPC accepts only lower-case names, so each name is converted. A call takes the metadata as
    ``tuple(metadata.items())``.
    """

    def __setitem__(self, name: str, value: str) -> None:
        """Set a value, under the lower-case form of `name`."""
        super().__setitem__(name.lower(), value)


@checks_keywords
def httpx_hooks(*, hosts: Iterable[str] = ()) -> dict[str, list[Callable[[Any], Any]]]:
    """Return event hooks, for ``httpx.Client(event_hooks=httpx_hooks(hosts=["api.internal"]))``.

    ``AsyncClient`` and the clients of ``httpx2`` also accept them. While a deadline is active, each
    of httpx's four timeouts is at most its remaining time, for requests to any host, unless the
    client or the request sets a timeout other than httpx's default of 5 s.

    Args:
        hosts: the hosts whose requests get the headers: exact names, or ``*.example.com`` for
            every name below ``example.com``. Existing headers of the same names are replaced. The
            headers are removed when such a host redirects to another host.

    Raises:
        TypeError: `hosts` is not a list of strings.
        ValueError: an item is not a host name, for instance a URL.
    """
    allows = _allow_list(hosts)

    def add_headers(request: Any) -> _Done:
        # A redirect inherits the extensions of the request before it. Copy them, since the caller
        # may reuse its dict for many requests.
        extensions = _with_time_left({**request.extensions})
        _remove(request.headers, extensions.pop(_ADDED, ()))
        if allows(request.url.host):
            extensions[_ADDED] = _add(request.headers)
        request.extensions = extensions
        return _DONE

    return {"request": [add_headers]}


class _Done:
    """The result of a hook: httpx's `Client` ignores it, `AsyncClient` awaits it."""

    def __await__(self) -> Iterator[None]:
        return iter(())


_DONE = _Done()


def _with_time_left(extensions: dict[str, Any]) -> dict[str, Any]:
    """Replace httpx's default timeouts by the deadline's remaining time, or restore them."""
    given = extensions.pop(_GIVEN, extensions.get("timeout"))
    left = _time_left()
    if left is not None and given == _OWN_OF_HTTPX:
        return {**extensions, _GIVEN: given, "timeout": dict.fromkeys(given, left)}
    return extensions if given is None else {**extensions, "timeout": given}


def _time_left() -> float | None:
    """Return the seconds left until the deadline as a timeout above zero, or None."""
    left = remaining()
    return None if left is None else max(left, _LEAST)


@checks_keywords
def async_httpx_hooks(*, hosts: Iterable[str] = ()) -> dict[str, list[Callable[[Any], Any]]]:
    """Return the event hooks of an `httpx.AsyncClient`: the same as `httpx_hooks`.

    Args:
        hosts: as for `httpx_hooks`, empty by default.

    Raises:
        TypeError: `hosts` is not a list of strings.
        ValueError: an item is not a host name, for instance a URL.
    """
    return httpx_hooks(hosts=hosts)


def requests_adapter(*, hosts: Iterable[str] = (), **options: Any) -> HTTPAdapter:
    """Return an adapter for the requests of a `requests.Session`.

    Mount it for each scheme: ``session.mount("https://", requests_adapter(hosts=["api"]))``,
    and again for ``"http://"``. While a deadline is active, requests to any host wait no longer
    than its remaining time, unless the caller sets a timeout.

    Args:
        hosts: as for `httpx_hooks`, empty by default.
        options: options of `requests.adapters.HTTPAdapter`, such as ``max_retries``.

    Raises:
        TypeError: `hosts` is not a list of strings, or an option is unknown.
        ValueError: an item is not a host name, for instance a URL.
        ImportError: requests is not installed.
    """
    try:
        from requests.adapters import HTTPAdapter
    except ModuleNotFoundError as error:
        install = '"headrace[requests]"'
        raise missing_extra("requests_adapter()", "requests", install, error) from error

    known = ["hosts", *signature(HTTPAdapter).parameters]
    for name in options:
        if name not in known:
            hint = name_hint(name, known)
            raise TypeError(f"requests_adapter() has no option {name!r}; {hint}")
    allows = _allow_list(hosts)

    class FlowAdapter(HTTPAdapter):
        """Adds the headers to requests to allowed hosts."""

        def send(
            self,
            request: PreparedRequest,
            stream: bool = False,
            timeout: Any = None,
            *args: Any,
            **kwargs: Any,
        ) -> Response:
            """Send a copy with the headers, since redirects are derived from the original."""
            if allows(urlsplit(request.url or "").hostname or ""):
                request = request.copy()
                inject(cast("MutableMapping[str, str]", request.headers))
            timeout = _time_left() if timeout is None else timeout
            return super().send(request, stream, timeout, *args, **kwargs)

    return FlowAdapter(**options)


@checks_keywords
def aiohttp_trace_config(*, hosts: Iterable[str] = ()) -> TraceConfig:
    """Return a trace configuration, for ``aiohttp.ClientSession(trace_configs=[...])``.

    While a deadline is active, requests to any host wait for the response headers no longer than
    its remaining time, unless the session has a timeout. If a request has its own timeout, the
    shorter one applies.

    Args:
        hosts: as for `httpx_hooks`, empty by default.

    Raises:
        TypeError: `hosts` is not a list of strings.
        ValueError: an item is not a host name, for instance a URL.
        ImportError: aiohttp is not installed.
    """
    try:
        from aiohttp import TraceConfig
        from aiohttp.client import DEFAULT_TIMEOUT
    except ModuleNotFoundError as error:
        install = '"headrace[aiohttp]"'
        raise missing_extra("aiohttp_trace_config()", "aiohttp", install, error) from error

    from asyncio import timeout  # already imported by aiohttp

    allows = _allow_list(hosts)

    async def begin(session: Any, state: Any, request: Any) -> None:
        state.added = _add(request.headers) if allows(request.url.host or "") else ()
        left = _time_left()
        if left is not None and session.timeout == DEFAULT_TIMEOUT:
            state.limit = timeout(left)
            await state.limit.__aenter__()

    async def end(session: Any, state: Any, request: Any) -> None:
        # The task that runs the request sends the signals, as `timeout` requires. When the time is
        # up, the request is cancelled, and the cancellation becomes a TimeoutError here.
        error = getattr(request, "exception", None)
        limit = vars(state).pop("limit", None)
        if limit is not None:
            await limit.__aexit__(error and type(error), error, error and error.__traceback__)

    async def redirect(session: Any, state: Any, request: Any) -> None:
        # A redirect keeps the headers of the previous request, and aiohttp sends no other signal.
        _remove(request.headers, state.added)
        state.added = _add(request.headers) if allows(_host_of_redirect(request)) else ()

    config = TraceConfig()
    config.on_request_start.append(begin)
    config.on_request_redirect.append(redirect)
    config.on_request_end.append(end)
    config.on_request_exception.append(end)
    return config


def _host_of_redirect(request: Any) -> str:
    url, headers = request.url, request.response.headers
    try:  # aiohttp's own parser, so that both read the same host
        target = type(url)(headers.get("Location") or headers.get("URI") or "")
        return url.join(target).host or ""
    except ValueError:  # aiohttp is about to raise its own error
        return ""


def _add(headers: MutableMapping[str, str]) -> list[str]:
    """Write the headers of the current context, and return their names."""
    before = {*headers.items()}
    inject(headers)
    return [name for name, value in headers.items() if (name, value) not in before]


def _remove(headers: MutableMapping[str, str], names: Iterable[str]) -> None:
    for name in names:
        headers.pop(name, None)


def _allow_list(hosts: Iterable[str]) -> Callable[[str], bool]:
    names = [] if isinstance(hosts, str) else list(hosts)
    if isinstance(hosts, str) or not all(isinstance(name, str) for name in names):
        raise TypeError(
            f'hosts must be a list of host names, such as ["api.internal"], not {hosts!r}'
        )
    for name in names:
        if not _HOST.fullmatch(name):
            raise ValueError(
                f"{name!r} is not a host name; give a name or address without scheme, port and "
                'path, such as "api.internal", or "*.example.com" for every name below it'
            )
    lowered = [name.lower() for name in names]
    exact = frozenset(name for name in lowered if not name.startswith("*."))
    suffixes = tuple(name[1:] for name in lowered if name.startswith("*."))
    return lambda host: host.lower() in exact or host.lower().endswith(suffixes)
