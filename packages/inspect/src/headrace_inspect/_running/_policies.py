"""How closely it is looked: coarsely first, and then only where that shows a way to a step.

A function may be looked at once, or for each class that inherits it and for each function that it
is given. The first is quick, and says too much; what cannot reach a step even so is left out of
the second.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace_inspect._names._entities import Class, Function
from headrace_inspect._names._values import Arguments, ClassValue, FunctionValue, Instance, Value

from ._specialising import Telling, telling_arguments, telling_only

if TYPE_CHECKING:
    from headrace_inspect._order._leading import Leading

    from ._engine import Engine

NO_ARGUMENTS = Arguments()


class Coarse:
    """Each function is looked at once, whatever it is given."""

    def leads(self, function: Function | None) -> bool:
        """Tell whether `function` may lead to a step."""
        return True

    def receiver(self, engine: Engine, function: Function, receiver: Value | None) -> Value | None:
        """Return the receiver with which `function` is looked at."""
        return anybody(function) if receiver is None else generic(function, receiver)

    def telling(self, engine: Engine, value: FunctionValue, arguments: Arguments) -> Telling:
        """Return the arguments with which a function is looked at."""
        return ()

    def telling_of(self, engine: Engine, function: Function, arguments: Arguments) -> Arguments:
        """Return the arguments with which a decorated function is looked at."""
        return NO_ARGUMENTS


class Precise(Coarse):
    """Functions are looked at for each receiver and argument that makes a difference.

    Args:
        leading: the functions that may lead to a step.
        flow_classes: the classes that have flows of their own.
    """

    def __init__(self, leading: Leading, flow_classes: set[Class]) -> None:
        self._perhaps = leading.perhaps
        self._leading = leading.surely
        self._flow_classes = flow_classes
        self._differing: dict[Class, frozenset[str]] = {}
        self._overriding: dict[Class, frozenset[str]] | None = None

    def leads(self, function: Function | None) -> bool:
        """Tell whether `function` may lead to a step."""
        return function in self._perhaps

    def receiver(self, engine: Engine, function: Function, receiver: Value | None) -> Value | None:
        """Return the receiver, if it makes a difference which it is."""
        if not isinstance(receiver, Instance | ClassValue):
            return receiver
        if isinstance(receiver, Instance) and receiver.fields:
            return receiver
        cls = receiver.cls
        if cls is function.owner:
            if isinstance(receiver, ClassValue) or not receiver.exact:
                return receiver
            is_telling = not function.words.isdisjoint(self._overridden(engine, cls))
        else:
            is_telling = not self._flow_classes.isdisjoint(engine.mro(cls)) or (
                function in self._leading
                and not (function.words | {function.name}).isdisjoint(self._differs(engine, cls))
            )
        return receiver if is_telling else generic(function, receiver)

    def telling(self, engine: Engine, value: FunctionValue, arguments: Arguments) -> Telling:
        """Return the arguments that tell what the function runs."""
        return telling_arguments(engine, value, arguments, self.is_leading)

    def telling_of(self, engine: Engine, function: Function, arguments: Arguments) -> Arguments:
        """Return those of `arguments` that tell what the decorated `function` runs."""
        return telling_only(engine, arguments, function, self.is_leading)

    def is_leading(self, engine: Engine, what: Function | Class) -> bool:
        """Tell whether a function, or a method of a class, may lead to a step."""
        if isinstance(what, Function):
            return what in self._leading
        return any(function in self._leading for function in engine.methods(what).values())

    def _differs(self, engine: Engine, cls: Class) -> frozenset[str]:
        """Return the methods by which `cls` does something else than the classes it inherits from.

        They override others or are new to these classes, or call such ones.
        """
        if cls not in self._differing:
            methods = engine.methods(cls)
            names: set[str] = set()
            for base in engine.mro(cls)[1:]:
                if isinstance(base, Class):
                    inherited = engine.methods(base)
                    names.update(
                        name
                        for name in methods.keys() | inherited.keys()
                        if methods.get(name) is not inherited.get(name)
                        and not self._leading.isdisjoint({methods.get(name), inherited.get(name)})
                    )
            self._differing[cls] = self._spread(methods, names)
        return self._differing[cls]

    def _spread(self, methods: dict[str, Function], names: set[str]) -> frozenset[str]:
        """Return `names` and the methods that mention one of them, and so on."""
        is_complete = not names
        while not is_complete:
            is_complete = True
            for name, function in methods.items():
                if (
                    name not in names
                    and function in self._leading
                    and not function.words.isdisjoint(names)
                ):
                    names.add(name)
                    is_complete = False
        return frozenset(names)

    def _overridden(self, engine: Engine, cls: Class) -> frozenset[str]:
        """Return the methods of `cls` that subclasses override, and those that call them."""
        if self._overriding is None:
            found: dict[Class, set[str]] = {}
            for function in self._leading:
                if function.owner is not None:
                    for base in engine.mro(function.owner)[1:]:
                        if isinstance(base, Class):
                            found.setdefault(base, set()).add(function.name)
            self._overriding = {
                base: self._spread(engine.methods(base), names) for base, names in found.items()
            }
        return self._overriding.get(cls, frozenset())


def anybody(function: Function) -> Value | None:
    """Return what a method is bound to where that is not known."""
    if function.owner is None or function.binds == "nothing":
        return None
    if function.binds == "class":
        return ClassValue(function.owner)
    return Instance(function.owner, exact=False)


def generic(function: Function, receiver: Value) -> Value:
    """Return `receiver`, or any instance of the class of `function` for an instance of another."""
    if function.owner is None:
        return receiver
    if isinstance(receiver, ClassValue):
        return ClassValue(function.owner)
    return Instance(function.owner, exact=False) if isinstance(receiver, Instance) else receiver
