"""Run every subject and print the tables; ``--store`` writes them into the docs."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "comparison.md"
BEGIN, END = "<!-- tables: begin -->", "<!-- tables: end -->"
FRAMEWORKS = {
    "Starlette and FastAPI": (
        "subjects_asgi",
        ["headrace", "asgi-correlation-id", "starlette-context"],
    ),
    "Django": ("subjects_django", ["headrace", "django-guid", "django-structlog"]),
}


def main(arguments: list[str]) -> int:
    """Print the tables, or as a child process one subject's answers."""
    if len(arguments) == 2:
        module = import_module(f"{__package__}.{arguments[0]}")
        trial = module.Trial(module.LIBRARIES[arguments[1]]())
        print(json.dumps(trial.answers()))
        return 0
    tables = "\n\n".join(_table(title, *each) for title, each in FRAMEWORKS.items())
    print(tables)
    if arguments == ["--store"]:
        text = PAGE.read_text("utf-8")
        before, _, rest = text.partition(BEGIN)
        after = rest.partition(END)[2]
        PAGE.write_text(f"{before}{BEGIN}\n\n{tables}\n\n{END}{after}", "utf-8")
    return 0


def _table(title: str, module: str, names: list[str]) -> str:
    answers = {name: _answers(module, name) for name in names}
    heads = [f"{name} {version(name)}" for name in names]
    lines = [f"## {title}", "", f"| | {' | '.join(heads)} |", "| --- |" + " --- |" * len(names)]
    for question in answers["headrace"]:
        cells = ["yes" if answers[name][question] else "no" for name in names]
        lines.append(f"| {question} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _answers(module: str, name: str) -> dict[str, bool]:
    command = [sys.executable, "-m", "benchmarks.comparison", module, name]
    ran = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    answers: dict[str, bool] = json.loads(ran.stdout.splitlines()[-1])
    return answers


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
