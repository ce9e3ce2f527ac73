"""Log records that store their context where no formatter takes it for a value of `extra`.

JSON formatters write every attribute in a record's `__dict__` except those of the standard library.
The context is therefore stored in slots, which only a subclass has.
"""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from functools import cache
from inspect import currentframe
from logging import LogRecord, makeLogRecord
from typing import TYPE_CHECKING, Any

from headrace._context.capture import Captured, capture, capture_mark, current_unit
from headrace._exceptions.masked import without_secrets

from .fields import field_values

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .fields import FieldValue

_CONTEXT = "_headrace"
_FIELDS = "_headrace_fields"
_set = object.__setattr__

# The functions that recreate an object from a pickle. The first rejects any class other than the
# record's; the second, from the oldest protocol, does not.
_NEW_OBJECT, _OLD_OBJECT = (object().__reduce_ex__(protocol)[0] for protocol in (2, 0))


class RecordFactory:
    """A log record factory whose records capture the context in which they are created.

    Args:
        wrapped: the factory that creates the records.
    """

    active = False
    """Whether factories capture at all; one that another library has wrapped cannot be removed."""

    fields: tuple[str, ...] = ()
    """The fields that every record captures in addition to the context."""

    def __init__(self, wrapped: Callable[..., LogRecord]) -> None:
        self.wrapped = wrapped
        base: Any = wrapped
        made = _with_slots(base) if _is_record_class(base) else None
        self._makes_slots = made is not None
        self._make: Callable[..., LogRecord] = made or self._wrapped_and_moved

    def __call__(self, *args: Any, **kwargs: Any) -> LogRecord:
        if not RecordFactory.active:
            return self.wrapped(*args, **kwargs)
        record = self._make(*args, **kwargs)
        if self._makes_slots or hasattr(type(record), _CONTEXT):
            _keep(record)
        return record

    def _wrapped_and_moved(self, *args: Any, **kwargs: Any) -> Any:
        return _moved(self.wrapped(*args, **kwargs))


def is_capturing(record: LogRecord) -> bool:
    """Return whether the factory of `record` is a `RecordFactory`, possibly wrapped by another."""
    return _kept(record, _CONTEXT) is not None


def context_of(record: LogRecord) -> Captured:
    """Return the context in which `record` was logged."""
    kept: Captured | None = _kept(record, _CONTEXT)
    if kept is not None:
        return kept
    if _is_from_here(record):
        return capture(record.exc_info)
    return capture_mark(record.exc_info)


def fields_of(record: LogRecord, names: Iterable[str] = ()) -> dict[str, FieldValue]:
    """Return the values of the fields that all records capture, and of the fields `names`.

    Fields that were not captured are read now, if the unit of `record` is current.
    """
    kept: dict[str, FieldValue] = _kept(record, _FIELDS) or {}
    others = [name for name in (*RecordFactory.fields, *names) if name not in kept]
    if not others:
        return kept
    unit = current_unit(context_of(record)) if _is_from_here(record) else None
    return kept | field_values(unit, others)


def _keep(record: Any) -> None:
    if record.name is None:
        _keep_of_dict(record)
        return
    context = capture(record.exc_info)
    _set(record, _CONTEXT, context)
    if record.exc_info:
        _hide_secrets(record)
    if RecordFactory.fields:
        _set(record, _FIELDS, field_values(current_unit(context), RecordFactory.fields))


def _kept(record: LogRecord, name: str) -> Any:
    # Bypasses the class's own `__getattr__`, which may return a value for any name.
    try:
        return object.__getattribute__(record, name)
    except AttributeError:
        return None


def _hide_secrets(record: LogRecord) -> None:
    """Replace an exception that has left a chain with `redact` by a masked copy.

    Servers log unhandled exceptions with all their causes.
    """
    exc = record.exc_info[1] if record.exc_info else None
    if exc is None:
        return
    try:
        shown = without_secrets(exc)
    except Exception:  # better no traceback than one with a secret
        record.exc_info = None
        return
    if shown is not exc:
        record.exc_info = type(shown), shown, shown.__traceback__


def _keep_of_dict(record: LogRecord) -> None:
    """Give `record`, which `logging.makeLogRecord` is about to fill, the right context.

    A copy keeps the context of its original: structlog's formatter copies each record in this way.
    A record from a socket or a file belongs to no unit of this process. A record created from only
    a few values belongs to the current unit.
    """
    given, original = _source_of_copy()
    if original is not None:
        for name in (_CONTEXT, _FIELDS):
            value = _kept(original, name)
            if value is not None:
                _set(record, name, value)
    elif "created" in given:
        _set(record, _CONTEXT, capture_mark(given.get("exc_info")))
    else:
        _set(record, _CONTEXT, capture(given.get("exc_info")))


