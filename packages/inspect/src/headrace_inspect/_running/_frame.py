"""Where code is read: a scope, the values of its variables so far, and the events so far."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from headrace_inspect._names._entities import Class, Function, Scope
from headrace_inspect._names._values import (
    UNKNOWN,
    Choice,
    Coroutine,
    Items,
    Many,
    Started,
    Value,
    choice_of,
)

from ._dispatch import evaluators
from ._exposure import Given, Place
from ._trees import (
    NOTHING_HAPPENS,
    Branch,
    Cross,
    Ended,
    Leave,
    Possible,
    Run,
    Tree,
    Where,
    block_of,
)

if TYPE_CHECKING:
    from ._engine import Engine
    from ._nodes import Hub, Node

DEEPEST_LISTS = 3


class Captured:
    """What `Frame.captured` gives."""

    __slots__ = ("_frame", "_outer")

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._outer = frame.events

    def __enter__(self) -> list[Tree]:
        events: list[Tree] = []
        self._frame.events = events
        return events

    def __exit__(self, *_: object) -> None:
        self._frame.events = self._outer


class Frame:
    """The state of reading one function, class or module.

    Args:
        engine: who is asked for values and nodes.
        scope: whose code is read.
        node: the node that the events are for; without one nothing is recorded of what is seen,
            and variables have the values that the scope gives them anywhere.
        variables: the variables and their values at the beginning.
        closure: the variables of the functions around it.

    Attributes:
        events: what has happened so far.
        in_transaction: whether a database transaction is seen to be open.
        returned: what has been returned.
        yielded: what has been yielded.
    """

    __slots__ = (
        "closure",
        "engine",
        "events",
        "in_transaction",
        "node",
        "returned",
        "scope",
        "variables",
        "yielded",
    )

    def __init__(
        self,
        engine: Engine,
        scope: Scope,
        node: Node | None = None,
        variables: dict[str, Value] | None = None,
        closure: dict[str, Value] | None = None,
    ) -> None:
        self.engine = engine
        self.scope = scope
        self.node = node
        self.variables = variables if variables is not None else {}
        self.closure = closure if closure is not None else {}
        self.events: list[Tree] = []
        self.in_transaction = False
        self.returned: list[Value] = []
        self.yielded: list[Value] = []

    @property
    def is_recorded(self) -> bool:
        """Whether this is a run, rather than a look at one expression."""
        return self.node is not None

    def where(self, node: ast.AST) -> Where:
        """Return the line of `node`."""
        return Where(self.scope.module.path, getattr(node, "lineno", 0))

    def emit(self, tree: Tree) -> None:
        """Let `tree` happen now."""
        self.events.append(tree)

    def maybe(self, hub: Hub, node: ast.AST) -> None:
        """Let one of the functions of `hub` run now, possibly."""
        if self.is_recorded and not self._is_noted(hub):
            self.emit(self.any_of(hub, node))

    def _is_noted(self, hub: Hub) -> bool:
        """Tell whether the same is possible just before, with nothing sure in between."""
        for event in reversed(self.events):
            if type(event) is not Possible or type(event.body) is not Run:
                return False
            if event.body.node.hub == hub:
                return True
        return False

    def any_of(self, hub: Hub, node: ast.AST) -> Tree:
        """Return that one of the functions of `hub` runs, possibly."""
        return Possible(Run(self.engine.hub(hub), self.where(node)))

    def escape(self, tree: Tree, place: Place, word: str = "") -> None:
        """Note that `tree` is put where it is lost sight of, perhaps under the name `word`."""
        if self.node is not None:
            self.engine.exposure.escaped.append(Given(self.node, tree, place, word))

    def expose(self, tree: Tree) -> None:
        """Note that a framework or another program may run `tree`."""
        if self.node is not None:
            self.engine.exposure.outside.append(Given(self.node, tree))

    def leave_to_library(self, tree: Tree) -> None:
        """Note that a library may run `tree` at times that no call shows."""
        if self.node is not None:
            self.engine.exposure.anytime.append(Given(self.node, tree))

    def expose_class(self, cls: Class) -> None:
        """Note that the methods of `cls` may be called by anybody."""
        if self.node is not None:
            self.engine.exposure.classes[self.node, cls] = None

    def lose_class(self, cls: Class) -> None:
        """Note that an instance of `cls` is put where it is lost sight of."""
        if self.node is not None:
            self.engine.exposure.lost[self.node, cls] = None

    def note(self, tree: Tree) -> None:
        """Note that what `tree` runs is put into a place of its own."""
        if self.node is not None:
            self.engine.exposure.noted.append(Given(self.node, tree))

    def captured(self) -> Captured:
        """Collect what happens in the block in a list of its own, and record it nowhere else."""
        return Captured(self)

    def evaluate(self, expression: ast.expr) -> Value:
        """Return what `expression` stands for; what its evaluation runs happens now."""
        return evaluators[type(expression)](self, expression)

    def resolved(self, expression: ast.expr) -> Value:
        """Return what `expression` stands for, looking at what calls return."""
        return self.engine.resolve(self.evaluate(expression))

    def name(self, name: str) -> Value:
        """Return what `name` stands for here and now."""
        scope = self.scope
        value = self.variables.get(name)
        if value is not None:
            if isinstance(scope, Function) and name in scope.module.changes.rebound:
                return choice_of([value, UNKNOWN])
            return value
        if not isinstance(scope, Function):
            return self.engine.lookup(name, scope)
        if self.is_recorded and name in scope.bindings.names:
            if name in scope.bindings.outside:
                return self.engine.lookup(name, scope.parent)
            return UNKNOWN  # not bound yet
        value = self.closure.get(name)
        if value is not None:
            return value
        return self.engine.lookup(name, scope.parent if self.is_recorded else scope)

    def consume(self, value: Value, depth: int = 0) -> Value:
        """Let what is to be awaited in `value` run now, and return what it gives.

        Lists in lists are taken apart so far, since a function may return a list of its results.
        """
        if depth > DEEPEST_LISTS:
            return UNKNOWN
        value = self.engine.resolve(value)
        match value:
            case Coroutine(tree=tree, result=result):
                self.emit(tree)
                return result
            case Started(tree=tree, result=result):
                self.emit(Ended(tree))
                return result
            case Items(items=items):
                return Items(tuple([self.consume(item, depth + 1) for item in items]))
            case Many(items=items):
                return Many(tuple([self.consume(item, depth + 1) for item in items]))
            case Choice(options=options):
                return self.one_of(options, lambda option: self.consume(option, depth + 1))
        return value

    def one_of(self, options: Sequence[Value], use: Callable[[Value], Value]) -> Value:
        """Let one of `options` be used, whichever it is, and return what that gives."""
        trees: list[Tree] = []
        results: list[Value] = []
        for option in options:
            with self.captured() as events:
                results.append(use(option))
            trees.append(block_of(events))
        if any(tree is not NOTHING_HAPPENS for tree in trees):
            self.emit(Branch(trees))
        return choice_of(results)

    def hurry(self, since: int = 0) -> None:
        """Let the iterator run here that was made by the last of the events from `since` on."""
        if len(self.events) > since:
            last = self.events[-1]
            if type(last) is Cross and last.is_lazy:
                self.events[-1] = last.body

    def generator(self, since: int) -> Run | None:
        """Return the run of a generator function if it is the last of the events from `since`."""
        last = self.events[-1] if len(self.events) > since else None
        if type(last) is not Run or last.node.function is None:
            return None
        return last if last.node.function.is_generator else None

    def enters(self, node: Node) -> None:
        """Take back that the context manager `node`, if made just now, is entered by others."""
        if self.events:
            last = self.events[-1]
            if type(last) is Possible and type(last.body) is Run and last.body.node is node:
                self.events.pop()

    def leave(self, how: str) -> None:
        """Let control leave what is around."""
        self.emit(_LEAVES[how])

    def branch(self) -> dict[str, Value]:
        """Return the variables as they are now, to come back to."""
        return dict(self.variables)

    def merge(self, paths: list[dict[str, Value]]) -> None:
        """Let the variables have the values that they have on one of these paths."""
        if not paths:
            return
        first, *others = paths
        merged = dict(first)
        for other in others:
            for name, value in other.items():
                before = merged.get(name)
                if before is None:
                    merged[name] = value
                elif before is not value and before != value:
                    merged[name] = choice_of([before, value])
        self.variables = merged

    def tree(self) -> Tree:
        """Return what has happened as one tree."""
        return block_of(self.events)


_LEAVES: dict[str, Tree] = {
    "return": Leave("return"),
    "raise": Leave("raise"),
    "break": Leave("break"),
    "continue": Leave("continue"),
}
