"""Models of libraries, one module per framework."""

from __future__ import annotations

from headrace_inspect._evaluate._registry import Registry

from . import _celery, _django, _headrace, _http, _routes, _sqlalchemy, _stdlib, _tasks, _views

_MODELS = (_stdlib, _headrace, _tasks, _celery, _django, _sqlalchemy, _views, _routes, _http)


def known_libraries() -> Registry:
    """Return the registry of all models."""
    registry = Registry()
    for model in _MODELS:
        model.register(registry)
    return registry