def _source_of_copy() -> tuple[dict[str, Any], LogRecord | None]:
    """Return the argument of `logging.makeLogRecord`, and the record whose `__dict__` it is."""
    frame = currentframe()
    while frame is not None and frame.f_code is not makeLogRecord.__code__:
        frame = frame.f_back  # another library's factory may be in between
    if frame is None or frame.f_back is None:
        return {}, None
    given = frame.f_locals["dict"]
    for value in frame.f_back.f_locals.values():
        # type(), since isinstance() runs the code of a proxy.
        if issubclass(type(value), LogRecord) and value.__dict__ is given:
            return given, value
    return given, None


def _is_from_here(record: LogRecord) -> bool:
    """Return whether `record` was logged in this thread of this process."""
    thread, process = getattr(record, "thread", None), getattr(record, "process", None)
    return (thread is None or thread == threading.get_ident()) and (
        process is None or process == os.getpid()
    )


def _is_record_class(factory: object) -> bool:
    return isinstance(factory, type) and issubclass(factory, LogRecord)


# --- Classes --------------------------------------------------------------------------------------


def _class_of(record: LogRecord) -> type[LogRecord]:
    return type(record)


def _set_class(record: LogRecord, to: Any) -> None:
    """Change the class of `record` to `to`, as Sphinx does with its records; keep the slots."""
    made = to if hasattr(to, _CONTEXT) else _with_slots(to)
    _real_class.__set__(record, made or to)


_real_class: Any = vars(object)["__class__"]


@cache
def _with_slots(base: Any) -> type[LogRecord] | None:
    """Return a subclass of `base` with slots for the context, or None if that is impossible."""
    namespace = {
        "__module__": base.__module__,
        "__qualname__": base.__qualname__,
        "__doc__": base.__doc__,
        "__class__": property(_class_of, _set_class),
        "__copy__": _copied,
        "__reduce_ex__": _reduced,
    }
    slots = {"__slots__": (_CONTEXT, _FIELDS)}
    # With the slots in a common base, a record can change to another class that has them.
    common = None if base is LogRecord else _with_slots(LogRecord)
    attempts: list[tuple[tuple[Any, ...], dict[str, Any]]] = [((base,), namespace | slots)]
    if common is not None:
        attempts.insert(0, ((base, common), namespace | {"__slots__": ()}))
    make: Any = type(base)
    for bases, names in attempts:
        # Another library's class may forbid subclassing or have slots of its own.
        with suppress(Exception):
            made: type[LogRecord] = make(base.__name__, bases, names)
            return made
    return None


def _moved(record: Any) -> Any:
    """Return `record`, created by another library, with slots for the context."""
    if not isinstance(record, LogRecord) or hasattr(type(record), _CONTEXT):
        return record
    base: Any = type(record)
    made = _with_slots(base)
    try:
        return record if made is None else _as_instance(made, record)
    except Exception:
        return record


def _as_instance(cls: type[LogRecord], record: LogRecord) -> LogRecord:
    state: Any = object.__getstate__(record)
    attributes, slots = state if isinstance(state, tuple) else (state, {})
    made = object.__new__(cls)
    made.__dict__.update(attributes or {})
    for name, value in slots.items():
        # For an empty slot, the state contains the result of the class's `__getattr__`.
        if hasattr(cls, name) and _kept(record, name) is value:
            _set(made, name, value)
    return made


def _copied(record: LogRecord) -> LogRecord:
    """Copy a record, as `QueueHandler` does."""
    return _as_instance(type(record), record)


def _reduced(record: LogRecord, protocol: Any) -> Any:
    """Reduce a record to its original class with public attributes, for other processes.

    Those may not have headrace. Values from `extra=` are already set and take precedence.
    """
    plain = _as_instance(type(record).__mro__[1], record)
    values = plain.__dict__
    flow_id, flow, step, unit_id, causation_id = context_of(record)
    flow_id = values.get("flow_id", values.get("correlation_id", flow_id))
    named = {"flow_id": flow_id, "correlation_id": flow_id, "flow": flow, "step": step}
    named |= {"unit_id": unit_id, "causation_id": causation_id}
    for name, value in (named | fields_of(record)).items():
        if value is not None:
            values.setdefault(name, value)
    reduced = plain.__reduce_ex__(max(protocol, 2))  # older protocols reject a class with slots
    if reduced[0] is not _NEW_OBJECT:
        return reduced
    return _OLD_OBJECT, (type(plain), object, None), *reduced[2:]
