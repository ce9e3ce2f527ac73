"""System checks, which report mistakes in the settings and how to correct them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.core.checks import Warning as CheckWarning
from django.utils.module_loading import import_string

from headrace.integration import report_undecorated
from headrace.integration.settings import (
    CONFIGURE_OPTIONS,
    HTTP_OPTIONS,
    factory_fault,
    nearest_name,
)

from . import _settings
from ._registrations import registrations
from .middleware import FlowMiddleware, counted_middleware

__all__ = ["check_decorators", "check_middleware", "check_settings"]

_SEE = 'See "System checks" on the page "Django" of headrace\'s documentation.'
_PATH = "headrace_django.middleware.FlowMiddleware"
_KNOWN = {name.upper() for name in (*CONFIGURE_OPTIONS, *HTTP_OPTIONS, "commands")}


def check_settings(**_: Any) -> list[CheckMessage]:
    """Report each entry of ``HEADRACE`` that is unknown or invalid."""
    values = _settings.raw()
    if not isinstance(values, Mapping):
        message = f"HEADRACE must be a dict, not {values!r}."
        return [_error(1, message, 'Write HEADRACE = {"NAME": value, ...}.')]
    found = [_problem(name, value) for name, value in values.items()]
    flat = [_flat(name) for name in dir(settings) if name.startswith("HEADRACE_")]
    return [one for one in (*found, *flat) if one is not None]


def check_middleware(**_: Any) -> list[CheckWarning]:
    """Report a middleware that is missing, not listed first, or listed more than once."""
    places = [i for i, path in enumerate(counted_middleware()) if _is_ours(path)]
    if not places:
        hint = (
            f"Put {_PATH!r} first in MIDDLEWARE, or remove 'headrace_django' from INSTALLED_APPS."
        )
        message = "FlowMiddleware is not in MIDDLEWARE: requests get no correlation ID."
        return [_warning(5, message, hint)]
    found = []
    if places[0] != 0:
        message = (
            f"FlowMiddleware is at position {places[0] + 1} in MIDDLEWARE: log lines and "
            f"responses of the middleware before it have no correlation ID."
        )
        found.append(_warning(6, message, f"Put {_PATH!r} first."))
    if len(places) > 1:
        message = (
            f"MIDDLEWARE lists FlowMiddleware {len(places)} times; only the first has an effect."
        )
        found.append(_warning(7, message, "Remove the others."))
    return found


def check_decorators(**_: Any) -> list[CheckWarning]:
    """Report views and commands that call the undecorated function of a declared step."""
    hint = "Put the step's decorator nearest to the `def`."
    return [_warning(9, f"{line}.", hint) for line in report_undecorated(registrations())]


def _problem(name: Any, value: Any) -> CheckMessage | None:
    try:
        parsed = _settings.parse({name: value})
    except ImportError as error:
        message = f"HEADRACE[{name!r}] cannot be imported: {error}."
        return _error(4, message, "Write the dotted path of an object: 'package.module.name'.")
    except Exception as error:
        if name not in _KNOWN:
            return _error(
                2, f"HEADRACE: {error}.", f"The settings are {', '.join(sorted(_KNOWN))}."
            )
        return _error(3, f"HEADRACE[{name!r}] is invalid: {error}.", "Correct the value.")
    fault = factory_fault(parsed.configuration.get("id_factory"))
    if fault is None:
        return None
    hint = "Use a function that returns a UUID, or a valid ID as a string."
    return _warning(8, f"HEADRACE[{name!r}] does not return correlation IDs: {fault}.", hint)


def _flat(name: str) -> CheckWarning | None:
    """Report a setting in Flask's spelling, which Django ignores."""
    near = nearest_name(name.removeprefix("HEADRACE_"), _KNOWN)
    if near is None:  # the project's own setting
        return None
    return _warning(2, f"{name} has no effect.", f'Write HEADRACE = {{"{near}": ...}}.')


def _is_ours(path: str) -> bool:
    try:
        middleware = import_string(path)
    except ImportError:  # Django reports it when it loads the middleware
        return False
    return isinstance(middleware, type) and issubclass(middleware, FlowMiddleware)


def _error(number: int, message: str, hint: str) -> Error:
    """Return the error for a setting with which the middleware refuses to start."""
    return Error(message, hint=f"{hint} {_SEE}", id=f"headrace.E{number:03}")


def _warning(number: int, message: str, hint: str) -> CheckWarning:
    return CheckWarning(message, hint=f"{hint} {_SEE}", id=f"headrace.W{number:03}")
