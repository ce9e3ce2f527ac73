"""The layers of the analyser: each imports only what is below it, and nothing in a circle."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import headrace_inspect

SOURCE = Path(headrace_inspect.__file__).parent
LAYERS = (
    "_symbols",
    "_evaluate",
    "_models",
    "_declarations",
    "_shown",
    "_findings",
    "_hazards",
    "_pipeline",
)
BELOW = ("_sources", "_git", "_report", "_explain")
"""Modules that every layer may import."""


def _imports(path: Path) -> set[str]:
    """Return the modules of the package that `path` imports at run time, as paths in it."""
    tree = ast.parse(path.read_text("utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING":
            node.body.clear()
    found: set[str] = set()
    for node in ast.walk(tree):
        if not isinstance(node, ast.ImportFrom):
            continue
        folder = path.parent if node.level == 1 else SOURCE
        module = node.module or ""
        if node.level or module.startswith("headrace_inspect"):
            inner = module.removeprefix("headrace_inspect").strip(".").replace(".", "/")
            target = folder / inner
            names = [target / alias.name for alias in node.names]
            modules = [one for one in names if one.with_suffix(".py").exists()] or [target]
            found |= {_name(one) for one in modules}
    return found


def _name(path: Path) -> str:
    return str(path.relative_to(SOURCE)).removesuffix(".py").removesuffix("/__init__")


def _modules() -> dict[str, set[str]]:
    paths = [SOURCE / "_declarations.py", SOURCE / "_pipeline.py"]
    for layer in LAYERS[:-1]:
        paths += sorted((SOURCE / layer).glob("*.py"))
    return {_name(path): _imports(path) for path in paths}


def test_each_layer_imports_what_is_below() -> None:
    """A module imports from its own layer, from those below it, or what has no layer."""
    for module, imports in _modules().items():
        own = LAYERS.index(module.split("/")[0])
        for imported in imports:
            if imported.startswith(BELOW):
                continue
            assert LAYERS.index(imported.split("/")[0]) <= own, (module, imported)


def test_nothing_is_imported_in_a_circle() -> None:
    """The modules can be put into an order in which each imports only earlier ones."""
    assert list(TopologicalSorter(_modules()).static_order())


def test_only_models_name_a_framework() -> None:
    """What runs bodies knows no library: that is for the models."""
    for path in [*(SOURCE / "_evaluate").glob("*.py"), *(SOURCE / "_symbols").glob("*.py")]:
        text = path.read_text("utf-8").lower()
        for name in ("celery", "django", "fastapi", "flask", "starlette"):
            assert name not in text, (path.name, name)


def test_public_names_are_listed_and_imported_when_asked_for() -> None:
    """Documentation and completion see all public names, and no others."""
    assert dir(headrace_inspect) == sorted(headrace_inspect.__all__)
    assert all(getattr(headrace_inspect, name) is not None for name in headrace_inspect.__all__)
    assert not hasattr(headrace_inspect, "Verdict")
