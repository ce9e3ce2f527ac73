"""The calls of evidence, as written in the source."""

from __future__ import annotations

from typing import Any

from headrace_inspect._evaluate._contexts import Context, Event
from headrace_inspect._report import Link, Place
from headrace_inspect._source._discovery import shown

_MAX_LENGTH = 60


def link_to(context: Context, event: Event, target: str = "") -> Link:
    """Return a call in the body of `context` as a link of evidence.

    Args:
        context: the body.
        event: the call.
        target: the dotted name of the called function.
    """
    module, function = context.module, context.function
    place = Place(shown(module.path) if module is not None else "", event.line)
    text = text_of_call(event.node) or target.rpartition(".")[2]
    return Link(place, text, event.kind, function.qualname if function is not None else "", target)


def text_of_call(node: Any) -> str:
    """Return the text of a call without its arguments, empty if it has no name."""
    text = _text(node)
    return text if len(text) <= _MAX_LENGTH else f"...{text[3 - _MAX_LENGTH :]}"


def _text(node: Any) -> str:
    match node:
        case str():
            return node
        case ("k", value):
            return repr(value)
        case ("a", owner, name, _):
            return f"{_text(owner)}.{name}"
        case ("c", _, _, called, given, named):
            return f"{_text(called)}(...)" if given or named else f"{_text(called)}()"
        case ("s", owner, _):
            return f"{_text(owner)}[...]"
        case ("w", inner):
            return _text(inner)
    return ""
