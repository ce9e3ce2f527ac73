"""Imports of the modules that declare flows."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from contextlib import redirect_stdout
from functools import partial
from importlib import import_module
from pathlib import Path

from headrace._drawing import short_path
from headrace._flows.discovery import discover

from .errors import CommandError


def import_modules(names: list[str], folders: list[Path]) -> None:
    """Import the modules `names`, which may also be in `folders`.

    Their output goes to standard error, since standard output is for the drawing.

    Args:
        names: the modules, in the form that servers accept: ``shop``, ``shop.flows`` or
            ``shop:app``.
        folders: the folders to insert at the start of Python's module search path.

    Raises:
        CommandError: a module cannot be imported.
    """
    for folder in map(str, folders):
        if folder not in sys.path:
            sys.path.insert(0, folder)
    for name in names:
        module = name.partition(":")[0]
        if "/" in module or "\\" in module or module.endswith(".py"):
            dotted = module.removesuffix(".py").replace("\\", ".").replace("/", ".").strip(".")
            raise CommandError(f"{name!r} is a path; name the module, as in --app {dotted}")
        _run(f"import {module!r}", partial(import_module, module), folders)
    discover_modules(folders)


def discover_modules(folders: list[Path]) -> None:
    """Import the modules that the frameworks in this process import themselves, such as tasks.

    Args:
        folders: the folders of the user's modules.

    Raises:
        CommandError: a module cannot be imported.
    """
    _run("import the task modules", discover, folders)


def _run(what: str, call: Callable[[], object], folders: list[Path]) -> None:
    try:
        with redirect_stdout(sys.stderr):
            call()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # including a script that ends with sys.exit()
        reason = f"{type(error).__name__}: {error}".rstrip(": ")
        hint = _hint(error, folders)
        raise CommandError(f"cannot {what}: {reason}{_where(error)}{hint}") from error


def _where(error: BaseException) -> str:
    """Return the location in the user's code at which the import failed."""
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith("<frozen") and frame.filename != __file__
    ]
    own = [frame for frame in frames if "importlib" not in frame.filename]
    return f" (at {short_path(own[-1].filename)}:{own[-1].lineno})" if own else ""


def _hint(error: BaseException, folders: list[Path]) -> str:
    """Return a hint for a module in ``src``, which Python does not search."""
    if not isinstance(error, ModuleNotFoundError) or not error.name:
        return ""
    name = error.name.partition(".")[0]
    for folder in folders:
        for path in (folder / "src" / name, folder / "src" / f"{name}.py"):
            if path.exists():
                source = os.path.relpath(path.parent)
                found = os.path.join(source, path.name)
                return f"; {found} exists: install the project, or set PYTHONPATH={source}"
    return ""
