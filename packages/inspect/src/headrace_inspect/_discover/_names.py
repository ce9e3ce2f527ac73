"""Whole names: of modules, and of the paths of Django's routes."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from os import path as paths

from headrace_inspect._symbols._entities import Module
from headrace_inspect._symbols._program import Program

_DEEPEST = 8
_PARAMETER = re.compile(r"\(\?P<(\w+)>[^()]*(?:\([^()]*\)[^()]*)*\)|<(?:\w+:)?(\w+)>")


class ModuleNames:
    """Names modules from the outermost package that they are in, whatever lies between."""

    def __init__(self, files: Iterable[str]) -> None:
        self._packages = {paths.dirname(file) for file in files if file.endswith("/__init__.py")}

    def of(self, module: Module) -> str:
        """Return the dotted name of a module."""
        folder = top = paths.dirname(module.path)
        for _ in range(_DEEPEST):
            top = paths.dirname(folder) if folder in self._packages else top
            folder = paths.dirname(folder)
        parts = paths.relpath(module.path, top).removesuffix(".py").split("/")
        return ".".join(parts[:-1] if parts[-1] == "__init__" and parts[1:] else parts)


class UrlPaths:
    """Knows which module of URLs includes which, and under which path: that of both as literals."""

    def __init__(self, program: Program, modules: Iterable[Module]) -> None:
        self._above: dict[str, tuple[Module, str]] = {}
        for module in [one for one in modules if "urls" in one.path or "rout" in one.path]:
            for node in ast.walk(module.tree):
                match node:
                    case ast.Call(args=[
                        ast.Constant(value=str(prefix)),
                        ast.Call(func=ast.Name(id="include"), args=[ast.Constant(value=str(name))]),
                        *_,
                    ]):  # fmt: skip
                        found = program.find(name, 0, module)
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
