"""An argument parser whose messages are safe on a terminal."""

from __future__ import annotations

import argparse
from typing import NoReturn

from headrace._messages.text import printable


def argument_parser(prog: str, description: str) -> argparse.ArgumentParser:
    """Return a parser whose error messages escape control characters.

    Args:
        prog: the command as the user calls it.
        description: the description of the command, for its help.
    """
    return _Parser(prog=prog, description=description)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        super().error(printable(message))
