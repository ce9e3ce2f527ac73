"""``headrace trace``: finds and runs its subcommand."""

from __future__ import annotations

import sys

from headrace.commands import CommandError, name_hint

_COMMANDS = {
    "list": "operations, newest first",
    "show": "the story of one operation",
    "audit": "what is missing",
    "stats": "counts, errors and times",
    "html": "one page with operations, stories and figures",
}


def main(words: list[str]) -> int:
    """Run the subcommand that `words`, those after ``trace``, name; return the exit status.

    Raises:
        CommandError: there is no such subcommand, or an argument of it is wrong.
    """
    if not words or words[0] in {"-h", "--help"}:
        print(_usage(), file=sys.stdout if words else sys.stderr)
        return 0 if words else 2
    name, arguments = words[0], words[1:]
    if name == "list":
        from ._list import main as run
    elif name == "show":
        from ._show import main as run
    elif name == "audit":
        from ._audit import main as run
    elif name == "stats":
        from ._stats import main as run
    elif name == "html":
        from ._html import main as run
    else:
        raise CommandError(f"unknown command 'trace {name}'; {name_hint(name, _COMMANDS)}")
    return run(arguments)


def _usage() -> str:
    lines = [f"  {name:<6} {summary}" for name, summary in _COMMANDS.items()]
    usage = "usage: headrace trace COMMAND ... LOGS"
    return "\n".join([usage, "", "commands:", *lines, "", "Run headrace trace COMMAND --help."])
