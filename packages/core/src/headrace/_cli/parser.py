"""An argument parser whose messages are safe on a terminal and name the option that was meant."""

from __future__ import annotations

import argparse
from typing import Any, NoReturn

from headrace._messages.hints import did_you_mean
from headrace._messages.text import printable


def argument_parser(prog: str, description: str) -> argparse.ArgumentParser:
    """Return a parser that accepts no abbreviated options and escapes control characters in errors.

    Args:
        prog: the command as the user calls it.
        description: the description of the command, for its help.
    """
    return _Parser(prog=prog, description=description, allow_abbrev=False)


class _Parser(argparse.ArgumentParser):
    def parse_known_args(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, args: Any = None, namespace: Any = None
    ) -> Any:
        options, unknown = super().parse_known_args(args, namespace)
        for word in unknown:
            if word.startswith("-"):
                name = word.partition("=")[0]
                known = self._option_string_actions
                hint = did_you_mean(name, known, f"{self.prog} --help lists the options")
                self.error(f"there is no option {name!r}; {hint}")
        return options, unknown

    def error(self, message: str) -> NoReturn:
        super().error(printable(message))
