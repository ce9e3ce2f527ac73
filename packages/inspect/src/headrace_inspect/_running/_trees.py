"""What a function does, reduced to what it runs: trees of events.

The order in a tree is the order in time, but for what is said otherwise. Trees are compared by
identity.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from ._nodes import Node

Kind = Literal["call", "enqueue", "on_commit", "canvas", "http"]
Exit = Literal["return", "raise", "break", "continue"]

QUEUES = frozenset(["enqueue", "canvas"])


class Where(NamedTuple):
    """A line of the source.

    Attributes:
        path: the file's absolute path.
        line: the line, from 1.
    """

    path: str
    line: int


class Tree:
    """Something that happens; by itself, nothing."""

    __slots__ = ()


NOTHING_HAPPENS = Tree()


@dataclass(slots=True, eq=False)
class Run(Tree):
    """`node` runs, here and now."""

    node: Node
    where: Where


@dataclass(slots=True, eq=False)
class Open(Tree):
    """The flow is opened, as by an entrypoint."""

    flow: str


@dataclass(slots=True, eq=False)
class Possible(Tree):
    """The body may run, but nothing in the source says that it does."""

    body: Tree


@dataclass(slots=True, eq=False)
class Block(Tree):
    """One after the other."""

    items: Sequence[Tree]


@dataclass(slots=True, eq=False)
class Branch(Tree):
    """One of these."""

    options: Sequence[Tree]


@dataclass(slots=True, eq=False)
class Parallel(Tree):
    """All of these at once."""

    branches: Sequence[Tree]


@dataclass(slots=True, eq=False)
class Loop(Tree):
    """The body, any number of times; then `orelse`, unless a break has ended it.

    Attributes:
        body: what is repeated.
        orelse: what follows when it ends by itself.
        is_endless: whether it ends by a break alone.
    """

    body: Tree
    orelse: Tree = NOTHING_HAPPENS
    is_endless: bool = False


@dataclass(slots=True, eq=False)
class Rounds(Tree):
    """A loop over known items: each round in turn; then `orelse`, unless a break has ended it."""

    rounds: Sequence[Tree]
    orelse: Tree = NOTHING_HAPPENS


@dataclass(slots=True, eq=False)
class Try(Tree):
    """The body, interrupted by one of the handlers or followed by `orelse`; then `final`."""

    body: Tree
    handlers: Sequence[Tree] = ()
    orelse: Tree = NOTHING_HAPPENS
    final: Tree = NOTHING_HAPPENS
    swallows: bool | None = False
    """Whether the body may be interrupted without a handler, as by ``contextlib.suppress``; None
    where that is not known."""


@dataclass(slots=True, eq=False)
class Leave(Tree):
    """Control leaves what is around it."""

    how: Exit


@dataclass(slots=True, eq=False)
class Cross(Tree):
    """The body runs beyond a boundary.

    Attributes:
        kind: which; ``call`` where it is the same process.
        body: what runs there.
        is_later: whether it is handed over, and so may also run after what follows.
        is_lazy: whether it runs when it is iterated over.
    """

    kind: Kind
    body: Tree
    is_later: bool = True
    is_lazy: bool = False


@dataclass(slots=True, eq=False)
class Team(Tree):
    """A block that ends when all have ended that its `Spawn`s began."""

    body: Tree


@dataclass(slots=True, eq=False)
class Spawn(Tree):
    """The body begins to run, at the same time as what other `Spawn`s began and has not ended."""

    body: Tree


@dataclass(slots=True, eq=False)
class Ended(Tree):
    """What a `Spawn` of `body` began has ended: it was awaited."""

    body: Tree


@dataclass(slots=True, eq=False)
class Later(Tree):
    """The body runs when the `Until` around it ends, or else the function.

    Attributes:
        body: what runs then.
        is_last: whether it waits for the function's end in any case.
    """

    body: Tree
    is_last: bool = False


@dataclass(slots=True, eq=False)
class Until(Tree):
    """A block at whose end runs what was put off in it.

    Attributes:
        body: what runs until then.
        is_stack: whether what was put off last runs first.
    """

    body: Tree
    is_stack: bool = False


@dataclass(slots=True, eq=False)
class Yielded(Tree):
    """Here a generator yields; in a context manager the with statement's body runs."""


@dataclass(slots=True, eq=False)
class Within(Tree):
    """The context manager that the generator `node` makes, around the body of a with statement."""

    node: Node
    body: Tree
    where: Where


def block_of(items: Sequence[Tree]) -> Tree:
    """Return `items` as one tree."""
    if not items:
        return NOTHING_HAPPENS
    return items[0] if len(items) == 1 else Block(items)


def is_left(tree: Tree) -> bool:
    """Tell whether control never comes to what stands behind `tree`, seen by statements alone."""
    match tree:
        case Leave():
            return True
        case Block(items=items):
            return is_left(items[-1])
        case Branch(options=options):
            return bool(options) and all(is_left(option) for option in options)
        case Try(handlers=handlers, swallows=False):
            body = is_left(tree.body) or is_left(tree.orelse)
            return is_left(tree.final) or (body and all(is_left(one) for one in handlers))
        case Loop(is_endless=True, body=body):
            return not _has_break(body)
    return False


def _has_break(tree: Tree) -> bool:
    waiting = [tree]
    while waiting:
        current = waiting.pop()
        if isinstance(current, Leave) and current.how == "break":
            return True
        inner = [current.orelse] if isinstance(current, Loop | Rounds) else parts_of(current)
        waiting.extend(inner)
    return False


def parts_of(tree: Tree) -> Sequence[Tree]:
    """Return the trees that `tree` directly consists of."""
    parts = _PARTS.get(type(tree))
    return parts(tree) if parts is not None else ()


def _body(tree: Any) -> Sequence[Tree]:
    return (tree.body,)


# By type: a match statement takes three times as long, and this is asked half a million times.
_PARTS: dict[type[Tree], Callable[[Any], Sequence[Tree]]] = {
    Block: lambda tree: tree.items,
    Branch: lambda tree: tree.options,
    Parallel: lambda tree: tree.branches,
    Loop: lambda tree: (tree.body, tree.orelse),
    Rounds: lambda tree: (*tree.rounds, tree.orelse),
    Try: lambda tree: (tree.body, *tree.handlers, tree.orelse, tree.final),
    **dict.fromkeys((Possible, Cross, Team, Spawn, Later, Until, Within), _body),
}
