"""Management commands in units of their own: ``HEADRACE = {"COMMANDS": True}``."""

from __future__ import annotations

import functools
from typing import Any

from django.core.management.base import BaseCommand

from headrace.integration import Unit, nested_context

from . import _settings

_execute = BaseCommand.execute


def run_commands_in_units() -> None:
    """Let each command run in a unit of its own, as long as the setting says so.

    Django sends no signal for commands; `BaseCommand.execute` is what all of them pass, from the
    command line and from `call_command`.
    """
    BaseCommand.execute = _execute_in_unit  # type: ignore[method-assign]


def _execute_in_unit(self: BaseCommand, *args: Any, **options: Any) -> str | None:
    if not _settings.given().get("COMMANDS"):
        return _execute(self, *args, **options)
    name = type(self).__module__.rpartition(".")[2]
    with Unit(nested_context("command", name)):
        return _execute(self, *args, **options)


functools.update_wrapper(_execute_in_unit, _execute)
