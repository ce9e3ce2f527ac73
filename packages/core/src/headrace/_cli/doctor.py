"""``headrace doctor``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from headrace._doctor.findings import Report, as_json, as_text
from headrace._messages.text import printable

from .errors import CommandError
from .modules import import_modules
from .parser import argument_parser
from .streams import tell, write

_DESCRIPTION = """\
Find the requests, tasks and log lines of a project that would have no ID, and print the lines to
add. Without --app, the command reads the source and imports nothing. The exit status is 0 if
nothing is missing, 1 if something is, and 2 if something could not be analysed.
"""


def main(arguments: Sequence[str]) -> int:
    """Examine a project as `arguments` say; return the exit status.

    Raises:
        CommandError: a path does not exist, or the application cannot be imported.
    """
    parser = argument_parser("headrace doctor", _DESCRIPTION)
    add = parser.add_argument
    add("path", nargs="?", default=".", metavar="PATH", help="the project's folder; default: .")
    says = "import this module and examine the running application as well; repeatable"
    add("--app", action="append", default=[], metavar="MODULE", help=says)
    add("--format", choices=("text", "json"), default="text", help="default: text")
    options = parser.parse_args(arguments)
    root = Path(options.path)
    if not root.exists():
        raise CommandError(f"there is no folder or file {options.path!r}")
    report = _living(options.app, root) if options.app else _source(root)
    return _show(report, options.format, sys.stdout, sys.stderr)


def _source(root: Path) -> Report:
    from headrace._doctor.examine import examine

    return examine(root.resolve())


def _living(names: list[str], root: Path) -> Report:
    from headrace._doctor.living import examine_living

    tell(sys.stderr, f"importing {', '.join(names)}, and examining the running application")
    folder = (root if root.is_dir() else root.parent).resolve()
    import_modules(names, [folder])
    report = examine_living(folder)
    report.add_source(_source(root))
    return report


def run_doctor(
    *,
    format: str = "text",
    out: TextIO | None = None,
    err: TextIO | None = None,
    source: Path | None = None,
) -> int:
    """Examine the application that this process has set up; return the exit status, 0, 1 or 2.

    Args:
        format: ``text`` or ``json``.
        out: the stream for the report; standard output by default.
        err: the stream for messages; standard error by default.
        source: the folder whose source to examine too.
    """
    from headrace._doctor.living import examine_living

    report = examine_living(Path.cwd())
    if source is not None:
        report.add_source(_source(source))
    return _show(report, format, out or sys.stdout, err or sys.stderr)


def _show(report: Report, format: str, out: TextIO, err: TextIO) -> int:
    for problem in report.problems:
        tell(err, problem)
    write(out, _printable_lines(as_json(report) if format == "json" else as_text(report)))
    return report.exit_status()


def _printable_lines(text: str) -> str:
    """Return `text` with unprintable characters escaped, except line breaks."""
    return "\n".join(map(printable, text.split("\n")))
