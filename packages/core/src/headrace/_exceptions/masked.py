"""Copies of exceptions without secrets, for logs, backends and other processes.

The class of a copy is a subclass of the original's type with the same name: it looks the same in a
traceback, and `isinstance` still works. Attributes other than text and numbers are dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import lru_cache
from itertools import islice
from linecache import getlines
from types import CodeType, TracebackType
from typing import Any, cast

LIMIT = 100
"""Maximum number of linked exceptions that are copied; the rest are left out."""

_HIDDEN = "_headrace_hidden"
_KEPT = 15
_PLAIN = frozenset([str, int, float, bool])
_IS_HEAP_TYPE = 1 << 9  # Py_TPFLAGS_HEAPTYPE: made by a class statement

_LINKS = ("__cause__", "__context__", "__suppress_context__", "__traceback__", "args")

Blot = Callable[[str], str]
Hide = Callable[[], Blot]

# Read from the base class: a subclass may have properties with these names.
_read: dict[str, Any] = {
    name: each.__get__
    for space in (vars(BaseException), vars(BaseExceptionGroup))
    for name, each in space.items()
    if hasattr(each, "__get__")
}


def conceal(exc: BaseException, hide: Hide) -> None:
    """Mark `exc` as possibly showing secrets in its text or in those of its causes.

    Args:
        exc: the exception.
        hide: called before `exc` is shown; returns a function that masks secrets in a text.
    """
    with suppress(Exception):  # some exceptions accept no attributes
        # Bounded, since one exception object may be raised many times.
        exc.__dict__[_HIDDEN] = (*_noted(exc)[-_KEPT:], hide)


def without_secrets(exc: BaseException) -> BaseException:
    """Return `exc`, or a copy without secrets if it has left a chain with `redact`.

    Args:
        exc: an exception that a log or an error tracker will show.
    """
    return masked(exc) if _may_show_secrets(exc) else exc


def masked(exc: BaseException, blot: Blot = str) -> BaseException:
    """Return a copy of `exc` with its traceback, notes, causes, contexts and members.

    Args:
        exc: the exception.
        blot: masks further secrets in a text, in addition to those marked on the exceptions.
    """
    return _Copying().of(exc, blot) or Exception()


class _Copying:
    """Copies of linked exceptions, each made once."""

    __slots__ = ("_copies",)

    def __init__(self) -> None:
        self._copies: dict[int, BaseException | None] = {}

    def of(self, exc: BaseException | None, blot: Blot) -> BaseException | None:
        if exc is None or id(exc) in self._copies:
            return None if exc is None else self._copies[id(exc)]
        if len(self._copies) >= LIMIT:
            return None
        self._copies[id(exc)] = None  # meanwhile: a member may refer back to its group
        for hide in _noted(exc):
            blot = _both(hide(), blot)
        copy = self._copies[id(exc)] = self._copied(exc, blot)
        for name in ("__cause__", "__context__"):
            object.__setattr__(copy, name, self.of(_read[name](exc), blot))
        suppresses = _read["__suppress_context__"](exc)
        object.__setattr__(copy, "__suppress_context__", suppresses)
        traceback = _without_secrets(_read["__traceback__"](exc), blot)
        object.__setattr__(copy, "__traceback__", traceback)
        return copy

    def _copied(self, exc: BaseException, blot: Blot) -> BaseException:
        arguments: tuple[Any, ...] = (blot(text_of(exc)),)
        if isinstance(exc, BaseExceptionGroup):
            members = [self.of(each, blot) for each in _read["exceptions"](exc)[:LIMIT]]
            known = [each for each in members if each is not None]
            arguments = blot(str(_read["message"](exc))), known or [Exception("left out")]
        kind: Any = type(exc)
        try:
            copy = _made(_twin_of(kind), arguments)
        except Exception:  # an extension type with its own constructor
            is_error = isinstance(exc, Exception)
            copy = _made(_named(kind, Exception if is_error else BaseException), arguments)
        own = _read["__dict__"](exc)
        for name, value in [*own.items()][:LIMIT]:
            if type(value) in _PLAIN:
                shown = blot(str(value))
                if type(value) is str or shown == str(value):
                    object.__setattr__(copy, name, shown if type(value) is str else value)
        notes = own.get("__notes__")
        if isinstance(notes, list):
            shown_notes = [blot(note) for note in notes[:LIMIT] if isinstance(note, str)]
            object.__setattr__(copy, "__notes__", shown_notes)
        if isinstance(exc, SystemExit) and isinstance(exc.code, int):
            object.__setattr__(copy, "code", exc.code)
        return copy


def text_of(exc: BaseException) -> str:
    """Return the message of `exc`, or "" if its ``str()`` raises."""
    try:
        return str(exc)
    except Exception:  # the user's `__str__` raised
        return ""


def _without_secrets(traceback: TracebackType | None, blot: Blot) -> TracebackType | None:
    """Return a traceback without the entries whose source lines contain a secret."""
    if traceback is None or blot is str:
        return traceback
    shown: dict[tuple[str, int], bool] = {}
    kept: list[TracebackType] = []
    while traceback is not None:
        code = traceback.tb_frame.f_code
        place = code.co_filename, traceback.tb_lineno
        if place not in shown:
            text = _source_of(traceback, code)
            shown[place] = blot(text) == text
        if shown[place]:
            kept.append(traceback)
        traceback = traceback.tb_next
    linked = None
    for each in reversed(kept):
        linked = TracebackType(linked, each.tb_frame, each.tb_lasti, each.tb_lineno)
    return linked


def _source_of(traceback: TracebackType, code: CodeType) -> str:
    first = last = traceback.tb_lineno
    if traceback.tb_lasti >= 0:
        position = next(islice(code.co_positions(), traceback.tb_lasti // 2, None), None)
        first, last = (position[0] or first, position[1] or last) if position else (first, last)
    lines = getlines(code.co_filename, traceback.tb_frame.f_globals)
    return "".join(lines[first - 1 : min(last, first + LIMIT)])


def _may_show_secrets(exc: BaseException) -> bool:
    seen: set[int] = set()
    waiting = [exc]
    while waiting and len(seen) < LIMIT:
        each = waiting.pop()
        if id(each) not in seen:
            seen.add(id(each))
            if _noted(each):
                return True
            waiting += _linked(each)
    return False


def _linked(exc: BaseException) -> Iterator[BaseException]:
    for name in ("__cause__", "__context__"):
        linked = _read[name](exc)
        if linked is not None:
            yield linked
    if isinstance(exc, BaseExceptionGroup):
        yield from _read["exceptions"](exc)[:LIMIT]


def _noted(exc: BaseException) -> tuple[Hide, ...]:
    noted: tuple[Hide, ...] = _read["__dict__"](exc).get(_HIDDEN, ())
    return noted


def _both(first: Blot, then: Blot) -> Blot:
    return lambda text: then(first(text))


@lru_cache(256)
def _twin_of(kind: type[BaseException]) -> type[BaseException]:
    # Replace a type that runs code on subclassing with its base.
    return _named(kind, next(e for e in kind.__mro__ if type(e) is type and not _acts(e)))


def _named(kind: type[BaseException], base: type) -> type[BaseException]:
    """Return an inert subclass of `base` with the name of `kind`."""
    as_text = BaseExceptionGroup.__str__ if issubclass(base, BaseExceptionGroup) else _str
    body = {
        "__module__": kind.__module__,
        "__qualname__": kind.__qualname__,
        "__slots__": (),
        "__str__": as_text,
        "__repr__": _repr,
        "__reduce__": _reduce,
        "__getattribute__": BaseException.__getattribute__,
        "__getattr__": _missing,
        "__setattr__": BaseException.__setattr__,
        **{name: vars(BaseException)[name] for name in _LINKS},
    }
    twin: Any = type(kind.__name__, (base,), body)
    return cast("type[BaseException]", twin)


def _acts(kind: type) -> bool:
    return any("__init_subclass__" in vars(base) for base in kind.__mro__ if base is not object)


def _made(twin: Any, arguments: tuple[Any, ...]) -> BaseException:
    base: Any = next(each for each in twin.__mro__ if not each.__flags__ & _IS_HEAP_TYPE)
    copy: BaseException = base.__new__(twin, *arguments)
    return copy


def _missing(self: BaseException, name: str) -> Any:
    raise AttributeError(f"the masked copy of a {type(self).__name__} has no {name!r}")


def _str(self: BaseException) -> str:
    return str(self.args[0])


def _repr(self: BaseException) -> str:
    return f"{type(self).__name__}({str(self)!r})"


def _reduce(self: BaseException) -> tuple[Any, ...]:
    return Exception, (f"{type(self).__name__}: {self}",)
