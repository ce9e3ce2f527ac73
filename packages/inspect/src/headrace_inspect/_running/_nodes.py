"""The nodes of the call graph: functions as they run with what is known of their arguments."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from headrace_inspect._names._values import UNKNOWN, Arguments, Value

from ._trees import NOTHING_HAPPENS, Tree

if TYPE_CHECKING:
    from headrace_inspect._names._entities import Class, Function


class Node:
    """Something that can run.

    Attributes:
        key: what it is; see `_engine`.
        function: the function of which it is the body or the step, or None.
        receiver: what the function is bound to, or None.
        tree: what it does; None before it has been looked at.
        returns: what it returns.
        yields: what it yields.
        telling: the arguments with which it runs, as far as they tell what it does.
        is_step: whether it is a function as a step, rather than its body.
        hub: of which set of functions it is one, or None.
        size: how far that has grown which it depends on, where it does; such a node is looked at
            last, and again when it has grown.
        steps: the steps that it is, each as the names of the flow and the step.
    """

    __slots__ = (
        "function",
        "hub",
        "is_open",
        "is_step",
        "key",
        "make",
        "receiver",
        "returns",
        "size",
        "steps",
        "telling",
        "tree",
        "yields",
    )

    def __init__(
        self,
        key: Hashable,
        make: Callable[[Node], None],
        function: Function | None = None,
        receiver: Value | None = None,
        *,
        telling: tuple[Value, ...] = (),
        is_step: bool = False,
    ) -> None:
        self.key = key
        self.make = make
        self.function = function
        self.receiver = receiver
        self.is_step = is_step
        self.tree: Tree | None = None
        self.returns: Value = UNKNOWN
        self.yields: Value = UNKNOWN
        self.telling = telling
        self.is_open = False
        self.hub: Hub | None = None
        self.size: Callable[[], int] | None = None
        self.steps: tuple[tuple[str, str], ...] = ()

    def look(self) -> bool:
        """Find out what it does, once; return whether that is known now.

        It is not known while it is being found out, nor of a late one before its time.
        """
        if self.tree is None and not self.is_open and self.size is None:
            self.is_open = True
            try:
                self.make(self)
            finally:
                self.is_open = False
                if self.tree is None:
                    self.tree = NOTHING_HAPPENS
        return self.tree is not None

    def takes(self, value: Value) -> bool:
        """Tell whether `value` is one of the arguments that it runs with."""
        return bool(self.telling) and value in self.telling

    def __repr__(self) -> str:
        """Show the function."""
        return f"<Node {'step ' if self.is_step else ''}{self.function} {self.receiver or ''}>"


@dataclass(slots=True, unsafe_hash=True)
class Hub:
    """A set of functions, of which nothing tells which one is called.

    Attributes:
        how: ``far`` for what those do that are not looked at, ``escaped`` for those that were lost
            sight of, ``attached`` for those of them that an
            object or a library has, ``library`` for those that a library has, ``exposed`` for those
            that a framework or another program may call, ``name`` for those called `name`,
            ``class`` for the methods of `cls` whose name fits `name`, ``override`` for the methods
            `name` of the subclasses of `cls`, ``methods`` for all methods, ``module`` for those of
            the file `name`, ``super`` for the methods `name` of the classes that come behind `cls`
            in the line of a common subclass, ``unasked`` for the methods that nobody calls by name,
            ``hooks`` for the methods of `cls` that a library may call while it runs the first of
            the two in `name`, called by the second, ``heirs`` for those of its subclasses too,
            ``lost`` for what is called `name` of that which was put into things of libraries,
            ``lost model`` for that and for the methods of models,
            ``tasks`` for the tasks whose name fits `name`, or for every task,
            ``routes`` for every route,
            ``all`` for all.
        name: see there.
        cls: see there.
    """

    how: str
    name: str = ""
    cls: Class | None = None


NO_ARGUMENTS = Arguments()
