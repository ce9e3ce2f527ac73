"""What the demo prints."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console, Group
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from check import PROCESSES, by_id, losses, runs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from check import Findings, Line
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

PAGE = Path(__file__).resolve().parents[2] / "build" / "shop.html"

SHOWN = 20
"""How many findings of one kind are printed."""


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

    def story(self, placed: list[Placed], lines: list[Line], run: Path) -> None:
        """The story of one order, of the one with the most to tell, by ``headrace trace``."""
        groups = by_id(lines)
        told = max(placed, key=lambda order: interest(order, groups[order.flow_id]))
        if told.flow_id:
            title = f"The story of order {told.number}, ID {told.flow_id}"
            self.trace(title, "show", told.flow_id, run)

    def audit(self, run: Path) -> None:
        """What is missing in the logs, by ``headrace trace``."""
        self.trace("The audit", "audit", "--grace", "0s", run)  # all services have ended

    def page(self, run: Path) -> None:
        """All operations on a page for a browser, by ``headrace trace``, which outlives the run."""
        PAGE.parent.mkdir(exist_ok=True)
        self.trace("The page", "html", "-o", PAGE, run)
        self.console.print(Text(f"  {PAGE.as_uri()}"), soft_wrap=True)

    def trace(self, title: str, *words: str | Path) -> None:
        """What ``headrace trace`` tells of the logs of the run."""
        *command, run = words
        done = subprocess.run(  # noqa: S603
            [
                sys.executable,
                "-m",
                "headrace",
                "trace",
                *command,
                *sorted(Path(run).glob("*.jsonl")),
            ],
            env=os.environ | {"PYTHONIOENCODING": "utf-8"},
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        body = (done.stdout or done.stderr).replace(f"{run}{os.sep}", "")
        self.console.print(Text(f"\n{title}", style="bold"))
        for line in body.splitlines():
            self.console.print(Text(f"  {line}"), soft_wrap=True)

    def orders(self, placed: list[Placed], lines: list[Line]) -> None:
        """All orders with outcome, time in the queue before the first run, and ID."""
        groups = by_id(lines)
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
        table.add_column("order")
        table.add_column("outcome")
        table.add_column("")
        table.add_column("queue ms", justify="right", style="dim")
        table.add_column("ID", no_wrap=True)
        for order in placed:
            table.add_row(*order_row(order, groups[order.flow_id]))
        tally = Counter(order.status for order in placed)
        counts = ", ".join(f"{count} {status}" for status, count in tally.most_common())
        self.section(f"{len(placed)} orders: {counts}", table)

    def flow(self, mermaid: str) -> None:
        """The flow as it was declared, ready to be pasted into any Markdown."""
        self.console.print(Text("\nThe flow, as declared in the code", style="bold"))
        for line in ("```mermaid", *mermaid.splitlines(), "```"):
            self.console.print(Text(f"  {line}"), soft_wrap=True)

    def findings(self, findings: Findings, lines: list[Line]) -> None:
        """What was checked, and what was found."""
        counts = Counter(line["service"] for line in lines if line["flow_id"] != "-")
        each = ", ".join(f"{name} {counts[name]}" for name in PROCESSES)
        body = [Text(f"{counts.total()} log lines with an ID: {each}")]
        for claim, wrong in findings.items():
            style, word = ("bold red", "FAILED") if wrong else ("green", "ok    ")
            body.append(Text.assemble((word, style), " ", claim))
            body += [Text(f"       {finding}", style="red") for finding in wrong[:SHOWN]]
            if len(wrong) > SHOWN:
                body.append(Text(f"       and {len(wrong) - SHOWN} more", style="red"))
        self.section("The check", *body)


def interest(order: Placed, lines: list[Line]) -> tuple[bool, int, int]:
    """How much an order has to tell: best a good end after a loss, then the most lines."""
    return order.status == "shipped", len(losses(lines)), len(lines)


def order_row(order: Placed, lines: list[Line]) -> list[Text]:
    """One order as a row, from what its customer knows and what its log lines tell."""
    ran, lost = runs(lines), len(losses(lines))
    detail = plain(order.detail)
    if lost:
        detail.append(f", worker killed, {lost + 1} deliveries", style="magenta")
    return [
        plain(order.number),
        Text(order.status, style=COLOURS.get(order.status, "red")),
        detail,
        Text(f"{ran[0]['queue_ms']:.0f}" if ran and "queue_ms" in ran[0] else ""),
        Text(order.flow_id or ""),
    ]


def plain(text: str, style: str = "") -> Text:
    """Text from outside, which must not move the cursor or ring the bell."""
    return Text("".join(char if char.isprintable() else "?" for char in text), style=style)
