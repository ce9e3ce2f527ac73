"""What known libraries do with the functions they are given. The rest is in `_calls`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace_inspect._names._values import External, Method, Value

from . import (  # noqa: F401 - each enters its models on import
    _asyncio,
    _builtins,
    _celery_canvas,
    _celery_tasks,
    _chains,
    _collections,
    _declaring,
    _dependencies,
    _django_commands,
    _django_models,
    _django_relations,
    _django_signals,
    _executors,
    _functools,
    _handing_over,
    _http,
    _routes,
)
from ._registry import (
    DecoratorModel,
    Model,
    decorator_types,
    decorators,
    finders,
    function_finders,
    functions,
    methods,
)

if TYPE_CHECKING:
    from headrace_inspect._running._engine import Engine

# Whatever stands under these names in the source, an import means the library.
_TOPS = frozenset([
    "headrace",
    "headrace_celery",
    "headrace_django",
    "headrace_fastapi",
    "headrace_flask",
])


def is_known_library(dotted: str) -> bool:
    """Tell whether the module `dotted` is never looked for in the source."""
    return dotted.partition(".")[0] in _TOPS


def model_of(name: str) -> Model | None:
    """Return the model of a library's function, or None."""
    model = functions.get(name)
    if model is not None:
        return model
    for find in function_finders:
        model = find(name)
        if model is not None:
            return model
    return None


def method_model_of(engine: Engine, value: Method) -> Model | None:
    """Return the model of a method, or None."""
    model = methods.get((type(value.owner), value.name))
    if model is not None:
        return model
    for find in finders:
        model = find(engine, value)
        if model is not None:
            return model
    return None


def decorator_model_of(value: Value) -> DecoratorModel | None:
    """Return the model of a decorator, or None."""
    if isinstance(value, External):
        return decorators.get(value.name)
    return decorator_types.get(type(value))
