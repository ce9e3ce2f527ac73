"""The operator's console: what is typed becomes the name of a method."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from headrace import entrypoint, step

if TYPE_CHECKING:
    from .core import Switchboard


class Console:
    def __init__(self, board: Switchboard) -> None:
        self.board = board
        self.history: list[str] = []

    @entrypoint("console")
    def run(self, line: str) -> Any:
        name, *args = self.parse(line)
        self.remember(line)
        method = getattr(self, f"do_{name}", None)
        if method is None:
            return self.unknown(name)
        with self.timing():
            return method(*args)

    @step("console", after="run")
    def parse(self, line: str) -> list[str]:
        return shlex.split(line)

    @step("console", after=["parse", "unknown"])
    def remember(self, line: str) -> None:
        self.history.append(line)

    @step("console", after="remember")
    def unknown(self, name: str) -> str:
        return f"no command {name}"

    @step("console", after="remember")
    def do_help(self) -> str:
        return self.describe("help")

    @step("console", after="do_help")
    def describe(self, name: str) -> str:
        return getattr(self, "do_" + name).__doc__ or self.unknown(name)

    @step("console", after="remember")
    def do_hangup(self, line: str) -> str:
        return f"hung up {line}"

    @step("console", after="remember")
    def shut_down(self) -> None:
        """No command: do_shutdown was the name, before somebody tidied up."""

    def timing(self) -> Timing:
        return Timing(self)


class Timing:
    def __init__(self, console: Console) -> None:
        self.console = console

    def __enter__(self) -> None:
        self.start_clock()

    def __exit__(self, *exc_info: object) -> None:
        getattr(self, "stop_clock")()

    @step("console", after="remember")
    def start_clock(self) -> None: ...

    @step("console", after="start_clock")
    def stop_clock(self) -> None: ...
