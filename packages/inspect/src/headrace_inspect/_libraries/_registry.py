"""Where the models of libraries are entered: what a call of their functions runs and gives."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from headrace_inspect._names._values import Arguments, Method, Value

if TYPE_CHECKING:
    from headrace_inspect._running._engine import Engine
    from headrace_inspect._running._frame import Frame

Model = Callable[["Frame", Arguments, ast.AST, Any], Value]
DecoratorModel = Callable[["Frame", Any, Value, ast.AST], Value]

functions: dict[str, Model] = {}
methods: dict[tuple[type, str], Model] = {}
decorators: dict[str, DecoratorModel] = {}
decorator_types: dict[type, DecoratorModel] = {}


def function(*names: str) -> Callable[[Model], Model]:
    """Enter a model of functions, by their dotted names; ``()`` stands for a call."""

    def enter(model: Model) -> Model:
        functions.update(dict.fromkeys(names, model))
        return model

    return enter


def method(owner: type[Value], *names: str) -> Callable[[Model], Model]:
    """Enter a model of the methods `names` of values of the type `owner`."""

    def enter(model: Model) -> Model:
        methods.update({(owner, name): model for name in names})
        return model

    return enter


def decorator(*names: str) -> Callable[[DecoratorModel], DecoratorModel]:
    """Enter a model of decorators, by their dotted names."""

    def enter(model: DecoratorModel) -> DecoratorModel:
        decorators.update(dict.fromkeys(names, model))
        return model

    return enter


def decorator_type(*types: type[Value]) -> Callable[[DecoratorModel], DecoratorModel]:
    """Enter a model of the decorators that are values of one of `types`."""

    def enter(model: DecoratorModel) -> DecoratorModel:
        decorator_types.update(dict.fromkeys(types, model))
        return model

    return enter


FunctionFinder = Callable[[str], Model | None]
function_finders: list[FunctionFinder] = []


def function_finder(find: FunctionFinder) -> FunctionFinder:
    """Enter a function that finds the model of a library's function by its name."""
    function_finders.append(find)
    return find


Finder = Callable[["Engine", Method], Model | None]
finders: list[Finder] = []


def finder(find: Finder) -> Finder:
    """Enter a function that finds the model of a method by more than its owner's type."""
    finders.append(find)
    return find
