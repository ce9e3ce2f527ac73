"""Outgoing requests that carry the correlation ID, to an allow-list of hosts.

The list is empty by default: an ID is for one's own services, not for everybody's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, MutableMapping
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from ._propagation import inject

if TYPE_CHECKING:
    from aiohttp import TraceConfig
    from requests import PreparedRequest, Response
    from requests.adapters import HTTPAdapter

__all__ = ["aiohttp_trace_config", "async_httpx_hooks", "httpx_hooks", "requests_adapter"]

_ADDED = "headrace.added"
_HOST = re.compile(r"(\*\.)?[\w-]+(\.[\w-]+)*|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*")


def httpx_hooks(*, hosts: Iterable[str] = ()) -> dict[str, list[Callable[[Any], None]]]:
    """Return event hooks, for ``httpx.Client(event_hooks=httpx_hooks(hosts=["api.internal"]))``.

    The client of ``httpx2`` takes the same ones.

    Args:
        hosts: the hosts whose requests get the headers: exact names, or ``*.example.com`` for
            every name below ``example.com``. Headers of these names that a request has already
            are replaced. They are taken off again where such a host redirects to another one.

    Raises:
        TypeError: `hosts` is not a list of strings.
        ValueError: one of them is no host, but a URL, say.
    """
    allows = _allow_list(hosts)

    def add_headers(request: Any) -> None:
        extensions = request.extensions  # a redirect's are those of the request before it
        _remove(request.headers, extensions.get(_ADDED, ()))
        if allows(request.url.host):
            # A new dict: the caller may use one for many requests.
            request.extensions = {**extensions, _ADDED: _add(request.headers)}

    return {"request": [add_headers]}


def async_httpx_hooks(*, hosts: Iterable[str] = ()) -> dict[str, list[Callable[[Any], Any]]]:
    """Return the event hooks of an `httpx.AsyncClient`.

    Args:
        hosts: as for `httpx_hooks`, empty by default.

    Raises:
        TypeError: `hosts` is not a list of strings.
        ValueError: one of them is no host, but a URL, say.
    """
    (add_headers,) = httpx_hooks(hosts=hosts)["request"]

    async def add_headers_async(request: Any) -> None:
        add_headers(request)

    return {"request": [add_headers_async]}


def requests_adapter(*, hosts: Iterable[str] = (), **options: Any) -> HTTPAdapter:
    """Return an adapter for the requests of a `requests.Session`.

    Mount it for each scheme: ``session.mount("https://", requests_adapter(hosts=["api"]))``,
    and again for ``"http://"``.

    Args:
        hosts: as for `httpx_hooks`, empty by default.
        options: what `requests.adapters.HTTPAdapter` takes, such as ``max_retries``.

    Raises:
        TypeError: `hosts` is not a list of strings.
        ValueError: one of them is no host, but a URL, say.
    """
    from requests.adapters import HTTPAdapter

    allows = _allow_list(hosts)

    class FlowAdapter(HTTPAdapter):
        """Sends requests to the hosts that are allowed with the headers."""

        def send(self, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:
            """Send a copy with the headers: redirects are made of the request as it was given."""
            if allows(urlsplit(request.url or "").hostname or ""):
                request = request.copy()
                inject(cast("MutableMapping[str, str]", request.headers))
            return super().send(request, *args, **kwargs)

    return FlowAdapter(**options)


def aiohttp_trace_config(*, hosts: Iterable[str] = ()) -> TraceConfig:
    """Return a trace configuration, for ``aiohttp.ClientSession(trace_configs=[...])``.

    Args:
        hosts: as for `httpx_hooks`, empty by default.

    Raises:
        TypeError: `hosts` is not a list of strings.
        ValueError: one of them is no host, but a URL, say.
    """
    from aiohttp import TraceConfig

    allows = _allow_list(hosts)

    async def begin(session: Any, state: Any, request: Any) -> None:
        state.added = _add(request.headers) if allows(request.url.host or "") else ()

    async def redirect(session: Any, state: Any, request: Any) -> None:
        # aiohttp goes on with the headers of the request before, and no other signal is sent.
        _remove(request.headers, state.added)
        state.added = _add(request.headers) if allows(_host_of_redirect(request)) else ()

    config = TraceConfig()
    config.on_request_start.append(begin)
    config.on_request_redirect.append(redirect)
    return config


def _host_of_redirect(request: Any) -> str:
    url, headers = request.url, request.response.headers
    try:  # by the parser that aiohttp asks: no host may be another one to us
        target = type(url)(headers.get("Location") or headers.get("URI") or "")
        return url.join(target).host or ""
    except ValueError:  # aiohttp is about to say so
        return ""


def _add(headers: MutableMapping[str, str]) -> list[str]:
    """Write the current operation's headers, and return the names of those that are ours."""
    before = {*headers.items()}
    inject(headers)
    return [name for name, value in headers.items() if (name, value) not in before]


def _remove(headers: MutableMapping[str, str], names: Iterable[str]) -> None:
    for name in names:
        headers.pop(name, None)


def _allow_list(hosts: Iterable[str]) -> Callable[[str], bool]:
    names = [] if isinstance(hosts, str) else list(hosts)
    if isinstance(hosts, str) or not all(isinstance(name, str) for name in names):
        raise TypeError(f'hosts is a list of host names, such as ["api.internal"], not {hosts!r}')
    for name in names:
        if not _HOST.fullmatch(name):
            raise ValueError(
                f"{name!r} is no host: give its name or address alone, without scheme, port and "
                'path, such as "api.internal", or "*.example.com" for every name below that'
            )
    lowered = [name.lower() for name in names]
    exact = frozenset(name for name in lowered if not name.startswith("*."))
    suffixes = tuple(name[1:] for name in lowered if name.startswith("*."))
    return lambda host: host.lower() in exact or host.lower().endswith(suffixes)
