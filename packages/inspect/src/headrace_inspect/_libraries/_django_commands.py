"""Django's management commands, called by their names."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from headrace_inspect._names._values import UNKNOWN, Arguments, ClassValue, Instance, Text, Value
from headrace_inspect._running._attributes import attribute
from headrace_inspect._running._giving import ANY_ARGUMENTS
from headrace_inspect._running._nodes import Hub

from ._registry import function
from ._running_arguments import call_now

if TYPE_CHECKING:
    from headrace_inspect._running._engine import Engine
    from headrace_inspect._running._frame import Frame


@function("django.core.management.call_command")
def call_command(frame: Frame, arguments: Arguments, node: ast.AST, value: Value) -> Value:
    """``call_command("name")``: ``handle()`` of the one command of that name, or of any."""
    given = frame.engine.resolve(arguments.get(0, "command_name") or UNKNOWN)
    commands = [given] if isinstance(given, Instance) else _commands(frame.engine, given)
    if len(commands) == 1:
        handle = attribute(frame, commands[0], "handle", node)
        call_now(frame, handle, ANY_ARGUMENTS, node)
    elif commands or not isinstance(given, Text) or given.constant is None:
        frame.maybe(Hub("name", "handle"), node)
    return UNKNOWN


def _commands(engine: Engine, given: Value) -> list[Instance]:
    if not isinstance(given, Text) or given.constant is None:
        return []
    found: list[Instance] = []
    for path, module in engine.program.modules.items():
        if path.endswith(f"/management/commands/{given.constant}.py"):
            command = engine.resolve(engine.value_of(module, "Command"))
            if isinstance(command, ClassValue):
                found.append(Instance(command.cls))
    return found
