"""Outgoing requests that carry the correlation ID, to an allow-list of hosts.

The list is empty by default: an ID is for one's own services, not for everybody's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ._propagation import inject

__all__ = ["async_httpx_hooks", "httpx_hooks"]


def httpx_hooks(*, hosts: Iterable[str] = ()) -> dict[str, list[Callable[[Any], None]]]:
    """Return event hooks, for ``httpx.Client(event_hooks=httpx_hooks(hosts=["api.internal"]))``.

    Args:
        hosts: the hosts whose requests get the headers: exact names, or ``*.example.com`` for
            every name below ``example.com``.

    Raises:
        TypeError: `hosts` is not a list of strings.
    """
    allows = _allow_list(hosts)

    def add_headers(request: Any) -> None:
        if allows(request.url.host):
            inject(request.headers)

    return {"request": [add_headers]}


def async_httpx_hooks(*, hosts: Iterable[str] = ()) -> dict[str, list[Callable[[Any], Any]]]:
    """Return the event hooks of an `httpx.AsyncClient`.

    Args:
        hosts: as for `httpx_hooks`, empty by default.

    Raises:
        TypeError: `hosts` is not a list of strings.
    """
    (add_headers,) = httpx_hooks(hosts=hosts)["request"]

    async def add_headers_async(request: Any) -> None:
        add_headers(request)

    return {"request": [add_headers_async]}


def _allow_list(hosts: Iterable[str]) -> Callable[[str], bool]:
    names = [] if isinstance(hosts, str) else list(hosts)
    if isinstance(hosts, str) or not all(isinstance(name, str) for name in names):
        raise TypeError(f'hosts is a list of host names, such as ["api.internal"], not {hosts!r}')
    lowered = [name.lower() for name in names]
    exact = frozenset(name for name in lowered if not name.startswith("*."))
    suffixes = tuple(name[1:] for name in lowered if name.startswith("*."))
    return lambda host: host.lower() in exact or host.lower().endswith(suffixes)
