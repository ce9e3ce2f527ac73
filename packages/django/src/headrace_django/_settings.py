"""The setting ``HEADRACE``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from headrace.integration import HttpOptions, check_configuration, read_settings


class Settings(NamedTuple):
    """The parsed setting."""

    configuration: dict[str, Any]
    """Arguments of `headrace.configure`."""
    http: HttpOptions
    """Options of the middleware."""
    commands: bool
    """Whether each management command runs in its own unit."""


def raw() -> Any:
    """Return the setting as the project wrote it."""
    return getattr(settings, "HEADRACE", {})


def read() -> Settings:
    """Return the parsed setting.

    Raises:
        ImproperlyConfigured: a name is unknown, or a value is invalid.
    """
    try:
        return parse(raw())
    except (ImportError, TypeError, ValueError) as error:
        raise ImproperlyConfigured(f"HEADRACE: {error}") from error


def parse(values: Mapping[str, Any]) -> Settings:
    """Parse the value of the setting.

    Raises:
        ImportError: a dotted path cannot be imported.
        TypeError: a value has the wrong type.
        ValueError: a name is unknown, or a value is invalid.
    """
    if not isinstance(values, Mapping):
        raise TypeError(f"it must be a dict, not {values!r}")
    configuration, http, others = read_settings(values, others=("COMMANDS",))
    for options, name in ((configuration, "id_factory"), (http, "validator")):
        if isinstance(options.get(name), str):
            options[name] = import_string(options[name])
    if "trust_inbound" in http:
        http["trust_inbound"] = _object(http["trust_inbound"])
    if "backend" in configuration:
        configuration["backend"] = _backends(configuration["backend"])
    check_configuration(**configuration)
    commands = others.get("COMMANDS", False)
    if not isinstance(commands, bool):
        raise TypeError(f"COMMANDS must be True or False, not {commands!r}")
    return Settings(configuration, HttpOptions(**http), commands)


def _backends(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_object(each) for each in value]
    return _object(value)


def _object(value: Any) -> Any:
    """Return `value`, or the object at its dotted path."""
    return import_string(value) if isinstance(value, str) and "." in value else value
