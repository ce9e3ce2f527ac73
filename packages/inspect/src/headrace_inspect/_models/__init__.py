"""Models of libraries, one module per framework."""

from __future__ import annotations

from headrace_inspect._evaluate._registry import Registry

from . import _celery, _headrace, _orm, _routes, _signals, _stdlib, _tasks, _views

_MODELS = (_stdlib, _headrace, _tasks, _celery, _signals, _orm, _views, _routes)


def known_libraries() -> Registry:
    """Return the registry of all models."""
    registry = Registry()
    for model in _MODELS:
        model.register(registry)
    return registry
