"""Figures as a table."""

from __future__ import annotations

from collections.abc import Iterable

from rich.table import Table
from rich.text import Text

from headrace_trace._stats import Stat

from ._text import duration_text, shown


def stats_table(stats: Iterable[Stat]) -> Table:
    """Return figures as a table, in their order."""
    table = Table(box=None, pad_edge=False)
    table.add_column("kind")
    table.add_column("name", overflow="fold")
    for title in ("count", "errors", "median", "95 %", "99 %", "queue median", "queue 95 %"):
        table.add_column(title, justify="right", no_wrap=True)
    for stat in stats:
        times = (stat.median, stat.p95, stat.p99, stat.queue_median, stat.queue_p95)
        table.add_row(
            stat.kind,
            Text(shown(stat.name, 160)),
            str(stat.count),
            Text(str(stat.errors), style="red" if stat.errors else ""),
            *("" if time is None else duration_text(time) for time in times),
        )
    return table
