"""The one ``HEADRACE`` setting."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from headrace.integration import HttpOptions, read_settings


class Settings(NamedTuple):
    """What ``HEADRACE`` says."""

    configuration: dict[str, Any]
    """The arguments of `headrace.configure`."""
    http: HttpOptions
    """The options of the middleware."""
    commands: bool
    """Whether each management command runs in a unit of its own."""


_CALLABLES = ("ID_FACTORY", "VALIDATOR")
OTHERS = ("COMMANDS",)


def read() -> Settings:
    """Return the settings as they are now.

    Raises:
        ImproperlyConfigured: a setting is unknown or wrong.
    """
    given = getattr(settings, "HEADRACE", {})
    try:
        resolved = {name: resolve(name, value) for name, value in given.items()}
        configuration, http, others = read_settings(resolved, others=OTHERS)
        return Settings(configuration, HttpOptions(**http), others.get("COMMANDS", False))
    except (ImportError, TypeError, ValueError) as error:
        raise ImproperlyConfigured(f"HEADRACE: {error}") from error


def resolve(name: str, value: Any) -> Any:
    """Return the setting's value, with dotted paths replaced by what they lead to.

    Raises:
        ImportError: there is nothing at the path.
    """
    if name in _CALLABLES and isinstance(value, str):
        return import_string(value)
    if name == "BACKEND":
        several = isinstance(value, list | tuple)
        return [_backend(each) for each in value] if several else _backend(value)
    return value


def _backend(value: Any) -> Any:
    """Return the backend at a dotted path; a class is called to make one."""
    if not isinstance(value, str) or "." not in value:
        return value
    found = import_string(value)
    return found() if isinstance(found, type) else found
