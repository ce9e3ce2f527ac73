"""Settings of Celery that decide where and how messages go: ``task_routes``, ``task_serializer``.

They are assigned to ``app.conf``, passed to ``conf.update``, or are names of a Django settings
module, such as ``CELERY_TASK_ROUTES``. Only literal values are known.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from fnmatch import fnmatchcase

_WORDS = (b"task_routes", b"TASK_ROUTES", b"CELERY_ROUTES", b"task_serializer", b"TASK_SERIALIZER")


class Routing:
    """The queues of tasks, and how their messages are serialized.

    Args:
        trees: the syntax trees of modules.
    """

    def __init__(self, trees: Iterable[ast.Module]) -> None:
        self.serializer: str | None = None
        self._routes: dict[str, object] = {}
        for tree in trees:
            for name, value in _settings(tree):
                known: object = None
                with suppress(ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
                    known = ast.literal_eval(value)
                if name.endswith("serializer"):
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
    """Tell whether a file may have such settings."""
    return any(word in content for word in _WORDS)


def _settings(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=[ast.Name(id=name) | ast.Attribute(attr=name)], value=value):
                pass
            case ast.keyword(arg=str(name), value=value):
                pass
            case _:
                continue
        name = name.lower().removeprefix("celery_")
        if name in {"task_routes", "routes", "task_serializer"}:
            yield name, value
