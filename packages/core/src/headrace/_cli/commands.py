"""The subcommands: built-in ones, and entry points of other packages."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points

from headrace._messages.hints import name_hint

from .errors import CommandError
from .points import load_point

GROUP = "headrace.commands"

Command = Callable[[list[str]], int]

_OWN = {
    "doctor": "find requests, tasks and log lines that would have no ID",
    "graph": "draw or check flows",
}
_ELSEWHERE = {
    "check": ("headrace-inspect", "compare the declared flows with the code"),
    "discover": ("headrace-inspect", "draw a program that declares no flows"),
    "explain": ("headrace-inspect", "explain the code of a finding"),
    "trace": ("headrace-trace", "tell what happened, from logs"),
}


def find_command(name: str) -> Command:
    """Return the subcommand `name`.

    Raises:
        CommandError: there is no such subcommand; the message names the package that provides it.
    """
    if name == "graph":
        from .graph import main

        return main
    if name == "doctor":
        from .doctor import main as examine

        return examine
    added = _added()
    if name in added:
        command: Command = load_point(added[name], f"the command {name!r}")
        return command
    if name in _ELSEWHERE:
        package = _ELSEWHERE[name][0]
        raise CommandError(f"{name!r} comes with {package}: pip install {package}")
    raise CommandError(f"unknown command {name!r}; {name_hint(name, known_commands())}")


def known_commands() -> dict[str, str]:
    """Return the description of each subcommand; that of a missing one names its package."""
    added = _added()
    known = dict(_OWN)
    for name, (package, summary) in _ELSEWHERE.items():
        known[name] = summary if name in added else f"{summary} (pip install {package})"
    for name, point in added.items():
        known.setdefault(name, f"from {point.dist.name}" if point.dist else "")
    return known


def _added() -> dict[str, EntryPoint]:
    return {point.name: point for point in sorted(entry_points(group=GROUP))}
