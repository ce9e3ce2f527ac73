"""What is known of libraries: one module per framework."""

from __future__ import annotations

from headrace_inspect._evaluate._registry import Registry

from . import _celery, _concurrency, _django, _headrace, _http, _queues, _routes, _stdlib

_MODELS = (_stdlib, _concurrency, _headrace, _celery, _queues, _django, _routes, _http)


def known_libraries() -> Registry:
    """Return what the models know."""
    registry = Registry()
    for model in _MODELS:
        model.register(registry)
    return registry
