"""Workflow commands, which GitHub Actions shows at the lines concerned.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
"""

from __future__ import annotations

from headrace.commands import printable
from headrace_inspect._report import Report

from ._words import View, changes, summary

_DATA = "%\r\n"
_PROPERTY = f"{_DATA}:,"


def render(report: Report, _: View) -> str:
    """Return a command for each finding, the other changes, and a line that sums up."""
    commands = [
        _command(one.message, file=one.file, line=one.line, title="headrace check")
        for one in report.problems
    ]
    commands += [
        _command(
            one.message,
            file=one.place.file,
            line=one.place.line,
            col=one.column,
            endColumn=one.column + one.width,
            title=one.code,
        )
        for one in report.findings
    ]
    return "\n".join([*commands, *changes(report), summary(report)])


def _command(message: str, **properties: str | int) -> str:
    words = [f"{name}={_escaped(str(one), _PROPERTY)}" for name, one in properties.items() if one]
    return f"::error {','.join(words)}::{_escaped(message, _DATA)}"


def _escaped(text: str, special: str) -> str:
    codes = {ord(character): f"%{ord(character):02X}" for character in special}
    return printable(text).translate(codes)
