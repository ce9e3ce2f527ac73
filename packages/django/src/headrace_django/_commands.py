"""Management commands as units of work: ``HEADRACE = {"COMMANDS": True}``."""

from __future__ import annotations

import functools
from typing import Any

from django.core.management.base import BaseCommand

from headrace.integration import Unit, nested_context

from . import _settings

_execute = BaseCommand.execute


def run_commands_in_units() -> None:
    """Run each command in its own unit while the setting is on.

    Django sends no signal for commands, but both the command line and `call_command` call
    `BaseCommand.execute`.
    """
    BaseCommand.execute = _execute_in_unit  # type: ignore[method-assign]


def _execute_in_unit(self: BaseCommand, *args: Any, **options: Any) -> str | None:
    # Read at each call, since tests override the setting but the patch stays.
    if not _settings.raw().get("COMMANDS"):
        return _execute(self, *args, **options)
    name = type(self).__module__.rpartition(".")[2]
    with Unit(nested_context("command", name)):
        return _execute(self, *args, **options)


functools.update_wrapper(_execute_in_unit, _execute)
