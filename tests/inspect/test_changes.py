"""Whatever is changed in a program, a check with a cache finds what one without finds."""

from __future__ import annotations

import ast
import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from headrace_inspect._check import check
from tests.inspect.program_kit import write

PROGRAM = {
    "flows.py": """
        from headrace import flow
        orders = flow("orders")
    """,
    "tasks.py": """
        from celery import Celery
        from django.db import transaction
        from flows import orders
        app = Celery()

        @app.task
        @orders.step(after="charge")
        def mail(order): ...

        @app.task(queue="slow")
        def report(order, kind="daily"):
            mail.delay(order)

        def save(order):
            with transaction.atomic():
                order.save()
                report.delay(order)
    """,
    "gateway.py": """
        from flows import orders

        class Gateway:
            def pay(self, order):
                return self.send(order)

            def send(self, order): ...

        class Card(Gateway):
            @orders.step(after="receive")
            def charge(self, order): ...

            def send(self, order):
                self.charge(order)
    """,
    "signals.py": """
        from django.dispatch import Signal, receiver
        from tasks import mail
        paid = Signal()

        @receiver(paid)
        def on_paid(sender, order, **kwargs):
            mail.delay(order)
    """,
    "shop.py": '''
        """The shop."""
        import signals
        from flows import orders
        from gateway import Card
        from tasks import save

        @orders.entrypoint
        def receive(order):
            """Take an order."""
            twice()
            Card().pay(order)
            signals.paid.send(sender=None, order=order)  # headrace: ignore[HR201]

        @orders.step(after="receive")
        def log(order):
            save(order)

        @orders.step(name="log", after="receive")
        def twice(): ...
    ''',
}
"""Calls, an override, a signal, tasks, a transaction, and an edge that is not shown."""

Edit = Callable[[random.Random, Path], None]


def some(chance: random.Random, folder: Path) -> tuple[Path, list[str]]:
    """Return one of the files, and its lines."""
    path = chance.choice(sorted(folder.glob("*.py")))
    return path, path.read_text("utf-8").split("\n")


def insert(text: str) -> Edit:
    """Return an edit that puts a line somewhere, indented as the next one is."""

    def edit(chance: random.Random, folder: Path) -> None:
        path, lines = some(chance, folder)
        at = chance.randrange(len(lines))
        indent = lines[at][: len(lines[at]) - len(lines[at].lstrip())]
        path.write_text("\n".join([*lines[:at], indent + text, *lines[at:]]), "utf-8")

    return edit


def replace(pattern: str, by: str) -> Edit:
    """Return an edit of one place where a pattern fits."""

    def edit(chance: random.Random, folder: Path) -> None:
        path, lines = some(chance, folder)
        fitting = [number for number, line in enumerate(lines) if re.search(pattern, line)]
        if fitting:
            at = chance.choice(fitting)
            lines[at] = re.sub(pattern, by, lines[at], count=1)
            path.write_text("\n".join(lines), "utf-8")

    return edit


def reformat(chance: random.Random, folder: Path) -> None:
    """Write a file as `ast.unparse` does, without its comments."""
    path, lines = some(chance, folder)
    try:
        path.write_text(ast.unparse(ast.parse("\n".join(lines))), "utf-8")
    except SyntaxError:
        remove(chance, folder)


def add(chance: random.Random, folder: Path) -> None:
    """Add a file with a subclass, a receiver and a caller, or one that takes another's place."""
    name = chance.choice(["more", "other", "flows", "tasks", "tests_of_it"])
    (folder / f"{name}.py").write_text(
        "from gateway import Gateway, Card\nfrom signals import paid\nimport shop, tasks\n"
        "class Cash(Card):\n    def send(self, order):\n        tasks.mail(order)\n"
        "def pay(order):\n    Cash().pay(order)\n    shop.receive(order)\n"
        "paid.connect(pay)\n",
        "utf-8",
    )


def remove(chance: random.Random, folder: Path) -> None:
    """Remove a file, unless it is the last."""
    path, _ = some(chance, folder)
    if len([*folder.glob("*.py")]) > 1:
        path.unlink()


LAYOUT: list[Edit] = [
    insert("# a comment"), insert(""), replace(r'"""(.*)\."""', r'"""\1, and more."""'),
    replace(r"\((\w+)\)$", r"(\n    \1\n)"), replace(r" = ", "  =  "), reformat,
]  # fmt: skip
EDITS: list[Edit] = [
    *LAYOUT, add, remove, insert("pass"), insert("return"), insert("tasks.mail(1)"),
    insert("from shop import *"), insert("signals.paid.disconnect(on_paid)"),
    insert("# task_routes"), insert("# headrace: ignore[HR110]"), insert("def send(self): ..."),
    replace(r"def (\w+)", r"def new_\1"), replace(r"new_", ""), replace(r"@receiver\(paid\)", ""),
    replace(r"class (\w+)\(.*\)", r"class \1"), replace(r"\bpay\b", "send"), replace(r".+", ""),
    replace(r'after="\w+"', 'after="mail"'), replace(r"\.delay", ""), replace(r"mail", "report"),
]  # fmt: skip


@pytest.mark.unmeasured
@pytest.mark.parametrize("seed", range(12))
def test_cache_never_shows_in_the_report(tmp_path: Path, seed: int) -> None:
    """After each of many random edits, a check with the cache and one without are the same."""
    chance = random.Random(seed)
    folder = write(tmp_path / "program", PROGRAM)
    for _ in range(12):
        warm = check([str(folder)], cache=tmp_path / "cache", require_shown=True)
        assert warm == check([str(folder)], require_shown=True)
        for _ in range(chance.choice([1, 1, 1, 4])):
            chance.choice(LAYOUT if chance.random() < 0.5 else EDITS)(chance, folder)


def test_what_is_missing_is_no_layout(tmp_path: Path) -> None:
    """A path that is gone is reported, though in the other files only lines have moved."""
    folder, other = write(tmp_path / "program", PROGRAM), tmp_path / "other"
    other.mkdir()
    paths = [str(folder), str(other)]
    check(paths, cache=tmp_path / "cache")
    other.rmdir()
    insert("# a comment")(random.Random(1), folder)

    assert check(paths, cache=tmp_path / "cache") == check(paths)
