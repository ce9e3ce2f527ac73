"""Signals of Django and blinker: receivers and senders."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from headrace_inspect._evaluate._contexts import SIGNAL, Call, Context, Frame
from headrace_inspect._evaluate._engine import Engine
from headrace_inspect._evaluate._registry import Registry
from headrace_inspect._evaluate._values import (
    Arguments,
    Bound,
    ClassValue,
    External,
    Instance,
    Known,
    Named,
    Value,
    options_of,
    text_of,
)
from headrace_inspect._symbols._entities import Class, Module

from ._classes import class_named

_LIBRARY = re.compile(r"(django|celery|flask|allauth|rest_framework|wagtail)(\.\w+)*\.signals\.\w+")
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


def register(registry: Registry) -> None:
    """Register this model."""
    function, method = registry.function, registry.method
    registry.alias("blinker.Namespace", "flask.signals.Namespace")
    function(
        lambda call: Signal(call.frame.location(call.node)), "django.dispatch.Signal blinker.Signal"
    )
    function(_named, "blinker.signal")
    method(_named, "blinker.Namespace", "signal")
    function(_receiver, "django.dispatch.receiver")
    registry.attributes[External] = _of_library
    registry.attributes[Signal] = lambda frame, owner, name: Bound(owner, name)
    method(_connect, Signal, "connect connect_via")
    method(_send, Signal, _SENDING)
    method(_connect_decorated, Receiver, "__call__")
    registry.finishing.append(finish)


def _named(call: Call) -> Value:
    return Signal(text_of(call.value(0)) or call.frame.location(call.node))


def _of_library(frame: Frame, owner: External, name: str) -> Value:
    if name in {"connect", *_SENDING.split()} and _LIBRARY.fullmatch(owner.name):
        return Bound(Signal(owner.name), name)
    return None


def _receiver(call: Call) -> Value:
    given = call.value(0, "signal")
    signals = tuple(call.frame.engine.contents(call.frame, given)) or options_of(given)
    return Receiver(signals, call.value(None, "sender"), call.has(None, "sender"))


def _connect_decorated(call: Call) -> Value:
    owner: Receiver = call.owner
    for signal in owner.signals:
        connect(call, signal, call.value(0), owner.sender, has_sender=owner.has_sender)
    return call.value(0)


def _connect(call: Call) -> Value:
    given, sender = call.value(0, "receiver"), call.value(1, "sender")
    if call.name == "connect_via" or not call.has(0, "receiver"):
        given = given if call.name == "connect_via" else sender
        return Receiver((call.owner,), given, given is not None)
    connect(call, call.owner, given, sender, has_sender=call.has(1, "sender"))
    return given


def connect(call: Call, signal: Value, receiver: Value, sender: Value, *, has_sender: bool) -> None:
    """Connect `receiver` to `signal`."""
    frame = call.frame
    key = signal.name if isinstance(signal, External) else getattr(signal, "key", None)
    senders: list[Class | str | None] = [None]
    if has_sender:
        senders = [*_classes(sender)]
        named = class_named(frame.engine, text_of(sender))
        senders = senders or ["unresolved" if named is None else named]
    for cls in senders if key is not None and receiver is not None else ():
        made = Connection(key, receiver, cls, frame.module, call.node)
        connections_in(frame.engine).setdefault(made)


def _classes(sender: Value) -> list[Class]:
    return [one.cls for one in options_of(sender) if isinstance(one, ClassValue)]


def connections_in(engine: Engine) -> dict[Connection, Context | None]:
    """Return the connections and their contexts, which are None until `finish` runs."""
    found: dict[Connection, Context | None] = engine.facts.setdefault(Connection, {})
    return found


def _send(call: Call) -> Value:
    sender = call.value(0, "sender")
    cls = sender.cls if isinstance(sender, ClassValue | Instance) else None
    send(call.frame, call.owner.key, cls, call.node)
    return None


def send(frame: Frame, key: object, sender: Class | None, node: Any) -> None:
    """Record that a signal is sent."""
    call_targets = frame.engine.call_targets
    senders: list[object] = [None, "any"]
    if sender is not None:
        senders = [None, *frame.engine.classes.sources(sender)]
    targets = [call_targets((SIGNAL, key, one)) for one in senders]
    sent = call_targets((SIGNAL, key, sender, "sent"))
    for target in targets:
        sent.add(target)
    frame.emit((sent,), node, SIGNAL)


def finish(engine: Engine) -> None:
    """Link the senders of signals to their receivers."""
    connections = connections_in(engine)
    for made in [made for made, known in connections.items() if known is None]:
        context = connections[made] = engine.contexts[made] = Context(None, made.module)
        named: Named = ()
        if isinstance(made.sender, Class):
            named = (("sender", ClassValue(made.sender)), ("instance", Instance(made.sender)))
        Frame(engine, context, made.module, {}).hand_over(made.receiver, made.node, (), named)
        for sender in {made.sender, None if made.sender is None else "any"}:
            engine.call_targets((SIGNAL, made.signal, sender)).add(context)
