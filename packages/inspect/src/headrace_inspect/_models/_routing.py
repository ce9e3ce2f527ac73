"""Celery settings about messages: ``task_routes`` and ``task_serializer``.

They are attributes of ``app.conf``, arguments of ``conf.update``, or names in a settings module of
Django, such as ``CELERY_TASK_ROUTES``. Only literals are read.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from contextlib import suppress
from fnmatch import fnmatchcase

_NAMES = ("task_routes", "celery_task_routes", "celery_routes")
_SERIALIZERS = ("task_serializer", "celery_task_serializer")


class Routing:
    """The queues and serializers of messages, as settings in `trees` assign them."""

    def __init__(self, trees: Iterable[ast.Module]) -> None:
        self.serializer: str | None = None
        self._routes: dict[str, object] = {}
        for node in [node for tree in trees for node in ast.walk(tree)]:
            match node:
                case (
                    ast.Assign(targets=[ast.Name(id=name) | ast.Attribute(attr=name)], value=value)
                    | ast.keyword(arg=str(name), value=value)
                ) if name.lower() in _NAMES + _SERIALIZERS:
                    self._read(name.lower(), value)
                case _:
                    pass

    def _read(self, name: str, value: ast.expr) -> None:
        known: object = None
        with suppress(ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            known = ast.literal_eval(value)
        if name in _SERIALIZERS:
            self.serializer = known if isinstance(known, str) else None
        elif isinstance(known, Mapping):
            self._routes.update(known)

    def queue_of(self, task: str) -> str | None:
        """Return the queue of the task with this name, or None for the default."""
        for pattern, route in self._routes.items():
            if fnmatchcase(task, str(pattern)):
                queue = route.get("queue") if isinstance(route, Mapping) else route
                return queue if isinstance(queue, str) else None
        return None


def mentions_settings(content: bytes) -> bool:
    """Return whether a file may contain such settings."""
    words = content.lower()
    return any(name.encode() in words for name in (*_NAMES, *_SERIALIZERS))
