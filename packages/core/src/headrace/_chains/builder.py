"""Chains under construction: each step is checked, named and declared as it is added."""

from __future__ import annotations

import weakref
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn, cast

from . import arguments, prefixes
from .arguments import CHAIN
from .definition import USUAL, Definition
from .errors import FrozenChainError
from .plan import SPECIAL, Compiler, Plan, compiled
from .references import Literal, binding, operand
from .scope import names_clash
from .step import Step

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from headrace._flows.graph import FlowGraph

    from .definition import Settings
    from .flow_entry import Membership
    from .plan import Row
    from .prefixes import Outline
    from .references import Bind
    from .step import Call


class Builder(Definition):
    """A definition that can be extended.

    Args:
        settings: the chain's settings; None for the defaults.
        awaits: whether the chain awaits coroutines.
        allow_sync: whether its steps may be sync functions.
        flow: the name of the flow that the steps are declared in, or ``""``.
        owner: the chain; when it is garbage-collected, its steps leave the flow.
    """

    __slots__ = ("_membership", "_owner", "flow")

    def __init__(
        self, settings: Settings | None, awaits: bool, allow_sync: bool, flow: str, owner: object
    ) -> None:
        Definition.__init__(self, settings or USUAL, awaits, allow_sync, flow)
        self.flow = flow
        if flow:
            self._owner = weakref.ref(owner)
            self._membership: Membership | None = None

    def copy(self, owner: object) -> Builder:
        """Return an independent copy, for the chain `owner`."""
        copied = Builder(self.settings, self.awaits, self.allow_sync, self.flow, owner)
        self.copy_to(copied)
        if self.flow and self._membership is not None:
            copied._membership = self._membership.copy(owner)
        return copied

    def copy_values(self, memo: dict[int, Any]) -> None:
        """Deep-copy the `put` values; those that cannot be copied stay shared."""
        from copy import deepcopy

        for key, value in self.values.items():
            with suppress(Exception):  # such as a lock or a connection
                self.values[key] = deepcopy(value, memo)

    # --- steps ------------------------------------------------------------------------------------

    def record(self, call: Call) -> bool:
        """Record a call to `Chain.next` and return True, if it is known to be valid here.

        Raises:
            DuplicateStepError: another function has this step name in the flow.
        """
        if self.prefix is None or self._items is not None:
            return False
        prefix = prefixes.find(self.prefix, call)
        if prefix is None:
            return False
        function, out, args, kwargs, name, log_fmt, options = call
        kept_kwargs = None if kwargs is None else {**kwargs}  # the caller may modify both
        kept = function, out, (*args,), kept_kwargs, name, log_fmt, options
        if self.flow:
            self._declare(prefix.name, kept, prefix.after)
        self.calls.append(kept)
        self.prefix = prefix
        return True

    def add_step(self, call: Call) -> None:
        """Add a step that calls a function.

        Args:
            call: the arguments of `Chain.next`.

        Raises:
            TypeError: an argument has the wrong type.
            ValueError: an argument has an invalid value; the message says why.
            DuplicateStepError: another function has this step name in the flow.
        """
        step = self.step_of(call)
        if step.undo is not None and not self.allow_sync:
            self._check_function(step.undo)
        scope = self.scope
        name = scope.names.free(step)
        scope.check(step, name)
        if self.flow:
            self._declare(name, step, self.last)
        scope.enter(step, name, self.values)
        self.add(step, (name,), scope, call)

    def add_chain(self, call: Call, inner: Builder, name: str) -> None:
        """Add a step that runs a nested chain.

        Args:
            call: the arguments of `Chain.next`.
            inner: the nested chain.
            name: the default name of the step.

        Raises:
            TypeError: an argument has the wrong type.
            ValueError: an argument has an invalid value; the message says why.
            DuplicateStepError: another function has the name of one of the steps in the flow.
        """
        step = Step.of(call, CHAIN, awaits=self.awaits)
        if not inner.items:
            raise ValueError("a chain used as a step needs at least one step")
        for function in inner.functions():
            self._check_function(function)
        step.take_chain(inner, name)
        scope = self.scope.copy()
        compiler = Compiler(self.flow, self.awaits, scope.names)
        placed, last = compiler.chain(step, inner, self.settings, self.last)
        inside = inner.scope.copy()
        if step.has_inputs:
            inside.open.clear()
        if step.out is not None:
            inside.outputs.clear()
        scope.merge([(inside, inner.values)], self.values)
        scope.check(step, placed.name)
        scope.enter(step, placed.name, self.values)
        if placed.plan is not None:
            self._declare_all(placed.plan)
        self.add(step, last, scope)

    def add_branches(self, branches: Sequence[Builder]) -> None:
        """Add branches that run concurrently.

        Raises:
            ValueError: a branch is empty, two have the same output, or one refers to another's
                output.
            DuplicateStepError: another function has the name of one of the steps in the flow.
        """
        if not all(branch.items for branch in branches):
            raise ValueError("a branch needs at least one step")
        scope = self.scope.copy()
        scope.merge([(branch.scope, branch.values) for branch in branches], self.values)
        if self.flow or names_clash([each.scope for each in (self, *branches)]):
            whole = Definition(self.settings, self.awaits, self.allow_sync)
            whole.items.append(tuple(branches))
            compiler = Compiler(self.flow, self.awaits, scope.names)
            plan, last = compiler.plan(whole, self.settings, self.last)
            self._declare_all(plan)
        else:  # shortcut: no step has to be renamed
            scope.names.taken.update(*(branch.scope.names.taken for branch in branches))
            last = tuple([name for branch in branches for name in branch.last])
        self.add(tuple(branches), last, scope)

    def _check_function(self, function: Any) -> None:
        arguments.step_kind(function, awaits=self.awaits, allow_sync=self.allow_sync)

    def _declare_all(self, plan: Plan) -> None:
        if self.flow:
            places = plan.places()
            for step in plan.all_steps():
                self._declare(step.name, step, step.info.after, places.get(step.name, ""))

    def _declare(
        self, name: str, step: Step | Call, after: tuple[str, ...], branch: str = ""
    ) -> None:
        if self._membership is None:
            from .flow_entry import Membership

            self._membership = Membership(self._owner, self.flow)
        self._membership.declare(name, step, after, branch)

    def refuse(self, *, is_part: bool) -> NoReturn:
        """Raise the error for an attempt to change a frozen chain.

        Args:
            is_part: whether it is part of another chain.

        Raises:
            FrozenChainError: always.
        """
        if is_part:
            reason = (
                "this chain is already a branch or a step of another chain and can no longer "
                "change; add all steps before parallel() or next(), or extend a copy()"
            )
        else:
            reason = (
                "this chain has already run and can no longer change; pass values that differ per "
                "run as inputs, as in chain.run(order=order), and add steps to a copy()"
            )
        raise FrozenChainError(reason=reason)

    # --- the whole chain --------------------------------------------------------------------------

    def plan(self) -> Plan:
        """Return the plan that the chain's runs follow."""
        return plan_of(self, self.flow)

    def compiled(self) -> Plan:
        """Return the plan, compiled in full."""
        return compiled(self, self.flow)

    def graph(self, plan: Plan | None) -> FlowGraph:
        """Return the chain as a graph.

        Args:
            plan: the plan, if there is one already.
        """
        from headrace._flows.graph import build_graph

        from .flow_entry import notes_of

        plan = plan or self.compiled()
        steps, branches = [*plan.all_steps()], plan.places()
        notes = {step.name: notes_of(step, branches.get(step.name, "")) for step in steps}
        return build_graph(self.flow or "chain", [step.info for step in steps], notes)

    def problems(self, plan: Plan | None, inputs: Iterable[str]) -> list[str]:
        """Return one line per problem with the references.

        Args:
            plan: the plan, if there is one already.
            inputs: the names of the inputs that `run` will get.
        """
        from .inputs import problems_of

        return problems_of(plan or self.compiled(), inputs)

    def inputs(self, plan: Plan | None) -> tuple[str, ...]:
        """Return the names of the inputs that the references need.

        Args:
            plan: the plan, if there is one already.
        """
        from .inputs import inputs_of

        return inputs_of(plan or self.compiled())


