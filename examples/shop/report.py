"""What the demo prints."""

from __future__ import annotations

import contextlib
import io
import os
import shlex
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from rich import box
from rich.console import Console, Group
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from headrace_trace import load

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from customers import Placed

COLOURS = {
    "shop": "cyan",
    "worker": "magenta",
    "warehouse": "yellow",
    "carrier": "blue",
    "shipped": "green",
    "refused": "yellow",
    "rejected": "yellow",
}

STATIONS = {
    "shop": "FastAPI shop",
    "worker": "Celery worker",
    "warehouse": "Django warehouse",
    "carrier": "Flask carrier",
}

RUNS = """
SELECT flow_id, count(*), arg_min(queue_ms, started)
FROM unit WHERE kind IN ('task', 'flow') AND has_start GROUP BY flow_id"""


class Runs(NamedTuple):
    """How often the task of an order, or its durable run, was started."""

    count: int = 0
    queue_ms: float | None = None
    """The milliseconds from its publishing to its first start."""


class Kept:
    """What is kept of a run."""

    def __init__(self, folder: Path) -> None:
        self.logs = folder / "logs"
        self.graph = folder / "order.json"
        self.page = folder / "page.html"


class Bars:
    """The progress bars of a run."""

    def __init__(self, progress: Progress, services: int, orders: int) -> None:
        self.progress = progress
        self.services = progress.add_task("services started", total=services)
        self.sending = progress.add_task("orders sent", total=orders)
        self.ending = progress.add_task("orders ended", total=orders)

    def started(self, count: int) -> None:
        """So many services are up."""
        self.progress.update(self.services, completed=count)

    def sent(self, count: int) -> None:
        """So many orders are in the shop."""
        self.progress.update(self.sending, completed=count)

    def ended(self, count: int) -> None:
        """So many orders have an outcome."""
        self.progress.update(self.ending, completed=count)


class Report:
    """Prints to a terminal, and plainly to anything else."""

    def __init__(self) -> None:
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="replace")  # where the terminal has few characters
        terminal = sys.stdout.isatty()
        width = None if terminal else int(os.environ.get("COLUMNS", "120"))
        self.console = Console(width=width, force_interactive=terminal, highlight=False)
        self.errors = Console(stderr=True, highlight=False, soft_wrap=True)

    def trouble(self, text: str) -> None:
        """Something that went wrong, on standard error."""
        self.errors.print(Text(text, style="red"))

    def opening(self, path: Path, orders: int, problems: list[str], broker: str) -> None:
        """What is about to happen, and which lines of the file are no orders."""
        way = (Text(name, style=COLOURS[process]) for process, name in STATIONS.items())
        self.console.print(Text(" > ").join(way))
        self.console.print(Text(f"{orders} orders from {path}, broker: {broker}"), soft_wrap=True)
        for problem in problems:
            self.console.print(Text.assemble(("skipped ", "yellow"), problem), soft_wrap=True)

    @contextlib.contextmanager
    def progress(self, services: int, orders: int) -> Iterator[Bars]:
        """Progress bars, for as long as the block runs."""
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=self.console) as progress:
            yield Bars(progress, services, orders)

    def section(self, title: str, *body: RenderableType) -> None:
        """A heading and what stands under it."""
        self.console.print()
        self.console.print(Text(title, style="bold"))
        self.console.print(Padding(Group(*body), (0, 0, 0, 2), expand=False))

    def orders(self, placed: list[Placed], kept: Kept) -> dict[str | None, Runs]:
        """All orders with outcome and ID, and the runs of their tasks, which it returns by ID."""
        runs: dict[str | None, Runs] = defaultdict(Runs)
        with load([str(kept.logs)]) as logs:
            for flow_id, *found in logs.query(RUNS):
                runs[flow_id] = Runs(*found)
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
        table.add_column("order")
        table.add_column("outcome")
        table.add_column("")
        table.add_column("runs", justify="right", style="dim")
        table.add_column("queue ms", justify="right", style="dim")
        table.add_column("ID", no_wrap=True)
        for order in placed:
            table.add_row(*order_row(order, runs[order.flow_id]))
        tally = Counter(order.status for order in placed)
        counts = ", ".join(f"{count} {status}" for status, count in tally.most_common())
        self.section(f"{len(placed)} orders: {counts}", table)
        return runs

    def flow(self, mermaid: str) -> None:
        """The flow as it was declared, ready to be pasted into any Markdown."""
        self.console.print(Text("\nThe flow, as declared in the code", style="bold"))
        for line in ("```mermaid", *mermaid.splitlines(), "```"):
            self.console.print(Text(f"  {line}"), soft_wrap=True)

    def story(self, placed: list[Placed], runs: dict[str | None, Runs], kept: Kept) -> None:
        """The story of the order with the most to tell."""
        told = max(placed, key=lambda order: interest(order, runs[order.flow_id]))
        if told.flow_id:
            self.trace(f"The story of order {told.number}", "show", told.flow_id, kept.logs)

    def audit(self, kept: Kept) -> None:
        """What is missing in the logs; no grace is due, since all services have ended."""
        self.trace("The audit", "audit", "--grace", "0s", "--graph", kept.graph, kept.logs)

    def ledger(self, parcels: dict[str, list[str]]) -> None:
        """What the carrier has booked."""
        count = sum(map(len, parcels.values()))
        text = f"The carrier's ledger: {count} parcels for {len(parcels)} orders"
        self.console.print(Text(f"\n{text}", style="bold"))

    def page(self, kept: Kept) -> None:
        """All operations on a page for a browser."""
        self.trace("The page", "html", "-o", kept.page, kept.logs)
        self.console.print(Text(f"  {kept.page.resolve().as_uri()}"), soft_wrap=True)

    def trace(self, title: str, *words: str | Path) -> None:
        """A command of ``headrace trace``, and what it prints."""
        command = ["headrace", "trace", *map(str, words)]
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-m", *command],
            env=os.environ | {"PYTHONIOENCODING": "utf-8"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            check=False,
        )
        self.console.print(Text(f"\n{title}", style="bold"))
        for line in (f"$ {shlex.join(command)}", *done.stdout.splitlines()):
            self.console.print(Text(f"  {line}"), soft_wrap=True)


def interest(order: Placed, runs: Runs) -> tuple[bool, bool, int]:
    """How much an order has to tell: best a good end after a loss, then the most runs."""
    return order.status == "shipped", order.kill_worker, runs.count


def order_row(order: Placed, runs: Runs) -> list[Text]:
    """One order as a row, from what its customer knows and what its log lines tell."""
    detail = plain(order.detail)
    if order.kill_worker and order.accepted:
        detail.append(", worker killed", style="magenta")
    return [
        plain(order.number),
        Text(order.status, style=COLOURS.get(order.status, "red")),
        detail,
        Text(str(runs.count) if runs.count else ""),
        Text("" if runs.queue_ms is None else f"{runs.queue_ms:.0f}"),
        Text(order.flow_id or ""),
    ]


def plain(text: str, style: str = "") -> Text:
    """Text from outside, which must not move the cursor or ring the bell."""
    return Text("".join(char if char.isprintable() else "?" for char in text), style=style)
