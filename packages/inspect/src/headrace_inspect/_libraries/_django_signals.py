"""Django's signals: who is connected, and what sending runs."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from headrace_inspect._names._entities import Class
from headrace_inspect._names._library_values import Receiver, SignalValue
from headrace_inspect._names._values import (
    UNKNOWN,
    Arguments,
    ClassValue,
    External,
    Items,
    Value,
)
from headrace_inspect._running._exposure import Connected
from headrace_inspect._running._giving import ANY_ARGUMENTS
from headrace_inspect._running._nodes import Node
from headrace_inspect._running._trees import NOTHING_HAPPENS, Parallel, Possible, Run, Tree

from ._registry import Model, decorator_type, function, function_finder, method
from ._running_arguments import tree_of_call

if TYPE_CHECKING:
    from headrace_inspect._running._engine import Engine
    from headrace_inspect._running._frame import Frame

_SIGNAL = re.compile(r"(django(\.\w+)*|celery|flask|werkzeug)\.signals\.\w+")
_OF_MODELS = "django.db.models.signals."
_SAVING = frozenset(["acreate", "asave", "create", "get_or_create", "save", "update_or_create"])
_DELETING = frozenset(["adelete", "delete"])
_ANYWHERE = frozenset(["connect", "receiver", "self", "dispatch_uid"])


@function("django.dispatch.Signal", "django.dispatch.dispatcher.Signal")
def make_signal(frame: Frame, arguments: Arguments, node: ast.AST, value: Value) -> Value:
    """``Signal()``: by the place where it is made."""
    path, line = frame.where(node)
    return SignalValue(f"{path}:{line}:{getattr(node, 'col_offset', 0)}")


def is_signal(value: Value) -> bool:
    """Tell whether `value` is a signal."""
    if isinstance(value, External):
        return _SIGNAL.fullmatch(value.name) is not None
    return isinstance(value, SignalValue)


# --- connecting -----------------------------------------------------------------------------------


@function("django.dispatch.receiver")
def receiver(frame: Frame, arguments: Arguments, node: ast.AST, value: Value) -> Value:
    """``@receiver(signal, sender=...)``."""
    given = frame.engine.resolve(arguments.get(0, "signal") or UNKNOWN)
    signals = given.items if isinstance(given, Items) else (given,)
    resolved = tuple([frame.engine.resolve(signal) for signal in signals])
    return Receiver(resolved, arguments.get(None, "sender"))


@decorator_type(Receiver)
def received(frame: Frame, value: Receiver, target: Value, node: ast.AST) -> Value:
    """A function that ``@receiver`` connects."""
    connect(frame, value.signals, target, value.sender, node)
    return target


@method(SignalValue, "connect")
def connect_own(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """``signal.connect(f, sender=...)``, and ``@signal.connect``."""
    return connect_by_call(frame, value.owner, arguments, node)


@function_finder
def connect_library(name: str) -> Model | None:
    """``post_save.connect(f, sender=...)``, and the like of other libraries."""
    signal, _, method_name = name.rpartition(".")
    if method_name != "connect" or not is_signal(External(signal)):
        return None
    return lambda frame, arguments, node, value: connect_by_call(
        frame, External(signal), arguments, node
    )


@method(SignalValue, "disconnect")
def disconnect(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """``signal.disconnect(f)``: whoever is connected may no longer be."""
    return UNKNOWN


def connect_by_call(frame: Frame, signal: Value, arguments: Arguments, node: ast.AST) -> Value:
    """Connect the function among `arguments` with `signal`."""
    target = arguments.get(0, "receiver")
    if target is not None:
        connect(frame, (signal,), target, arguments.get(None, "sender"), node)
    return target or UNKNOWN


def connect(
    frame: Frame, signals: Sequence[Value], target: Value, sender: Value | None, node: ast.AST
) -> None:
    """Let `target` be called when one of `signals` is sent."""
    if not frame.is_recorded:
        return
    tree, _ = tree_of_call(frame, frame.engine.resolve(target), ANY_ARGUMENTS, node)
    given = frame.engine.resolve(sender) if sender is not None else None
    cls = given.cls if isinstance(given, ClassValue) else None
    is_open = sender is not None and cls is None  # a sender that is not known
    exposure = frame.engine.exposure
    words = _words_of(node)
    for signal in signals:
        connected = Possible(tree) if is_open else tree
        if frame.node is not None:
            receivers = exposure.receivers.setdefault(signal, [])
            receivers.append(Connected(frame.node, connected, cls, words))
        if not isinstance(signal, SignalValue):
            frame.expose(tree)
        if not is_signal(signal):
            frame.escape(tree, "library")


def _words_of(node: ast.AST) -> frozenset[str]:
    """Return the names in ``receiver(signal)`` or ``signal.connect``, and what sends of models."""
    words = {
        part.attr if isinstance(part, ast.Attribute) else part.id
        for part in ast.walk(node)
        if isinstance(part, ast.Name | ast.Attribute)
    }
    if any(word.endswith("_save") for word in words):
        words |= _SAVING
    if any(word.endswith("_delete") for word in words):
        words |= _DELETING
    return frozenset(words - _ANYWHERE)


# --- sending --------------------------------------------------------------------------------------


@method(SignalValue, "send", "send_robust", "asend", "asend_robust")
def send(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """``signal.send(sender)``."""
    sender = frame.engine.resolve(arguments.get(0, "sender") or UNKNOWN)
    cls = sender.cls if isinstance(sender, ClassValue) else None
    frame.emit(Run(_sending_node(frame.engine, value.owner, cls), frame.where(node)))
    return UNKNOWN


def model_signal_node(engine: Engine, signal: str, cls: Class) -> Node:
    """Return the node of sending a signal of a model, such as ``post_save``."""
    return _sending_node(engine, External(f"{_OF_MODELS}{signal}"), cls)


def _sending_node(engine: Engine, signal: Value, cls: Class | None) -> Node:
    def look(node: Node) -> None:
        trees = [
            _when(engine, connected.tree, connected.sender, cls)
            for connected in engine.exposure.receivers.get(signal, ())
        ]
        if engine.far:  # which may have connected anything
            trees.append(engine.far_away)
        node.tree = Parallel([tree for tree in trees if tree is not NOTHING_HAPPENS])

    return engine.late_node(
        ("signal", signal, cls), look, lambda: len(engine.exposure.receivers.get(signal, ()))
    )


def _when(engine: Engine, tree: Tree, wanted: Class | None, sender: Class | None) -> Tree:
    """Return what a receiver runs that wants `wanted`, for what `sender` sends."""
    if wanted is None or (sender is not None and engine.is_subclass(sender, wanted)):
        return tree
    return Possible(tree) if sender is None else NOTHING_HAPPENS
