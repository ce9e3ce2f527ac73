"""Running ``headrace`` in a folder with files, as a user does."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from headrace.__main__ import main

RIGHT = """\
from headrace import entrypoint, step


@entrypoint("order")
def receive(order):
    charge(order)
    ship(order)


@step("order", after="receive")
def charge(order): ...


@step("order", after="charge")
def ship(order): ...
"""
"""A flow that is what it says."""

WRONG = RIGHT.replace('after="charge"', 'after="charg"')
"""The same one with a mistyped name: HR104 on line 15."""

TURNED = RIGHT.replace(
    "    charge(order)\n    ship(order)\n", "    ship(order)\n    charge(order)\n"
)
"""The same one with its calls turned round: an edge is not shown."""

DYNAMIC = """\
from headrace import entrypoint, step


@entrypoint("order")
def receive(order):
    globals()[order.kind](order)


@step("order", after="receive")
def collect(order): ...
"""
"""A flow with one edge, which is not shown."""


class Done(NamedTuple):
    """A run of the command."""

    status: int
    out: str
    err: str


class Folder:
    """The current folder of a test."""

    def __init__(self, path: Path, capture: pytest.CaptureFixture[str]) -> None:
        self.path = path
        self._capture = capture

    def write(self, files: Mapping[str, str]) -> None:
        """Write files, with the folders they stand in."""
        for name, content in files.items():
            path = self.path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(content), "utf-8")

    def headrace(self, *words: str) -> Done:
        """Run ``headrace`` with `words`."""
        try:
            status = main(words)
        except SystemExit as end:  # argparse
            status = int(end.code or 0)
        out, err = self._capture.readouterr()
        return Done(status, out, err)

    def check(self, *words: str) -> Done:
        """Run ``headrace check`` with `words`."""
        return self.headrace("check", *words)
