"""Redaction of secrets in everything that a chain writes: log lines, reports, messages.

Values under named keys are masked when they are written. In other text, such as the message of an
exception, each value that the context holds under a named key is masked if it is a whole token; a
value of four characters or more is also masked inside a token. A text is masked entirely if its
secrets are unknown or the search would take too long.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from .secrets import LIMIT, Shape, find_secrets, text_of_key

if TYPE_CHECKING:
    Redact = Callable[[str], str] | Iterable[str] | None

MASK = "***"
CYCLE = "<cycle>"
TOO_MUCH = "<too much>"

_LISTED: tuple[Any, ...] = (list, tuple, set, frozenset)

LONG = 4  # from this length on, a secret is masked inside a word too
_FEW = 32  # up to this many are searched for one by one
_QUOTES = (repr, json.dumps, functools.partial(json.dumps, ensure_ascii=False))


class Redaction:
    """A chain's `redact` option, checked.

    Args:
        names: the keys whose values are masked.
        functions: applied to each log line.
    """

    __slots__ = ("functions", "names")

    def __init__(
        self, names: frozenset[str] = frozenset(), functions: tuple[Callable[[str], str], ...] = ()
    ) -> None:
        self.names: frozenset[str] = names
        self.functions: tuple[Callable[[str], str], ...] = functions

    def joined(self, other: Redaction) -> Redaction:
        """Return a redaction that applies both this one and `other`."""
        return Redaction(self.names | other.names, (*self.functions, *other.functions))

    def blotter(self, *values: Any) -> Blotter:
        """Return a function that masks every secret of `values` in a text.

        Args:
            values: mappings, sequences and objects that may hold secrets, at any depth.
        """
        secrets = find_secrets(values, self.names) if self.names else []
        return Blotter(None if secrets is None else _written_forms(secrets))

    def blot(self, text: str, *values: Any) -> str:
        """Return `text` with the secrets of `values` masked."""
        return self.blotter(*values)(text)

    def plain(self, value: Any) -> Any:
        """Return `value` as JSON types: named keys masked, cycles cut, objects as text."""
        return _Plain(self.names).of(value)


class Blotter:
    """Masks secrets in texts.

    Args:
        forms: the written forms of the secrets; None if they are unknown.
    """

    __slots__ = ("_forms",)

    def __init__(self, forms: set[str] | None) -> None:
        self._forms = forms

    def __call__(self, text: str) -> str:
        """Return `text` with its secrets masked."""
        if self._forms is None:
            return MASK if text else text
        return _blotted(text, self._forms) if self._forms else text

    def leaves(self, data: bytes) -> bool:
        """Return whether `data` holds no secret of four characters or more."""
        if self._forms is None:
            return False
        text = data.decode("utf-8", "replace")
        present = _present(text, [form for form in self._forms if len(form) >= LONG])
        return present == []


class _Plain:
    """Converts a value to JSON types."""

    __slots__ = ("_above", "_left", "_names")

    def __init__(self, names: frozenset[str]) -> None:
        self._names = names
        self._above: set[int] = set()
        self._left = LIMIT

    def of(self, value: Any) -> Any:
        if value is None or issubclass(type(value), int | float):
            return value
        self._left -= 1
        if self._left < 0:
            return TOO_MUCH
        if id(value) in self._above:
            return CYCLE
        self._above.add(id(value))
        try:
            return self._inner(value, type(value))
        except Exception as error:  # raised by the value's own code, or nested too deep
            return f"<{type(error).__name__}>"
        finally:
            self._above.discard(id(value))

    def _inner(self, value: Any, kind: type) -> Any:
        if issubclass(kind, Mapping):
            items = dict.items(value) if issubclass(kind, dict) else value.items()
            return {
                str(key): MASK if text_of_key(key) in self._names else self.of(each)
                for key, each in items
            }
        for base in _LISTED:
            if issubclass(kind, base) and not hasattr(kind, "_fields"):
                return [self.of(each) for each in base.__iter__(value)]
        return MASK if self._names and Shape(kind, self._names).hides(value) else str(value)


NOTHING_HIDDEN = Redaction()


def checked_redaction(redact: Redact) -> Redaction:
    """Return the option `redact` as a `Redaction`.

    Raises:
        TypeError: it is neither a function nor a list of keys.
    """
    if redact is None:
        return NOTHING_HIDDEN
    if callable(redact):
        return Redaction(functions=(redact,))
    if not isinstance(redact, str | bytes | Mapping) and isinstance(redact, Iterable):
        names = frozenset(redact)
        if all(isinstance(name, str) for name in names):
            return Redaction(names)
    raise TypeError(
        f"redact takes a function of the log line or a list of keys such as ['password'], not "
        f"{redact!r}"
    )


def _blotted(text: str, forms: Collection[str]) -> str:
    """Return `text` with each of `forms` masked where it is a whole token or long enough."""
    present = _present(text, forms)
    if present is None:
        return MASK
    spans = sorted(span for form in present for span in _spans(text, form))
    pieces: list[str] = []
    end = 0
    for first, last in spans:
        if first >= end:
            pieces += [text[end:first], MASK]
        end = max(end, last)  # secrets may overlap or contain each other
    return "".join([*pieces, text[end:]])


def _present(text: str, forms: Collection[str]) -> list[str] | None:
    """Return the `forms` that occur in `text`; None if the search would take too long."""
    if len(forms) > _FEW:
        if len(text) > LIMIT:
            return None
        # Skip forms whose first characters do not occur in the text.
        sizes = {min(len(form), LONG) for form in forms}
        begun = {size: {text[i : i + size] for i in range(len(text))} for size in sizes}
        forms = [form for form in forms if form[:LONG] in begun[min(len(form), LONG)]]
        if len(forms) * len(text) > 100 * LIMIT:
            return None
    return [form for form in forms if form in text]


def _spans(text: str, form: str) -> Iterator[tuple[int, int]]:
    first = text.find(form)
    while first >= 0:
        last = first + len(form)
        if len(form) >= LONG or not (
            _is_word(text[:first][-1:]) or _is_word(text[last : last + 1])
        ):
            yield first, last
        first = text.find(form, first + 1)


def _is_word(character: str) -> bool:
    return character.isalnum() or character == "_"


def _written_forms(secrets: Iterable[Any]) -> set[str]:
    """Return the forms of values in text: plain, URL-encoded, quoted by Python or JSON."""
    forms: set[str] = set()
    for secret in secrets:
        if secret is None or isinstance(secret, bool):
            continue
        is_bytes = isinstance(secret, bytes)
        text = secret.decode("utf-8", "replace") if is_bytes else str(secret)
        if text.isascii() and text.isalnum():
            forms.add(text)  # quoting does not change it
            continue
        own = {text, repr(secret)[2:-1]} if is_bytes else {text}
        forms |= _in_urls(text)
        for _ in range(2):
            own |= {quote(form)[1:-1] for form in own for quote in _QUOTES}
        forms |= own
    return forms - {""}


def _in_urls(text: str) -> set[str]:
    from urllib.parse import quote, quote_plus

    errors = "surrogatepass"
    quoted = {quote(text, safe, errors=errors) for safe in ("", "/")}
    return {*quoted, quote_plus(text, errors=errors)}
