"""Signals of Django and blinker: receivers, and calls that send."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from headrace_inspect._evaluate._contexts import SIGNAL, Context
from headrace_inspect._evaluate._engine import Engine
from headrace_inspect._evaluate._frame import Frame
from headrace_inspect._evaluate._registry import Call, Registry
from headrace_inspect._evaluate._values import (
    UNKNOWN,
    Arguments,
    Bound,
    ClassValue,
    External,
    Value,
    options_of,
    text_of,
)
from headrace_inspect._symbols._entities import Class, Module

from ._classes import class_named

_LIBRARY = re.compile(r"(django|celery|flask|allauth|rest_framework|wagtail)(\.\w+)*\.signals\.\w+")
_SENDING = "send send_robust asend asend_robust send_async"


@dataclass(slots=True, eq=False)
class Signal(Value):
    """A signal, by the call that makes it or by its name in a library."""

    key: object


@dataclass(slots=True, eq=False)
class Receiver(Value):
    """A decorator that connects a function to signals."""

    signals: Arguments
    sender: Value | None


@dataclass(frozen=True, slots=True)
class Connection:
    """A receiver of a signal; the sender is ``unresolved`` if it is not known."""

    signal: object
    receiver: Value
    sender: Class | str | None
    module: Module
    node: ast.AST


def register(registry: Registry) -> None:
    """Register this model."""
    function, method = registry.function, registry.method
    registry.alias("blinker.Namespace", "flask.signals.Namespace")
    function(lambda call: Signal(call.node), "django.dispatch.Signal blinker.Signal")
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
    return Signal(text_of(call.get(0)) or call.node)


def _of_library(frame: Frame, owner: External, name: str) -> Value | None:
    if name in {"connect", *_SENDING.split()} and _LIBRARY.fullmatch(owner.name):
        return Bound(Signal(owner.name), name)
    return None


def _receiver(call: Call) -> Value:
    given = call.value(0, "signal")
    signals = call.frame.engine.contents(given) or options_of(given)
    return Receiver(signals, call.get(None, "sender"))


def _connect_decorated(call: Call) -> Value:
    for signal in call.owner.signals:
        connect(call.frame, signal, call.value(0), call.owner.sender, call.node)
    return call.value(0)


def _connect(call: Call) -> Value:
    given, sender = call.get(0, "receiver"), call.get(1, "sender")
    if given is None or call.name == "connect_via":
        return Receiver((call.owner,), sender if given is None else given)
    connect(call.frame, call.owner, given, sender, call.node)
    return given


def connect(
    frame: Frame, signal: Value, receiver: Value, sender: Value | None, node: ast.AST
) -> None:
    """Record that `receiver` is called when `signal` is sent."""
    key = signal.name if isinstance(signal, External) else getattr(signal, "key", None)
    senders: list[Class | str | None] = [None]
    if sender is not None:
        senders = [one.cls for one in options_of(sender) if isinstance(one, ClassValue)]
        senders = senders or [class_named(frame.engine, text_of(sender)) or "unresolved"]
    for cls in senders if key is not None else ():
        made = Connection(key, receiver, cls, frame.module, node)
        connections_in(frame.engine).setdefault(made)


def connections_in(engine: Engine) -> dict[Connection, Context | None]:
    """Return the connections with their contexts, which are None until the model finishes."""
    found: dict[Connection, Context | None] = engine.facts.setdefault(Connection, {})
    return found


def _send(call: Call) -> Value:
    send(call.frame, call.owner.key, getattr(call.get(0, "sender"), "cls", None), call.node)
    return UNKNOWN


def send(frame: Frame, key: object, sender: Class | None, node: ast.AST) -> None:
    """Record that a signal is sent."""
    hub = frame.engine.hub
    order = [] if sender is None else frame.engine.classes.order(sender)
    senders: list[object] = [one for one in order if isinstance(one, Class)]
    targets = [hub((SIGNAL, key, one)) for one in [None, *(senders or ["any"])]]
    sent = hub((SIGNAL, *targets))
    for target in targets:
        sent.add(target)
    frame.emit((sent,), node, SIGNAL)


def finish(engine: Engine) -> None:
    """Join receivers with the calls that send their signals."""
    connections = connections_in(engine)
    for made in [made for made, known in connections.items() if known is None]:
        context = connections[made] = engine.contexts[made] = Context(None, made.module)
        Frame(engine, context, made.module, {}).hand_over(made.receiver, made.node)
        for sender in {made.sender, None if made.sender is None else "any"}:
            engine.hub((SIGNAL, made.signal, sender)).add(context)
