"""Callables registered with Django: the views of URL patterns, and management commands."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Iterable, Iterator
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.core.signals import request_started
from django.urls import get_resolver

from headrace.integration import Registration, report_undecorated

_UID = "headrace.undecorated"


def registrations() -> Iterator[Registration]:
    """Yield the callables of the root URL configuration and of all imported commands."""
    yield from _of_commands(BaseCommand)
    if getattr(settings, "ROOT_URLCONF", None):
        yield from _of_patterns(get_resolver().url_patterns)


def report_at_first_request() -> None:
    """Check the project's views on the first request, because servers run no system checks."""
    request_started.connect(_on_request_started, weak=False, dispatch_uid=_UID)


def _on_request_started(**_: Any) -> None:
    request_started.disconnect(dispatch_uid=_UID)
    try:
        found = [*registrations()]
    except Exception:  # a broken URL configuration, which makes the request itself fail
        return
    report_undecorated(found)


def _of_patterns(patterns: Iterable[Any]) -> Iterator[Registration]:
    for pattern in patterns:
        nested = getattr(pattern, "url_patterns", None)
        if nested is not None:
            yield from _of_patterns(nested)
            continue
        for function in _functions_of(pattern.callback):
            yield Registration(
                f"URL pattern {str(pattern.pattern)!r}", function, "the other decorators"
            )


def _functions_of(callback: Any) -> Iterator[Any]:
    yield callback
    cls = getattr(callback, "view_class", None) or getattr(callback, "cls", None)
    if cls is not None:
        yield cls
        # Django REST framework: the methods of a view set, and the functions in `@api_view`.
        for name in (getattr(callback, "actions", None) or {}).values():
            yield inspect.getattr_static(cls, name, None)
        for name in getattr(cls, "http_method_names", ()):
            yield from _closure_of(inspect.getattr_static(cls, name, None), "rest_framework.")
    # Django Ninja: a path view holds the functions of its operations.
    for holder in (getattr(callback, "__self__", None), *_closure_of(callback, "ninja.")):
        for operation in getattr(holder, "operations", ()):
            yield operation.view_func


def _closure_of(function: Any, library: str) -> Iterator[Any]:
    """Yield the objects in the closure of `function`, if it belongs to `library`."""
    if (getattr(function, "__module__", None) or "").startswith(library):
        for cell in getattr(function, "__closure__", None) or ():
            with contextlib.suppress(ValueError):  # the cell is empty
                yield cell.cell_contents


def _of_commands(cls: type[BaseCommand]) -> Iterator[Registration]:
    for command in cls.__subclasses__():
        name = command.__module__.rpartition(".")[2]
        yield Registration(f"management command {name!r}", command, "the other decorators")
        yield from _of_commands(command)
