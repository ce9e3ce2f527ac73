"""Signals: who is connected, and what sending runs. Django's, blinker's, and those alike."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from headrace_inspect._evaluate._contexts import Context
from headrace_inspect._evaluate._engine import Engine
from headrace_inspect._evaluate._frame import Frame
from headrace_inspect._evaluate._registry import Call, Registry
from headrace_inspect._evaluate._values import (
    UNKNOWN,
    Bound,
    ClassValue,
    External,
    Instance,
    Value,
    options_of,
    text_of,
)
from headrace_inspect._symbols._entities import Class, Module

from ._names import class_named

_LIBRARY = re.compile(r"(django|celery|flask|allauth|rest_framework|wagtail)(\.\w+)*\.signals\.\w+")
_SIGNAL = "signal"


@dataclass(frozen=True, slots=True, eq=False)
class Signal(Value):
    """A signal, by where it is made or by its name in a library."""

    key: object


@dataclass(frozen=True, slots=True, eq=False)
class Receiver(Value):
    """A decorator that connects a function with signals."""

    signals: tuple[Value, ...]
    sender: Value | None


@dataclass(frozen=True, slots=True)
class Connection:
    """A function that is connected with a signal."""

    signal: object
    receiver: Value
    sender: Class | None
    module: Module
    node: ast.AST


def register(registry: Registry) -> None:
    """Register what this module knows."""
    registry.alias("django.dispatch.Signal", "django.dispatch.dispatcher.Signal")
    registry.function("django.dispatch.Signal", "blinker.Signal")(lambda call: Signal(call.node))
    registry.function("blinker.signal")(_named)
    registry.method("blinker.Namespace", "signal")(_named)
    registry.function("django.dispatch.receiver")(_receiver)
    registry.attributes[External] = _of_library
    registry.attributes[Signal] = lambda frame, owner, name: Bound(owner, name)
    registry.method(Signal, "connect", "connect_via")(_connect)
    registry.method(Signal, "send", "send_robust", "asend", "asend_robust", "send_async")(_send)
    registry.method(Receiver, "__call__")(_received)
    registry.finishing.append(finish)


def _named(call: Call) -> Value:
    return Signal(text_of(call.get(0)) or call.node)


def _of_library(frame: Frame, owner: External, name: str) -> Value | None:
    if name in {"connect", "send", "send_robust"} and _LIBRARY.fullmatch(owner.name):
        return Bound(Signal(owner.name), name)
    return None


def _receiver(call: Call) -> Value:
    given = call.get(0, "signal") or UNKNOWN
    signals = call.frame.engine.contents(given) or options_of(given)
    return Receiver(signals, call.get(None, "sender"))


def _received(call: Call) -> Value:
    receiver: Receiver = call.owner
    given = call.get(0) or UNKNOWN
    for signal in receiver.signals:
        connect(call.frame, signal, given, receiver.sender, call.node)
    return given


def _connect(call: Call) -> Value:
    given, sender = call.get(0, "receiver"), call.get(1, "sender")
    if call.name == "connect_via":
        return Receiver((call.owner,), given)
    if given is None:
        return Receiver((call.owner,), sender)
    connect(call.frame, call.owner, given, sender, call.node)
    return given


def connect(
    frame: Frame, signal: Value, receiver: Value, sender: Value | None, node: ast.AST
) -> None:
    """Note that `receiver` is called when `signal` is sent."""
    if isinstance(signal, External):
        signal = Signal(signal.name)
    if not isinstance(signal, Signal):
        return
    classes: list[Class | None] = [None]
    if sender is not None:
        named = class_named(frame.engine, text_of(sender))
        classes = [one.cls for one in options_of(sender) if isinstance(one, ClassValue)]
        classes += [named] if named is not None else []
    connections = connections_in(frame.engine)
    for cls in classes:
        made = Connection(signal.key, receiver, cls, frame.module, node)
        if made not in connections:
            connections.append(made)


def connections_in(engine: Engine) -> list[Connection]:
    """Return the receivers that have been found."""
    found: list[Connection] = engine.facts.setdefault(Connection, [])
    return found


def _send(call: Call) -> Value:
    sender = call.get(0, "sender")
    cls = sender.cls if isinstance(sender, ClassValue | Instance) else None
    send(call.frame, call.owner.key, cls, call.node)
    return UNKNOWN


def send(frame: Frame, key: object, sender: Class | None, node: ast.AST) -> None:
    """Record that a signal is sent."""
    hub = frame.engine.hub
    targets = [hub((_SIGNAL, key, None))]
    if sender is None:
        targets.append(hub((_SIGNAL, key, "any")))
    else:
        order = frame.engine.classes.order(sender)
        targets += [hub((_SIGNAL, key, one)) for one in order if isinstance(one, Class)]
    frame.emit((_together(frame.engine, tuple(targets)),), node, _SIGNAL)


def _together(engine: Engine, targets: tuple[Context, ...]) -> Context:
    hub = engine.hub((_SIGNAL, targets))
    for target in targets:
        hub.add(target)
    return hub


def finish(engine: Engine) -> None:
    """Hang the receivers where their signals are sent."""
    done: set[Connection] = engine.facts.setdefault("connected", set())
    for made in list(connections_in(engine)):
        if made in done:
            continue
        done.add(made)
        context = Context(None, made.module)
        engine.contexts[made] = context
        frame = Frame(engine, context, made.module, {})
        engine.hand_over(frame, made.receiver, (), (), made.node, "call")
        engine.hub((_SIGNAL, made.signal, made.sender)).add(context)
        if made.sender is not None:
            engine.hub((_SIGNAL, made.signal, "any")).add(context)
