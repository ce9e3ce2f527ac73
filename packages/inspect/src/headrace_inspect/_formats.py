"""Reports as text: for people, for comments on a change, as GitHub's annotations, for programs.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from headrace.commands import counted, printable

from ._documents import as_json, as_sarif
from ._report import Edge, Finding, Place, Report, Since

ENDINGS = {".json": "json", ".sarif": "sarif", ".md": "markdown"}
"""The format for each file extension; others get text."""
LONGEST = 65_536
"""The maximum number of characters in a GitHub comment."""
_BESIDES = 1_000  # more than the text below the tables
_CELL = 1_000
_RED, _GREEN, _BLUE, _STRONG = "1;31", "1;32", "1;34", "1"
_PAINT = re.compile("\x1b\\[[0-9;]*m")
_MOST_LINKS = 3
_SPECIAL = re.compile(r"""[!"#$%&*+:<=>?@\[\\\]^_`{|}~]""")
_DATA = "%\r\n"


def render(report: Report, format: str, *, verbose: bool = False, colors: bool = False) -> str:
    """Return `report` in one of `FORMATS`, without a line break at the end.

    Args:
        report: the report.
        format: its format.
        verbose: whether text lists every edge with its evidence.
        colors: whether text is coloured.
    """
    text = as_text(report, verbose=verbose) if format == "text" else FORMATS[format](report)
    # All names are escaped, so the only colour codes are ours.
    return text if colors else _PAINT.sub("", text)


# --- words that the formats share -----------------------------------------------------------------


def headline(report: Report) -> str:
    """Return how many findings there are, and whether the check is complete."""
    words = counted(len(report.findings), "finding") if report.findings else "no findings"
    if not report.problems:
        return words
    paths = counted(len({problem.file for problem in report.problems}), "path")
    head = f"incomplete: {paths} could not be analysed"
    return f"{head}; in the rest {words}" if report.files else head


def totals(report: Report) -> str:
    """Return what was checked, and how much of it is shown."""
    if not report.files:
        return "no file was read"
    # A file that does not parse was read, and counts.
    files = counted(report.files, "file")
    if not report.steps:
        return f"no flow is declared in these files; {files}"
    hidden = sum(not edge.by for edge in report.edges)
    shown = f"{len(report.edges) - hidden} shown"
    if by_tests := sum(edge.by == ("tests",) for edge in report.edges):
        shown += f" ({by_tests} by tests alone)"
    declared = f"{counted(len(report.steps), 'step')}, {counted(len(report.edges), 'edge')}"
    return f"{declared}: {shown}, {hidden} not shown; {files}"


def summary(report: Report) -> str:
    """Return the summary line."""
    return f"{headline(report)}; {totals(report)}"


def _changes(since: Since | None) -> list[str]:
    """Return a line on what was compared, and one for each change that fails nothing."""
    if since is None:
        return []
    found: list[str] = []
    for word, of_kind in (("step", since.steps), ("edge", since.edges)):
        found += [f"+ {word} {one}" for one in of_kind.added]
        found += [f"- {word} {one}" for one in of_kind.removed]
        found += [f"~ {word} {one}: rerouted" for one in of_kind.rerouted]
        found += [f"~ {word} {one.edge}: {one.was} -> {one.now}" for one in of_kind.boundary]
    other = "other " if since.lost or since.breaking else ""
    count = counted(len(found), f"{other}change") if found else f"no {other}changes"
    return [*map(printable, [f"since {since.revision} ({since.base[:12]}): {count}", *found])]


# --- text -----------------------------------------------------------------------------------------


def as_text(report: Report, *, verbose: bool = False) -> str:
    """Return the findings, the edges if asked for, the changes, and a line that sums up."""
    blocks = [[*_finding(finding)] for finding in report.findings]
    blocks += [[*map(_edge, report.edges if verbose else ())], _changes(report.since)]
    color = _RED if report.exit_status() else _GREEN
    closing = f"{_painted(headline(report), color)}; {totals(report)}"
    return "\n\n".join([*map("\n".join, filter(None, blocks)), closing])


