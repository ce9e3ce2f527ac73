"""The tables of options in docs/reference/options.md, made from signatures and docstrings.

``python -m tests.repository.option_tables`` writes the page again.
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import re
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "options.md"
BEGIN, END = "<!-- tables: begin -->\n", "<!-- tables: end -->\n"
MODULES = (
    "headrace",
    "headrace.asgi",
    "headrace.wsgi",
    "headrace.backends",
    "headrace.logging",
    "headrace.structlog",
    "headrace.loguru",
    "headrace.clients",
    "headrace.testing",
    "headrace_fastapi",
    "headrace_flask",
    "headrace_celery",
    "headrace_dbos",
    "headrace_inspect",
    "headrace_trace",
)
METHODS = {"Chain": ("next", "parallel", "put"), "Flow": ("entrypoint", "step", "open")}
_ENTRY = re.compile(r"^    (\w+): (.*)$")


def tables() -> str:
    """Return all tables: those of the web integrations, then one for each public callable."""
    from headrace.integration import HttpOptions

    parts = ["## Web integrations\n", _table(HttpOptions)]
    for module_name in MODULES:
        module = importlib.import_module(module_name)
        rows = [_table_of_name(module, name) for name in module.__all__]
        if any(rows):
            parts += [f"## {module_name}\n", *filter(None, rows)]
    return "\n".join(parts)


def _table_of_name(module: Any, name: str) -> str:
    value = getattr(module, name)
    if not callable(value) or _is_record(value):
        return ""
    found = {name: value}
    found |= {f"{name}.{each}": getattr(value, each) for each in METHODS.get(name, ())}
    shown = {title: _table(each) for title, each in found.items()}
    return "\n".join(f"### {title}\n\n{table}" for title, table in shown.items() if table)


def _is_record(value: Any) -> bool:
    """Tell whether `value` is made by headrace, not called with options."""
    is_class = inspect.isclass(value)
    return dataclasses.is_dataclass(value) or (is_class and issubclass(value, Exception | tuple))


def _table(value: Any) -> str:
    """Return the table of a callable; an empty string if none of its parameters is documented."""
    try:
        parameters = inspect.signature(value).parameters
    except (TypeError, ValueError):
        return ""
    meanings = _meanings(value)
    if not any(each.default is not each.empty for each in parameters.values()):
        return ""
    rows = [
        f"| `{each.name}` | {_type(each)} | {_default(each)} | {meanings[each.name]} |"
        for each in parameters.values()
        if each.name in meanings and each.name != "misspelt"
    ]
    head = ["| name | type | default | meaning |", "| --- | --- | --- | --- |"]
    return "\n".join([*head, *rows, ""]) if rows else ""


def _meanings(value: Any) -> dict[str, str]:
    """Return the text of each parameter in the docstring."""
    found: dict[str, str] = {}
    inside = name = ""
    for line in (inspect.getdoc(value) or "").splitlines():
        if re.match(r"\w+:$", line):
            inside, name = line, ""
        elif inside in {"Args:", "Attributes:"} and (entry := _ENTRY.match(line)):
            name = entry[1]
            found[name] = entry[2]
        elif inside and line.startswith("        ") and name:
            found[name] += " " + line.strip()
    return {name: _markdown(text) for name, text in found.items()}


def _markdown(text: str) -> str:
    return text.replace("``", "`").replace("|", r"\|").rstrip(".")


def _type(parameter: inspect.Parameter) -> str:
    annotation = parameter.annotation
    if annotation is parameter.empty:
        return ""
    text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    text = re.sub(r"(?:\w+\.)+(\w+)", r"\1", text).replace(" | Configured", "")
    escaped = text.replace("|", r"\|")
    return f"`{escaped}`"


def _default(parameter: inspect.Parameter) -> str:
    default = parameter.default
    if parameter.kind is parameter.VAR_KEYWORD:
        return "none given"
    if default is parameter.empty:
        return "required"
    if repr(default).startswith("<the "):
        return repr(default).strip("<>")
    text = re.sub(r"<class '(?:\w+\.)*(\w+)'>", r"\1", repr(default))
    return f"`{text}`"


def page() -> str:
    """Return the page with the tables of the code at hand."""
    before, rest = PAGE.read_text("utf-8").split(BEGIN)
    return f"{before}{BEGIN}\n{tables()}\n{END}{rest.split(END)[1]}"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
