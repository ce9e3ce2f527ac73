"""Celery's message settings: ``task_routes`` and ``task_serializer``.

They are attributes of ``app.conf``, arguments of ``conf.update``, or names in a Django settings
module, such as ``CELERY_TASK_ROUTES``. Only literals are read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from headrace_inspect._symbols._entities import Function, Module
from headrace_inspect._symbols._syntax import Code, Expr, parts_of

_NAMES = ("task_routes", "celery_task_routes", "celery_routes")
_SERIALIZERS = ("task_serializer", "celery_task_serializer")


class Routing:
    """The queues and serializers that the settings in `modules` assign."""

    def __init__(self, modules: Iterable[Module]) -> None:
        self.serializer: str | None = None
        self._routes: dict[str, object] = {}
        for module in modules:
            for code in (module.code, *[one.code for one in module.functions]):
                for name, value in settings_in(code):
                    self._read(name.lower(), literal(value))

    def _read(self, name: str, known: object) -> None:
        if name in _SERIALIZERS:
            self.serializer = known if isinstance(known, str) else None
        elif name in _NAMES and isinstance(known, Mapping):
            self._routes.update(known)

    def queue_of(self, task: str) -> str | None:
        """Return the queue of the task named `task`, or None for the default queue."""
        for pattern, route in self._routes.items():
            if fnmatchcase(task, str(pattern)):
                queue = route.get("queue") if isinstance(route, Mapping) else route
                return queue if isinstance(queue, str) else None
        return None


def settings_in(code: Code) -> Iterator[tuple[str, Expr]]:
    """Yield the names and values of assignments, keyword arguments and mapping entries."""
    for part in parts_of((code.definitions, code.ops)):
        match part:
            case ("=", str(name), value, _, _) | ("set", _, str(name), value, _, _):
                yield name, value
            case ("put", _, ("k", str(name)), value, _, _):
                yield name, value
            case ("c", _, _, _, _, named, _):
                yield from [(name, value) for name, value in named if name is not None]
            case ("d", _, _, pairs):
                keys = [(key, one) for key, one in pairs if type(key) is tuple and key[0] == "k"]
                yield from [(key[1], one) for key, one in keys if isinstance(key[1], str)]


def decorated_by(function: Function, *names: str) -> bool:
    """Tell whether a decorator is an attribute with one of these names, such as ``app.task``."""
    decorators = [one[3] if type(one) is tuple and one[0] == "c" else one
                  for _, one in function.decorators]  # fmt: skip
    return any(type(one) is tuple and one[0] == "a" and one[2] in names for one in decorators)


def literal(node: Expr) -> Any:
    """Return the value of a literal, or None if it is computed."""
    match node:
        case ("k", value):
            return value
        case ("l", _, _, items):
            return [literal(one) for one in items]
        case ("d", _, _, pairs):
            return {literal(key): literal(value) for key, value in pairs
                    if type(key) is tuple and key[0] == "k"}  # fmt: skip
    return None


def mentions_settings(content: bytes) -> bool:
    """Tell whether a file may contain such settings."""
    words = content.lower()
    return any(name.encode() in words for name in (*_NAMES, *_SERIALIZERS))
