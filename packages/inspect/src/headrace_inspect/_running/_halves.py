"""The two halves of a generator that a context manager is made of: to its yield, and from there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from ._nodes import Node
from ._trees import (
    NOTHING_HAPPENS,
    Block,
    Branch,
    Possible,
    Run,
    Tree,
    Try,
    Until,
    Yielded,
    block_of,
    is_left,
    parts_of,
)

if TYPE_CHECKING:
    from ._engine import Engine

Halves = tuple[Tree, Tree]


def halves(engine: Engine, made: Node) -> tuple[Node, Node]:
    """Return what the generator `made` does when it is entered, and what when it is left.

    Where its tree can't be cut, each of them may do all of it.
    """

    def look_at(place: int, node: Node) -> None:
        made.look()
        tree = made.tree or NOTHING_HAPPENS
        inner = tree.node if made.is_step and isinstance(tree, Run) else None
        if inner is not None:  # the function of a step: to the step belongs what it does
            inner.look()
            tree = inner.tree or NOTHING_HAPPENS
            node.steps = made.steps if place == 0 else ()
        node.tree = (_cut(tree) or (Possible(tree), Possible(tree)))[place]

    nodes = []
    for place, name in enumerate(("entered", "left")):
        key = (name, made.key)
        if key not in engine.nodes:
            look = partial(look_at, place)
            engine.nodes[key] = Node(key, look, made.function, made.receiver)
        nodes.append(engine.nodes[key])
    return nodes[0], nodes[1]


def _cut(tree: Tree) -> Halves | None:
    """Return what stands before the yield in `tree` and what behind it, or None if that is open."""
    match tree:
        case Yielded():
            return NOTHING_HAPPENS, NOTHING_HAPPENS
        case Block(items=items):
            return _cut_block(items)
        case Try(body=body) if (parts := _cut(body)) is not None:
            return parts[0], replace(tree, body=parts[1])
        case Until(body=body) if (parts := _cut(body)) is not None:
            return parts[0], Until(parts[1])
        case Branch(options=options):
            return _cut_branch(options)
    return None


def _cut_block(items: Sequence[Tree]) -> Halves | None:
    for place, item in enumerate(items):
        if _yields(item):
            parts = _cut(item)
            if parts is None:
                return None
            before, after = parts
            return block_of([*items[:place], before]), block_of([after, *items[place + 1 :]])
    return None


def _cut_branch(options: Sequence[Tree]) -> Halves | None:
    parts = [_cut(option) if _yields(option) else (option, NOTHING_HAPPENS) for option in options]
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    return Branch([before for before, _ in known]), Branch([after for _, after in known])


def yields(made: Node) -> bool:
    """Tell whether it is seen where the generator `made` yields, and that it ends."""
    tree = made.tree
    if made.is_step and isinstance(tree, Run):
        tree = tree.node.tree
    return tree is not None and _yields(tree) and not is_left(tree)


def _yields(tree: Tree) -> bool:
    waiting = [tree]
    while waiting:
        current = waiting.pop()
        if isinstance(current, Yielded):
            return True
        waiting.extend(parts_of(current))
    return False
