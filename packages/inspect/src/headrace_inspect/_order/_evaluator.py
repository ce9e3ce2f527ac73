"""Follows a node's tree from beginning to end, and notes which steps have run before which."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from typing import Any, ClassVar, NamedTuple

from headrace_inspect._running._nodes import Node
from headrace_inspect._running._trees import (
    NOTHING_HAPPENS,
    QUEUES,
    Block,
    Branch,
    Cross,
    Ended,
    Later,
    Leave,
    Loop,
    Open,
    Parallel,
    Possible,
    Rounds,
    Run,
    Spawn,
    Team,
    Tree,
    Try,
    Until,
    Where,
    Within,
    Yielded,
)

from ._sets import RunSets, Steps


class State(NamedTuple):
    """What may have happened on the way to a point in a tree, as bits.

    Attributes:
        before: the steps that have run.
        handed: the steps that were handed over, and may run only now.
        apart: the steps of tasks that have begun, and that nothing has awaited yet.
    """

    before: int = 0
    handed: int = 0
    apart: int = 0


Reached = State | None
Exits = dict[str, Reached]
# Told of each call: the node, the steps that it runs, what has run before, where.
Note = Callable[[Node, Steps, State, Where], None]


class Evaluator:
    """Evaluates the trees of nodes.

    Args:
        sets: what each node runs.
        note: told of each call that runs steps, with what has run before it.

    Attributes:
        endless: the nodes that never return.
    """

    def __init__(self, sets: RunSets, note: Note) -> None:
        self._sets = sets
        self._note = note
        self._possibly = sets.possibly
        self.endless: set[Node] = set()
        self._begin(None)

    def _begin(self, node: Node | None) -> None:
        self._node = node
        self._exits: Exits = {}
        self._until: list[Tree] = []
        self._last: list[Tree] = []
        self._bodies: list[tuple[Tree, Exits]] = []
        self._entered: list[Tree] = []
        self._is_queued = False
        self._is_left = False

    def node(self, node: Node) -> None:
        """Evaluate what `node` does."""
        tree = node.tree
        if tree is None or tree is NOTHING_HAPPENS:
            return
        self._begin(node)
        end = self.tree(tree, State(self._sets.bits(node), 0))
        end = join(end, self._exits.get("return"))
        if end is None and node.function is not None and not node.function.is_generator:
            self.endless.add(node)
        at_end = join(end, self._exits.get("raise")) or State(self._sets.of_tree(tree).all, 0)
        for later in (*self._until, *self._last):
            at_end = self.tree(later, at_end) or at_end

    def tree(self, tree: Tree, state: Reached) -> Reached:
        """Evaluate `tree`, reached with `state`; None where it cannot be reached."""
        if state is None:
            return None
        handler = self._HANDLERS.get(type(tree))
        return handler(self, tree, state) if handler is not None else state

    # --- calls ------------------------------------------------------------------------------------

    def _run(self, tree: Run, state: State) -> Reached:
        steps = self._steps_of(tree.node)
        after = self._called(tree.node, steps, state, tree.where)
        return None if self._is_endless(tree.node) and not self._is_queued else after

    def _is_endless(self, node: Node) -> bool:
        if node in self.endless:
            return True
        function = node.function
        # Of what runs no step, the statements alone are looked at.
        return not self._sets.of(node).all and function is not None and function.never_returns

    def _steps_of(self, node: Node) -> Steps:
        sets, own = self._sets, self._node
        steps = sets.of(node)
        if own is not None and not self._possibly:
            home = sets.component.get(own)
            if sets.component.get(node) == home and steps.all:
                # What comes only round the circle is not before: it is the next round.
                steps = sets.avoiding(node, own) if node is not own else Steps()
        if self._is_queued:
            if not sets.is_task(node):
                return steps._replace(queued=steps.all, plain=0)
            # What the task calls is called, although the task itself comes over a queue.
            return steps._replace(queued=steps.queued | sets.bits(node))
        return steps

    def _called(self, node: Node, steps: Steps, state: State, where: Where) -> State:
        if not steps.all:
            return state
        if steps.apart & ~state.before and state.apart and not self._possibly:
            # Its tasks run at the same time as those that have begun.
            alone = State(state.before & ~state.apart, state.handed)
            self._note(node, _masked(steps, steps.apart), alone, where)
            self._note(node, _masked(steps, ~steps.apart), state, where)
        else:
            self._note(node, steps, state, where)
        return State(
            state.before | steps.all, state.handed | steps.later, state.apart | steps.apart
        )

    def _within(self, tree: Within, state: State) -> Reached:
        bits = self._sets.bits(tree.node)
        begun: Reached = self._called(tree.node, Steps(bits, 0, bits), state, tree.where)
        generator = _generator(tree.node)
        if generator is None or generator in self._entered:  # one that enters itself
            return self.tree(tree.body, self._run(Run(tree.node, tree.where), state))
        outer, self._exits = self._exits, {}
        was_left, self._is_left = self._is_left, False
        self._bodies.append((tree.body, outer))
        self._entered.append(generator)
        end = self.tree(generator, begun)
        self._entered.pop()
        self._bodies.pop()
        end = join(end, self._exits.get("return"))
        self._exits = outer
        is_left, self._is_left = self._is_left, was_left
        if is_left and self._possibly and _may_swallow(tree.node):
            run = self._sets.of_tree(tree.body).all
            return State(state.before | run, state.handed, state.apart)
        return None if is_left else end

    def _yielded(self, tree: Yielded, state: State) -> Reached:
        if not self._bodies:
            return state
        body, outer = self._bodies[-1]
        bodies, self._bodies = self._bodies, self._bodies[:-1]
        own, self._exits = self._exits, outer
        end = self.tree(body, state)
        self._bodies, self._exits = bodies, own
        if end is None:
            # The with statement is left by a return or an exception; its end runs all the same.
            self._is_left = True
            return State(state.before | self._sets.of_tree(body).all, state.handed, state.apart)
        return end

    def _cross(self, tree: Cross, state: State) -> Reached:
        was_queued = self._is_queued
        self._is_queued = was_queued or tree.kind in QUEUES
        end = self.tree(tree.body, state) or state
        self._is_queued = was_queued
        if tree.is_later and self._possibly:
            run = self._sets.of_tree(tree.body).all
            return State(end.before, end.handed | run, end.apart | state.apart)
        return State(end.before, end.handed, end.apart | state.apart)

    def _possible(self, tree: Possible, state: State) -> Reached:
        if not self._possibly:
            return state
        return join(state, self.tree(tree.body, state))

    def _open(self, tree: Open, state: State) -> Reached:
        bit = self._sets.opened(tree.flow)
        return State(state.before | bit, state.handed, state.apart)

    # --- order ------------------------------------------------------------------------------------

    def _block(self, tree: Block, state: State) -> Reached:
        reached: Reached = state
        for item in tree.items:
            reached = self.tree(item, reached)
            if reached is None:
                return None
        return reached

    def _branch(self, tree: Branch, state: State) -> Reached:
        return join(*[self.tree(option, state) for option in tree.options])

    def _parallel(self, tree: Parallel, state: State) -> Reached:
        ends = []
        for branch in tree.branches:
            begun = state
            if self._possibly:
                others = [self._sets.of_tree(one).all for one in tree.branches if one is not branch]
                begun = State(state.before | _union(others), state.handed, state.apart)
            ends.append(self.tree(branch, begun) or state)
        return _all_of(state, ends) if ends else state

    def _loop(self, tree: Loop, state: State) -> Reached:
        begun = state
        if self._possibly:
            round_ = self._sets.of_tree(tree.body)
            begun = State(
                state.before | round_.all, state.handed | round_.later, state.apart | round_.apart
            )
        outer = self._swap("break", "continue")
        end = join(self.tree(tree.body, begun), self._exits.get("continue"))
        broken = self._exits.get("break")
        self._exits.update(outer)
        finished = None if tree.is_endless else join(state, end)
        return join(self.tree(tree.orelse, finished), broken)

    def _rounds(self, tree: Rounds, state: State) -> Reached:
        outer = self._swap("break", "continue")
        reached: Reached = state
        broken: Reached = None
        for round_ in tree.rounds:
            self._exits["continue"] = None
            reached = join(self.tree(round_, reached), self._exits.get("continue"))
            broken = join(broken, self._exits.get("break"))
        self._exits.update(outer)
        return join(self.tree(tree.orelse, reached), broken)

    def _swap(self, *names: str) -> Exits:
        outer = {name: self._exits.get(name) for name in names}
        self._exits.update(dict.fromkeys(names))
        return outer

    def _try(self, tree: Try, state: State) -> Reached:
        names = ("return", "raise", "break", "continue")
        outer = self._swap(*names) if tree.final is not NOTHING_HAPPENS else {}
        ended = self.tree(tree.body, state)
        run = self._sets.of_tree(tree.body)
        anywhere = _after(state, run)
        caught = [self.tree(handler, anywhere) for handler in tree.handlers]
        swallows = tree.swallows or (tree.swallows is None and self._possibly)
        end = join(self.tree(tree.orelse, ended), *caught, anywhere if swallows else None)
        if not outer:
            return end
        inner = {name: self._exits.get(name) for name in names}
        self._exits.update(outer)
        return self._finally(tree, end, inner, anywhere)

    def _finally(self, tree: Try, end: Reached, exits: Exits, anywhere: State) -> Reached:
        """Evaluate the ``finally`` of `tree`, which the exits out of it lead through too."""
        before = join(end, *exits.values(), anywhere)
        after = self.tree(tree.final, before)
        if after is None:
            return None
        run = self._sets.of_tree(tree.final)
        for name, state in exits.items():
            if state is not None:
                self._leave_with(name, _after(state, run))
        return None if end is None else _after(end, run)

    def _leave(self, tree: Leave, state: State) -> Reached:
        self._leave_with(tree.how, state)
        return None

    def _leave_with(self, how: str, state: State) -> None:
        self._exits[how] = join(self._exits.get(how), state)

    # --- put off ----------------------------------------------------------------------------------

    def _later(self, tree: Later, state: State) -> Reached:
        (self._last if tree.is_last else self._until).append(tree.body)
        if not self._possibly:
            return state
        run = self._sets.of_tree(tree.body).all
        self.tree(tree.body, state)
        return State(state.before, state.handed | run, state.apart)

    def _until_end(self, tree: Until, state: State) -> Reached:
        outer, self._until = self._until, []
        left = self._swap("return")
        end = self.tree(tree.body, state)
        waiting, self._until = self._until, outer
        returned = self._exits.get("return")
        self._exits.update(left)
        at_end = join(end, returned) or State(self._sets.of_tree(tree.body).all | state.before, 0)
        run = 0
        for later in reversed(waiting) if tree.is_stack else waiting:
            at_end = self.tree(later, at_end) or at_end
            run |= self._sets.of_tree(later).all
        if returned is not None:
            self._leave_with("return", State(returned.before | run, *returned[1:]))
        return None if end is None else State(end.before | run, end.handed, end.apart)

    def _team(self, tree: Team, state: State) -> Reached:
        end = self.tree(tree.body, state)
        return None if end is None else State(end.before, end.handed, end.apart & state.apart)

    def _spawn(self, tree: Spawn, state: State) -> Reached:
        begun = state
        if not self._possibly:
            begun = State(state.before & ~state.apart, state.handed)
        self.tree(tree.body, begun)
        run = self._sets.of_tree(tree.body).all
        return State(state.before | run, state.handed | run, state.apart | run)

    def _ended(self, tree: Ended, state: State) -> Reached:
        run = self._sets.of_tree(tree.body).all
        return State(state.before | run, state.handed, state.apart & ~run)

    _HANDLERS: ClassVar[dict[type, Callable[[Evaluator, Any, State], Reached]]] = {
        Block: _block,
        Branch: _branch,
        Cross: _cross,
        Ended: _ended,
        Later: _later,
        Leave: _leave,
        Loop: _loop,
        Open: _open,
        Parallel: _parallel,
        Possible: _possible,
        Rounds: _rounds,
        Run: _run,
        Spawn: _spawn,
        Team: _team,
        Try: _try,
        Until: _until_end,
        Within: _within,
        Yielded: _yielded,
    }


def _after(state: State, run: Steps) -> State:
    """Return what may have happened when `run` has, from `state` on."""
    return State(state.before | run.all, state.handed | run.later, state.apart | run.apart)


def _all_of(state: State, ends: list[State]) -> Reached:
    """Return what may have happened when each of `ends` has, from `state` on."""
    apart = begun = state.apart
    for end in ends:
        apart &= end.apart
    every = join(*ends) or state
    return State(every.before, every.handed, apart | every.apart & ~begun)


def _masked(steps: Steps, mask: int) -> Steps:
    return Steps(*[part & mask for part in steps])


def join(*states: Reached) -> Reached:
    """Return what may have happened on any of these ways."""
    before = handed = apart = 0
    is_reached = False
    for state in states:
        if state is not None:
            is_reached = True
            before |= state[0]
            handed |= state[1]
            apart |= state[2]
    return State(before, handed, apart) if is_reached else None


def _union(masks: Iterable[int]) -> int:
    union = 0
    for mask in masks:
        union |= mask
    return union


def _may_swallow(node: Node) -> bool:
    """Tell whether the generator function that `node` is may go on after an exception."""
    if node.function is None:
        return True
    inner = ast.walk(node.function.node)
    return any(isinstance(one, ast.Try | ast.TryStar) and one.handlers for one in inner)


def _generator(node: Node) -> Tree | None:
    """Return the tree of the generator function that `node` is, or is a step of."""
    tree = node.tree
    if node.is_step and isinstance(tree, Run):
        tree = tree.node.tree
    return tree
