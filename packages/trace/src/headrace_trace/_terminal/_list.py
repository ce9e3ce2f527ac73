"""The list of operations."""

from __future__ import annotations

from collections.abc import Iterable

from rich.table import Table
from rich.text import Text

from headrace_trace._model import Operation

from ._text import duration_text, shown, time_text

STYLES = {"ok": "green", "error": "red", "cancelled": "yellow", "open": "yellow"}


def list_table(operations: Iterable[Operation]) -> Table:
    """Return the operations as a table, in their order."""
    table = Table(box=None, pad_edge=False)
    table.add_column("time", no_wrap=True)
    table.add_column("entry", overflow="fold")
    table.add_column("ID", overflow="fold")
    table.add_column("units", justify="right")
    table.add_column("duration", justify="right", no_wrap=True)
    table.add_column("state")
    for one in operations:
        table.add_row(*_cells(one))
    return table


def list_line(one: Operation) -> str:
    """Return an operation as a line of text."""
    return "  ".join(cell.plain for cell in _cells(one))


def _cells(one: Operation) -> list[Text]:
    """Return the cells of an operation's row."""
    texts = (
        *(time_text(one.started), shown(one.entry, 80) or "-", shown(one.flow_id, 256)),
        *(str(one.units), duration_text(one.duration_ms)),
    )
    return [*map(Text, texts), Text(one.state, style=STYLES.get(one.state, ""))]
