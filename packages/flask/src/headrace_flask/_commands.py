"""``flask`` commands as units of work: ``HEADRACE_COMMANDS = True``."""

from __future__ import annotations

from typing import Any

import click
from flask import current_app, has_app_context
from flask.cli import ScriptInfo

from headrace.integration import Unit, nested_context

COMMANDS = "headrace.commands"
"""The key in the extensions of an application whose commands are units of work."""

_KEY = "headrace_flask.command"
_invoke = click.Context.invoke


def run_commands_in_units() -> None:
    """Run each command in its own unit if its application's settings say so.

    Flask sends no signal for commands, but all of them pass through `click.Context.invoke`: those
    of the application and its blueprints, and those of other packages, which load the application
    themselves with `flask.cli.with_appcontext`.
    """
    click.Context.invoke = _invoke_in_unit  # type: ignore[method-assign]


def _invoke_in_unit(*args: Any, **kwargs: Any) -> Any:
    context: click.Context = args[0]
    # A command calls `invoke` again for its callback, with the same context; one unit is enough.
    outer = context.meta.get(_KEY)
    if outer is context or not _has_unit(context):
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
                leaving = exit_  # status 0: the unit ends without an error
    finally:
        context.meta[_KEY] = outer
    raise leaving


def _has_unit(context: click.Context) -> bool:
    """Return whether `context` belongs to a command that is a unit of work."""
    return (
        not isinstance(context.command, click.Group)
        and has_app_context()
        and context.find_object(ScriptInfo) is not None
        and bool(current_app.extensions.get(COMMANDS))
    )


def _name(context: click.Context) -> str:
    """Return the command without the program and the arguments, such as ``db upgrade``."""
    words = [context.info_name or ""]
    while (parent := context.parent) is not None and parent.parent is not None:
        context = parent
        words.insert(0, context.info_name or "")
    return " ".join(words)
