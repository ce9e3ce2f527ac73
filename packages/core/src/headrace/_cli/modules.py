"""Importing the modules that declare flows."""

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

    What they print goes to standard error; standard output is for the drawing.

    Args:
        names: in the form that servers accept: ``shop``, ``shop.flows`` or ``shop:app``.
        folders: put in front of Python's module search path.

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
    """Import what the frameworks in this process would import themselves, such as task modules.

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
        said = f"{type(error).__name__}: {error}".rstrip(": ")
        hint = _hint(error, folders)
        raise CommandError(f"cannot {what}: {said}{_where(error)}{hint}") from error


def _where(error: BaseException) -> str:
    """Return the place in the user's code where the import failed."""
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith("<frozen") and frame.filename != __file__
    ]
    own = [frame for frame in frames if "importlib" not in frame.filename]
    return f" (at {short_path(own[-1].filename)}:{own[-1].lineno})" if own else ""


def _hint(error: BaseException, folders: list[Path]) -> str:
    """Return what to do about a module in ``src``, where Python does not look."""
    if not isinstance(error, ModuleNotFoundError) or not error.name:
        return ""
    name = error.name.partition(".")[0]
    for folder in folders:
        for path in (folder / "src" / name, folder / "src" / f"{name}.py"):
            if path.exists():
                source = os.path.relpath(path.parent)
                found = os.path.join(source, path.name)
                return f"; there is {found}: install the project, or set PYTHONPATH={source}"
    return ""
