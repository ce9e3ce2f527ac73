"""Django's own source with flows sprinkled in: a large program for `headrace check`.

``python -m benchmarks.sprinkle FOLDER`` writes it. A block of steps that call each other stands at
the end of every few modules, and some functions of Django itself become steps where they stand.
"""

from __future__ import annotations

import ast
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path
from textwrap import dedent

LINES = 150_000
EVERY_MODULE = 8
"""A block of steps stands in every eighth module."""
EVERY_FUNCTION = 60
"""Every sixtieth function of a module's own becomes a step."""
_LONG_ENOUGH = 40

_BLOCK = """

from headrace import entrypoint, flow, step
from sprinkled_helpers import in_order

orders_{n} = flow("orders_{n}")


@orders_{n}.entrypoint
def receive_{n}(request):
    validate_{n}(request)
    total = price_{n}(request)
    return in_order(charge_{n}, ship_{n}, total)


@orders_{n}.step(after=receive_{n})
def validate_{n}(request):
    if not request:
        raise ValueError(request)


@orders_{n}.step(after="validate_{n}")
def price_{n}(request):
    return sum(line.price for line in request)


@orders_{n}.step(after=price_{n})
def charge_{n}(total):
    return total


@orders_{n}.step(after=charge_{n})
def ship_{n}(total):
    _registered_{n}[total](total)


@orders_{n}.step(after=ship_{n})
def tell_{n}(total):
    return total


@orders_{n}.step(after="tel_{n}")
def forgotten_{n}(total):
    return total


_registered_{n} = {{0: tell_{n}}}


@flow("returns_{n}")
class Returns{n}:
    @entrypoint
    def accept(self, parcel):
        self.inspect(parcel)
        self.refund(parcel)

    @step(after="accept")
    def inspect(self, parcel):
        return parcel

    @step(after="refund")
    def restock(self, parcel):
        return parcel

    @step(after="inspect")
    def refund(self, parcel):
        receive_{previous}(parcel)
        self.restock(parcel)
"""

_HELPERS = dedent("""
    def in_order(first, second, argument):
        return second(first(argument))
""")


def sprinkle(folder: Path) -> int:
    """Write at least `LINES` lines into `folder`, and return how many there are."""
    source = _folder_of("django")
    shutil.rmtree(folder, ignore_errors=True)
    ignored = shutil.ignore_patterns("__pycache__", "*.mo", "*.po", "*.js", "*.css", "*.svg")
    shutil.copytree(source, folder / "django", ignore=ignored)
    (folder / "sprinkled_helpers.py").write_text(_HELPERS, "utf-8")
    copy = 0
    while (lines := _count(folder)) < LINES:  # a Django of fewer lines
        copy += 1
        shutil.copytree(source / "contrib", folder / f"more_{copy}", ignore=ignored)
    _add_flows(folder)
    return max(lines, _count(folder))


def _folder_of(package: str) -> Path:
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise LookupError(f"{package} is not installed")
    return Path(spec.origin).parent


def _count(folder: Path) -> int:
    return sum(path.read_bytes().count(b"\n") for path in folder.rglob("*.py"))


def _add_flows(folder: Path) -> None:
    seen = 0
    modules = [path for path in sorted(folder.rglob("*.py")) if _is_long_enough(path)]
    for number, path in enumerate(modules):
        text = path.read_text("utf-8")
        text, seen = _decorate(text, seen)
        if number % EVERY_MODULE == 0:
            previous = max(number - EVERY_MODULE, 0)
            text += _BLOCK.format(n=number, previous=previous)
        path.write_text(text, "utf-8")


def _is_long_enough(path: Path) -> bool:
    return path.read_bytes().count(b"\n") >= _LONG_ENOUGH


def _decorate(text: str, seen: int) -> tuple[str, int]:
    """Make every sixtieth function a step of the flow ``django``, each after the one before."""
    lines = text.splitlines(keepends=True)
    added: list[tuple[int, str]] = []
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef) and not node.decorator_list:
            seen += 1
            if seen % EVERY_FUNCTION == 0:
                number = seen // EVERY_FUNCTION
                how = f'step("django", after="step_{number - 1}", name="step_{number}")'
                if number == 1:
                    how = 'entrypoint("django", name="step_1")'
                added.append((node.lineno - 1, f"@headrace.{how}\n"))
    for line, decorator in reversed(added):
        lines.insert(line, decorator)
    if added:
        position = _first_statement(text)
        lines.insert(position, "import headrace\n")
    return "".join(lines), seen


def _first_statement(text: str) -> int:
    """Return how many lines stand before the first statement that is no docstring."""
    body = ast.parse(text).body
    for node in body:
        is_docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        is_future = isinstance(node, ast.ImportFrom) and node.module == "__future__"
        if not is_docstring and not is_future:
            return (
                min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", []))]) - 1
            )
    return 0


if __name__ == "__main__":
    print(f"{sprinkle(Path(sys.argv[1])):,} lines")
