"""Whole names: of modules, and of the paths of routes."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from os import path as paths

from headrace_inspect._evaluate._engine import Engine
from headrace_inspect._evaluate._values import text_of
from headrace_inspect._symbols._entities import Module

_DEEPEST = 8
_PARAMETER = re.compile(r"\(\?P<(\w+)>[^()]*(?:\([^()]*\)[^()]*)*\)|<(?:\w+:)?(\w+)>")


class ModuleNames:
    """Names modules from the outermost package that they are in, whatever lies between."""

    def __init__(self, files: Iterable[str]) -> None:
        self._packages = {paths.dirname(file) for file in files if file.endswith("/__init__.py")}

    def of(self, module: Module) -> str:
        """Return the dotted name of a module."""
        folder = paths.dirname(module.path)
        top = folder
        for _ in range(_DEEPEST):
            if folder in self._packages:
                top = paths.dirname(folder)
            folder = paths.dirname(folder)
        parts = paths.relpath(module.path, top).removesuffix(".py").split("/")
        return ".".join(parts[:-1] if parts[-1] == "__init__" and parts[1:] else parts)


class Paths:
    """Knows which file of Django's URLs includes which, and under which path."""

    def __init__(self, engine: Engine) -> None:
        self._above: dict[str, tuple[Module, str]] = {}
        for path in engine.program.files:
            module = engine.program.module(path) if "urls" in path or "rout" in path else None
            if module is not None:
                self._read(engine, module)

    def _read(self, engine: Engine, module: Module) -> None:
        for node in ast.walk(module.tree):
            match node:
                case ast.Call(args=[ast.Constant(value=str(prefix)), ast.Call() as inner, *_]):
                    if getattr(inner.func, "id", "") == "include" and inner.args:
                        quiet = engine.quiet(module)
                        name = text_of(engine.evaluate(quiet, inner.args[0]))
                        found = engine.program.find(name, 0, module) if name else None
                        if isinstance(found, Module):
                            self._above.setdefault(found.path, (module, prefix))
                case _:
                    pass

    def of(self, module: Module, path: str) -> str:
        """Return the path under which what `module` routes is found, readable."""
        for _ in range(_DEEPEST):
            if module.path not in self._above:
                break
            module, prefix = self._above[module.path]
            path = prefix.rstrip("$") + path.lstrip("^")
        path = _PARAMETER.sub(lambda found: f"{{{found[1] or found[2]}}}", path)
        return "/" + re.sub(r"[\\^$?]", "", path).strip("/")
