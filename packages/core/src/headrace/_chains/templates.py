"""Templates for log lines, such as ``"loaded={result.count} of {raw.__len__}"``."""

from __future__ import annotations

import functools
import inspect
import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from headrace._redaction.rules import LONG, MASK

from .references import MISSING, hop, split

if TYPE_CHECKING:
    from headrace._redaction.rules import Redaction

    from .plan import Plan

_token = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_is_part = re.compile(r"[\w-]+").fullmatch

Path = tuple[str, ...]


class Template:
    """A compiled template.

    Args:
        text: the text, with ``{dotted.references}``; ``{{`` and ``}}`` stand for braces.

    Attributes:
        paths: the references, in order.

    Raises:
        ValueError: a token is invalid; the message says which, and why.
    """

    __slots__ = ("_pieces", "paths")

    def __init__(self, text: str) -> None:
        self._pieces = _pieces(text)
        self.paths: tuple[Path, ...] = tuple(p for p in self._pieces if isinstance(p, tuple))

    def render(self, context: Mapping[str, Any], result: Any, plan: Plan) -> str:
        """Return the text with the values filled in; for one that fails, the type of the error."""
        redaction = plan.settings.redaction
        shown = [
            (piece, MISSING)
            if isinstance(piece, str)
            else _value(piece, context, result, redaction)
            for piece in self._pieces
        ]
        values = [value for _, value in shown if value is not MISSING]
        if not redaction.names or not values:
            return "".join([text for text, _ in shown])
        # Built once for all values: a secret may also be under other keys, anywhere in the context.
        blot = plan.blotter(context, *values)
        return "".join([text if value is MISSING else blot(text) for text, value in shown])


def template_of(text: str) -> Template:
    """Return the template of `text`; equal texts share one.

    Raises:
        TypeError: `text` is not a string.
        ValueError: a token is invalid; the message says which, and why.
    """
    if not isinstance(text, str):
        raise TypeError(f"log_fmt takes a template such as 'n={{result.count}}', not {text!r}")
    return _compiled(str(text))  # a subclass of str could keep other objects alive


_compiled = functools.lru_cache(512)(Template)


def _pieces(text: str) -> tuple[str | Path, ...]:
    pieces: list[str | Path] = []
    end = 0
    for found in _token.finditer(text):
        pieces.append(text[end : found.start()])
        end = found.end()
        token = found.group()
        if token in {"{{", "}}"}:
            pieces.append(token[0])
        elif found.group(1) is None:
            raise ValueError(
                f"log_fmt {text!r}: unbalanced brace at position {found.start()}; write {{{{ or "
                f"}}}} for a literal brace"
            )
        else:
            pieces.append(_path(found.group(1), text))
    pieces.append(text[end:])
    return tuple(piece for piece in pieces if piece)


def _path(token: str, text: str) -> Path:
    parts = split(token, f"log_fmt {text!r}") if token else ()
    if not parts or not all(_is_part(part) for part in parts):
        raise ValueError(
            f"log_fmt {text!r}: the token {{{token}}} is not a dotted reference such as "
            f"{{order.id}}; formats and conversions are not supported"
        )
    return parts


def _value(
    parts: Path, context: Mapping[str, Any], result: Any, redaction: Redaction
) -> tuple[str, Any]:
    """Return a value as text, and the value itself, or MISSING if it holds no secret."""
    if not redaction.names.isdisjoint(parts):
        return MASK, MISSING
    try:
        value = result if parts[0] == "result" else context.get(parts[0], MISSING)
        for part in parts[1:]:
            value = _hop(value, part)
        text = _written(value, redaction)
    except Exception as error:
        return f"<{type(error).__name__}>", MISSING
    if value is None or (issubclass(type(value), int | float) and len(text) < LONG):
        return text, MISSING  # more likely a count
    return text, value


def _hop(value: Any, part: str) -> Any:
    if isinstance(value, Mapping):
        return len(value) if part == "__len__" else hop(value, part)
    found = hop(value, part)
    if part.isdecimal() or not inspect.isroutine(found):
        return found
    made = found()
    if inspect.iscoroutine(made):
        made.close()
        raise TypeError("a template cannot await")
    return made


def _written(value: Any, redaction: Redaction) -> str:
    if value is MISSING:
        return "None"
    if isinstance(value, Mapping | list):
        plain = redaction.plain(value)
        text = json.dumps(plain, ensure_ascii=False)
        return text if text.isprintable() else json.dumps(plain)
    return str(value)
