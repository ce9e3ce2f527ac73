"""The table of the matrix, for docs/howto/celery.md.

`python -m tests.celery.matrix.table` writes it there.
"""

from __future__ import annotations

import sys
from pathlib import Path

from .rows import ROWS, Row

PAGE = Path(__file__).parents[3] / "docs" / "howto" / "celery.md"
BEGIN, END = "<!-- matrix: begin -->\n", "<!-- matrix: end -->\n"
COLUMNS = {
    "prefork, Redis": ("prefork", "redis"),
    "prefork, RabbitMQ": ("prefork", "rabbitmq"),
    "solo": ("solo", "redis"),
    "threads": ("threads", "redis"),
    "gevent": ("gevent", "redis"),
}
Results = dict[str, dict[str, str]]


def expected() -> Results:
    """Return the results where every row holds on every pool on which it is tried."""
    return {
        column: {row.name: "" for row in ROWS if pool == "prefork" or row.telling}
        for column, (pool, _) in COLUMNS.items()
    }


def render(results: Results) -> str:
    """Return the table: for each column, the problem of each row, or "" where it holds."""
    head = ["how it is published and run", "ID that is seen", "its cause", "caller afterwards"]
    head += COLUMNS
    lines = [head, ["---"] * len(head), *(line(row, results) for row in ROWS)]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def line(row: Row, results: Results) -> list[str]:
    """Return the cells of `row`."""
    seen = [cell(results[column].get(row.name)) for column in COLUMNS]
    caller = "intact" if row.causes else "none: beat has no context"
    return [row.name, row.reason or "the publisher's", row.cause, caller, *seen]


def cell(problem: str | None) -> str:
    """Return what stands in a cell."""
    return "" if problem is None else problem.replace("|", "/") or "holds"


def in_docs() -> str:
    """Return the table that stands in the docs."""
    return PAGE.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0].strip() + "\n"


def write() -> None:
    """Write the table into the docs."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    PAGE.write_text(f"{before}{BEGIN}\n{render(expected())}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    write()
    sys.stdout.write(in_docs())
