"""Signals of Django and blinker: receivers and senders."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from headrace_inspect._evaluate._contexts import SIGNAL, Call, Context
from headrace_inspect._evaluate._engine import Engine
from headrace_inspect._evaluate._registry import Registry
from headrace_inspect._evaluate._values import (
    Arguments,
    Bound,
    ClassValue,
    External,
    Instance,
    Known,
    Value,
    options_of,
    text_of,
)
from headrace_inspect._symbols._entities import Class, Module

_LIBRARY = re.compile(r"(django|celery|flask|allauth|rest_framework|wagtail)(\.\w+)*\.signals\.\w+")
SENDERS: dict[str, tuple[str, ...]] = {}
"""The names of methods that send a library's signals."""
_SENDING = "send send_robust asend asend_robust send_async"


@dataclass(slots=True, eq=False)
class Signal(Known):
    """A signal, identified by the call that creates it or by its dotted name."""

    key: object


@dataclass(slots=True, eq=False)
class Receiver(Known):
    """A decorator that connects a function to signals."""

    signals: Arguments
    sender: Value
    has_sender: bool


@dataclass(frozen=True, slots=True)
class Connection:
    """A receiver of a signal; an unknown sender is ``unresolved``."""

    signal: object
    receiver: Value
    sender: Class | str | None
    module: Module
    node: Any


class Connections(dict[Connection, Context | None]):
    """The connections and their contexts, which are None until the model finishes."""


def register(registry: Registry) -> None:
    """Register this model."""
    function, method = registry.function, registry.method
    registry.alias("blinker.Namespace", "flask.signals.Namespace")
    function(_signal, "django.dispatch.Signal blinker.Signal blinker.signal")
    method(_signal, "blinker.Namespace", "signal")
    function(_receiver, "django.dispatch.receiver")
    registry.attributes[External] = _of_library
    registry.attributes[Signal] = lambda frame, owner, name: Bound(owner, name)
    method(_connect, Signal, "connect connect_via")
    method(_send, Signal, _SENDING)
    method(lambda call: _enter(call, call.owner, call.value(0)), Receiver, "__call__")
    registry.finishing.append(_finish)
    registry.seeds.update(["connect", "connect_via", "receiver", *_SENDING.split()])


def _signal(call: Call) -> Value:
    is_named = call.name.endswith("signal")  # signals of blinker with one name are one
    return Signal((is_named and text_of(call.value(0))) or call.frame.location(call.node))


def _of_library(frame: Context, owner: External, name: str) -> Value:
    if name in {"connect", *_SENDING.split()} and _LIBRARY.fullmatch(owner.name):
        return Bound(Signal(owner.name), name)
    return None


def _receiver(call: Call) -> Value:
    given = call.value(0, "signal")
    signals = call.contents(given) or options_of(given)
    return Receiver(signals, call.value(None, "sender"), call.has(None, "sender"))


def _connect(call: Call) -> Value:
    given, sender = call.value(0, "receiver"), call.value(1, "sender")
    if call.name == "connect_via" or not call.has(0, "receiver"):
        given = given if call.name == "connect_via" else sender
        return Receiver((call.owner,), given, given is not None)
    return _enter(call, Receiver((call.owner,), sender, call.has(1, "sender")), given)


def _enter(call: Call, receiver: Receiver, function: Value) -> Value:
    """Connect a function to signals, and return it."""
    senders: list[Class | str | None] = [None]
    if receiver.has_sender:
        senders = [one.cls for one in options_of(receiver.sender) if isinstance(one, ClassValue)]
        named = call.engine.classes.named_after(text_of(receiver.sender))
        senders = senders or [named or "unresolved"]
    for signal in receiver.signals if function is not None else ():
        key = signal.name if isinstance(signal, External) else getattr(signal, "key", None)
        for sender in senders if key is not None else ():
            made = Connection(key, function, sender, call.frame.module, call.node)
            call.engine.fact(Connections).setdefault(made)
    return function


def _send(call: Call) -> None:
    senders = options_of(call.value(0, "sender"))
    classes = {one.cls: None for one in senders if isinstance(one, ClassValue | Instance)}
    for cls in classes or (None,):
        send(call.frame, call.owner.key, cls, call.node)


def send(frame: Context, key: object, sender: Class | None, node: Any) -> None:
    """Record that a signal is sent; an unknown sender reaches only the receivers of all senders."""
    call_targets = frame.engine.call_targets
    sent = call_targets((SIGNAL, key, sender, "sent"))
    for one in (None, *(frame.engine.classes.sources(sender) if sender else ())):
        sent.add(call_targets((SIGNAL, key, one)))
    frame.emit((sent,), node, SIGNAL)


def _finish(engine: Engine) -> None:
    """Link the senders of signals to their receivers."""
    connections = engine.fact(Connections)
    for made in [made for made, known in connections.items() if known is None]:
        cls = made.sender
        values = (ClassValue(cls), Instance(cls)) if isinstance(cls, Class) else ()
        frame = engine.entry(made, made.module)
        frame.wants = (SENDERS.get(str(made.signal), ()), ())
        connections[made] = frame
        named = tuple(zip(("sender", "instance"), values, strict=False))
        frame.hand_over(made.receiver, made.node, (), named)
        engine.call_targets((SIGNAL, made.signal, cls)).add(frame)