def _edge(edge: Edge) -> str:
    calls = " > ".join(map(str, edge.evidence)) or "in tests"
    return printable(f"{edge.id}: {f'{edge.kind}, {calls}' if edge.by else 'not shown'}")


def _finding(finding: Finding) -> Iterator[str]:
    """Yield the message, the place and the evidence."""
    arrow, frame = (_painted(sign, _BLUE) for sign in ("-->", "="))
    yield f"{_painted(finding.code, _RED)} {_painted(printable(finding.message), _STRONG)}"
    yield f"  {arrow} {printable(str(finding.place))}"
    word = "was" if finding.code == "HR300" else "see"
    for link in finding.evidence[:_MOST_LINKS]:
        yield f"  {frame} {word} {printable(str(link))}"
    if more := len(finding.evidence[_MOST_LINKS:]):
        yield f"  {frame} and {counted(more, 'place')} more"


def _painted(text: str, color: str) -> str:
    return f"\x1b[{color}m{text}\x1b[0m"


# --- Markdown -------------------------------------------------------------------------------------


def as_markdown(report: Report) -> str:
    """Return a heading, tables of the findings and of all other lists, and a summary line.

    It fits into a comment: if necessary, it is cut, and a line says so.
    """
    text = "\n\n".join([f"### headrace check: {headline(report)}", *_tables(report)])
    if len(text) > LONGEST - _BESIDES:
        text = text[: text.rindex("\n", 0, LONGEST - _BESIDES)]
        text += (
            f"\n\nThe rest is left out, since a comment holds {LONGEST} characters. "
            f"The same check with `--format text` shows it."
        )
    return f"{text}\n\n{totals(report)}"


def _tables(report: Report) -> Iterator[str]:
    """Yield a table of each list that is not empty."""
    alerts = [("", one.place, one.message) for one in report.problems]
    alerts += [(one.code, one.place, one.message) for one in report.findings]
    rows = [_row(code, _code(str(place)), _escaped(what[:_CELL])) for code, place, what in alerts]
    yield from _table(("code", "where", "what"), rows)
    for head, *rest in [_changes(report.since)] if report.since is not None else []:
        yield from _table((_escaped(head),), [_row(_code(one)) for one in rest])
    hidden = [_row(_code(edge.id)) for edge in report.edges if not edge.by]
    yield from _table(("not shown",), hidden)


def _table(head: tuple[str, ...], rows: list[str]) -> Iterator[str]:
    if rows:
        yield "\n".join([_row(*head), _row(*["---"] * len(head)), *rows])


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _code(text: str) -> str:
    return f"<code>{_escaped(text)}</code>"


def _escaped(text: str) -> str:
    """Return `text` so that nothing in it is markup, a link or a mention."""
    # The comment keeps "@name" and "#1" apart: entities are read before mentions are looked for.
    return _SPECIAL.sub(
        lambda found: f"&#{ord(found[0])};{'<!-- -->' if found[0] in '@#' else ''}",
        printable(text),
    )


# --- GitHub ---------------------------------------------------------------------------------------


def as_github(report: Report) -> str:
    """Return a command for each finding, the other changes, and a summary line."""
    commands = [_command(one.message, one.place, "headrace check") for one in report.problems]
    commands += [_command(one.message, one.place, one.code) for one in report.findings]
    return "\n".join([*commands, *_changes(report.since), summary(report)])


def _command(message: str, place: Place, title: str) -> str:
    properties = {"file": place.file, "line": place.line, "title": title}
    words = [
        f"{name}={_encoded(str(one), _DATA + ':,')}" for name, one in properties.items() if one
    ]
    return f"::error {','.join(words)}::{_encoded(message, _DATA)}"


def _encoded(text: str, special: str) -> str:
    codes = {ord(character): f"%{ord(character):02X}" for character in special}
    return printable(text).translate(codes)


FORMATS: dict[str, Callable[[Report], str]] = {
    "text": as_text, "json": as_json, "sarif": as_sarif, "github": as_github,
    "markdown": as_markdown,
}  # fmt: skip