# --- chains whose calls were only recorded --------------------------------------------------------


def plan_of(definition: Definition, flow: str) -> Plan:
    """Return the plan of a chain, and store its outline for chains that make the same calls.

    Args:
        definition: the chain.
        flow: the name of its flow, or ``""``.
    """
    prefix = definition.prefix
    if prefix is None or definition.settings.has_hooks:
        return compiled(definition, flow)
    # They differ if a signal arrived between the recording and the update of the prefix.
    is_recorded = definition.is_recorded and len(definition.calls) == prefix.depth
    if is_recorded and prefix.outlines is not None:
        return RecordedPlan(definition, flow, prefix.outlines, prefix.has_templates)
    plan = compiled(definition, flow)
    prefix.has_templates, prefix.outlines = plan.has_templates, _outlines(plan)
    return plan


class RecordedPlan(Plan):
    """A plan whose rows are known without its steps, which are compiled when first needed.

    Args:
        definition: the chain.
        flow: the name of its flow, or ``""``.
        outlines: the outlines of its steps.
        has_templates: whether a step has a line to log.
    """

    __slots__ = ("_compiled", "_definition", "_flow")

    def __init__(
        self,
        definition: Definition,
        flow: str,
        outlines: tuple[Outline, ...],
        has_templates: bool,
    ) -> None:
        self._definition = definition
        self._flow = flow
        self._compiled: dict[str, Plan] = {}
        self.settings = settings = definition.settings
        self.values = definition.values.copy()
        self.has_deadline = settings.has_deadline
        self.has_hooks = False
        rows: list[Row] = []
        waiting = iter(outlines)
        for call in definition.calls:
            if type(call) is tuple:
                info, key, out, bind = next(waiting)
                if info is None:
                    rows.append(SPECIAL)
                elif key is not None:
                    rows.append((info, key, call[0], out))
                else:
                    bind = bind or _binding(call, info.name, settings.strict)
                    rows.append((info, None, bind(call[0]), out))
        self.silent_rows = tuple(rows)
        self.has_templates = has_templates
        if not has_templates:
            self.rows = self.silent_rows

    if not TYPE_CHECKING:  # else a type checker would accept every name

        def __getattr__(self, name: str) -> Any:
            """Return an attribute that needs the compiled plan."""
            # All threads get the plan of the first, since steps are compared by identity.
            made = self._compiled
            plan = made.get("plan") or made.setdefault(
                "plan", compiled(self._definition, self._flow)
            )
            return getattr(plan, name)


def _outlines(plan: Plan) -> tuple[Outline, ...]:
    outlines: list[Outline] = []
    # There are no branches: calls to parallel() are not recorded.
    steps = cast("Sequence[Step]", plan.steps)
    for step, (info, key, _, out) in zip(steps, plan.silent_rows, strict=True):
        operands = (*step.args, *step.kwargs.values())
        has_literals = any(isinstance(each, Literal) for each in operands)
        is_wrapped = (
            step.target is not step.function
        )  # a generator function, wrapped anew for each chain
        bind = None if has_literals else step.bind
        outlines.append((None if is_wrapped else info, key, out, bind))
    return tuple(outlines)


def _binding(call: Call, step: str, strict: bool) -> Bind:
    """Return the binding of a step whose literals differ from chain to chain."""
    args, kwargs = call[2], call[3] or {}
    return binding(
        [operand("args", each) for each in args],
        {name: operand("kwargs", each) for name, each in kwargs.items()},
        step,
        strict=strict,
    )
