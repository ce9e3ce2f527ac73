"""``flask`` commands in units of their own: ``HEADRACE_COMMANDS = True``."""

from __future__ import annotations

from typing import Any

import click
from flask import current_app, has_app_context
from flask.cli import ScriptInfo

from headrace.integration import Unit, nested_context

_KEY = "headrace_flask.command"
_invoke = click.Context.invoke
COMMANDS = "headrace.commands"
"""Key in the extensions of an application whose commands run in units."""


def run_commands_in_units() -> None:
    """Run each command in a unit of its own if its application's settings ask for it.

    Flask sends no signal for commands, but all of them go through `click.Context.invoke`: those of
    the application and its blueprints, and those of other packages, which load the application
    themselves with `flask.cli.with_appcontext`.
    """
    click.Context.invoke = _invoke_in_unit  # type: ignore[method-assign]


def _invoke_in_unit(*args: Any, **kwargs: Any) -> Any:
    context: click.Context = args[0]
    around = context.meta.get(_KEY)
    if around is context or not _has_unit(context):
        return _invoke(*args, **kwargs)
    context.meta[_KEY] = context
    leaving: click.exceptions.Exit | None = None
    try:
        with Unit(nested_context("command", _name(context))):
            try:
                return _invoke(*args, **kwargs)
            except click.exceptions.Exit as exit_:
                if exit_.exit_code:
                    raise
                leaving = exit_  # status 0: the command has succeeded
    finally:
        context.meta[_KEY] = around
    raise leaving


def _has_unit(context: click.Context) -> bool:
    """Tell whether `context` belongs to a command of an application with units for commands."""
    return (
        not isinstance(context.command, click.Group)
        and has_app_context()
        and context.find_object(ScriptInfo) is not None
        and bool(current_app.extensions.get(COMMANDS))
    )


def _name(context: click.Context) -> str:
    """Return the words of the command, without the program's name: ``db upgrade``."""
    words = [context.info_name or ""]
    while (parent := context.parent) is not None and parent.parent is not None:
        context = parent
        words.insert(0, context.info_name or "")
    return " ".join(words)
