"""Settings in a framework's configuration: their names, hints for misspelt ones, checks.

For headrace's own packages; any integration may use `headrace.integration.read_settings`.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, TypeVar

from headrace._configure import amend, configure
from headrace._context.opening import factory_fault
from headrace._http.options import HTTP_OPTIONS
from headrace._messages.hints import name_hint, nearest_name

__all__ = [
    "CONFIGURE_OPTIONS",
    "HTTP_OPTIONS",
    "amend",
    "factory_fault",
    "is_repeated",
    "name_hint",
    "nearest_name",
    "read_settings",
]

K = TypeVar("K")
V = TypeVar("V")

CONFIGURE_OPTIONS = tuple(inspect.signature(configure).parameters)
"""The names of the arguments of `headrace.configure`."""


def read_settings(
    settings: Mapping[str, Any], *, others: tuple[str, ...] = ()
) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Split a framework's settings into arguments of `configure`, of `HttpOptions`, and others.

    Args:
        settings: upper-case names, such as ``TRUST_INBOUND``, and their values.
        others: the upper-case names of the integration's own settings.

    Returns:
        Three dicts: the arguments of `configure`, those of `HttpOptions` (both under their
        lower-case names), and the others (under the names in `others`).

    Raises:
        ValueError: a name is unknown; the message suggests the nearest known one.
    """
    known = {name.upper(): name for name in (*CONFIGURE_OPTIONS, *HTTP_OPTIONS)}
    for key in settings:
        if key not in known and key not in others:
            hint = name_hint(key, sorted([*known, *others]))
            raise ValueError(f"unknown setting {key!r}; {hint}")
    lower = {known[key]: value for key, value in settings.items() if key in known}
    return (
        {name: value for name, value in lower.items() if name in CONFIGURE_OPTIONS},
        {name: value for name, value in lower.items() if name in HTTP_OPTIONS},
        {key: value for key, value in settings.items() if key in others},
    )


def is_repeated(done: Mapping[K, V], app: K, options: V, caller: str) -> bool:
    """Return whether `app` was already set up, with the same options.

    Args:
        done: the options of each application that was set up.
        app: the application.
        options: the options of this call.
        caller: the call, such as ``init_app()``.

    Raises:
        RuntimeError: `app` was already set up with different options.
    """
    if app not in done:
        return False
    if done[app] != options:
        raise RuntimeError(
            f"{caller} was already called on this application with different options; call it "
            "once, with all options"
        )
    return True
