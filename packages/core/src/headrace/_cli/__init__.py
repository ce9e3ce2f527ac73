"""The command ``headrace``, which finds and runs the subcommand."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import suppress

from .commands import find_command, known_commands
from .errors import CommandError
from .streams import escape_unencodable, tell

__all__ = ["CommandError", "main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ``headrace`` with `arguments`, by default the process's; return the exit status.

    The status is 0 for success, 2 for an error that the message explains, 130 if interrupted.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    escape_unencodable(sys.stdout)
    try:
        return _run(words)
    except CommandError as error:
        with suppress(CommandError):  # standard error is closed too
            tell(sys.stderr, str(error))
        return 2
    except KeyboardInterrupt:
        return 130


def _run(words: list[str]) -> int:
    if not words or words[0] in {"-h", "--help"}:
        print(_usage(), file=sys.stdout if words else sys.stderr)
        return 0 if words else 2
    if words[0] == "--version":
        from importlib.metadata import version

        print(f"headrace {version('headrace')}")  # noqa: T201
        return 0
    return find_command(words[0])(words[1:])


def _usage() -> str:
    lines = [f"  {name:<10} {summary}" for name, summary in known_commands().items()]
    return "\n".join([
        "usage: headrace [--help] [--version] COMMAND ...",
        "",
        "commands:",
        *lines,
        "",
        "Run headrace COMMAND --help for details.",
    ])
