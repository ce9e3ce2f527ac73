"""Plans: compiled definitions. Each step has its name, its place in the flow and its call."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from headrace._redaction.rules import Blotter

from .arguments import COROUTINE
from .references import MISSING, Literal, stored
from .scope import StepNames
from .step import Step, make_info

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from headrace._step_info import StepInfo

    from .definition import Definition, Settings
    from .references import Operand

    # Info, key, function or call, out; the info is None if the step takes more than a call.
    Row = tuple[StepInfo | None, str | None, Callable[..., Any], str | None]
    Last = tuple[str, ...]

_SHOWN_PLACES = 4


class Parallel:
    """Branches that run concurrently.

    Attributes:
        branches: the plan of each branch.
        name: for messages.
        outs: the keys of the context that the branches write.
    """

    __slots__ = ("branches", "name", "outs")

    def __init__(self, branches: Sequence[Plan]) -> None:
        self.branches: tuple[Plan, ...] = tuple(branches)
        self.name: str = " | ".join(branch.first.name for branch in branches)
        outs = [out for branch in branches for out in branch.outs]
        self.outs: tuple[str, ...] = tuple(outs)


class Plan:
    """The compiled form of a chain. It never changes, so many runs can share it.

    Args:
        steps: steps and parallels, in order.
        settings: the chain's settings.
        values: the values set by `Chain.put`.
        awaits: whether coroutines are awaited.

    Attributes:
        outs: the keys of the context that the steps write.
        rows: for each step, what the fast path of a run needs to call it.
        silent_rows: the same, for runs that log no lines.
        special_rows: the same, for runs in which every step takes more than a call.
        has_templates: whether a step has a line to log.
        has_deadline: whether the chain has a deadline of its own.
        has_hooks: whether a hook is called before or after each step.
    """

    __slots__ = (
        "_first",
        "_hidden",
        "has_deadline",
        "has_hooks",
        "has_templates",
        "outs",
        "rows",
        "settings",
        "silent_rows",
        "special_rows",
        "steps",
        "values",
    )

    def __init__(
        self,
        steps: Sequence[Step | Parallel],
        settings: Settings,
        values: Mapping[str, Any],
        *,
        awaits: bool,
    ) -> None:
        self.steps: tuple[Step | Parallel, ...] = tuple(steps)
        self.settings: Settings = settings
        self.values: dict[str, Any] = dict(values)
        self.outs: tuple[str, ...] = tuple([out for step in steps for out in step.outs])
        self.has_templates: bool = any(
            isinstance(step, Step) and step.template is not None for step in steps
        )
        self.silent_rows: tuple[Row, ...] = tuple([
            _row(step, settings, awaits, silent=True) for step in steps
        ])
        self.rows: tuple[Row, ...] = (
            tuple([_row(step, settings, awaits, silent=False) for step in steps])
            if self.has_templates
            else self.silent_rows
        )
        self.special_rows: tuple[Row, ...] = (SPECIAL,) * len(self.steps)
        self.has_deadline: bool = settings.has_deadline
        self.has_hooks: bool = settings.has_hooks
        self._hidden = _hidden_arguments(self.steps, settings.redaction.names)
        first = self.steps[0] if self.steps else None
        if isinstance(first, Parallel):
            self._first: Any = first.branches[0].first
        else:
            self._first = first if first is None or first.plan is None else first.plan.first

    def blotter(self, context: Mapping[str, Any], *values: Any) -> Blotter:
        """Return a function that masks every secret of a run in a text.

        Args:
            context: the context of the run.
            values: other values that may hold secrets.
        """
        arguments = [
            {name: each.value if isinstance(each, Literal) else stored(context, each)}
            for name, each in self._hidden
        ]
        if any(value is MISSING for each in arguments for value in each.values()):
            return Blotter(None)
        return self.settings.redaction.blotter(context, *arguments, *values)

    @property
    def first(self) -> Step:
        """The first step, or the first of the first branch."""
        first: Step = self._first
        return first

    def all_steps(self) -> Iterator[Step]:
        """Yield every step, including those of branches and nested chains."""
        waiting = [*reversed(self.steps)]
        while waiting:
            step = waiting.pop()
            if isinstance(step, Parallel):
                waiting += [each for plan in reversed(step.branches) for each in plan.steps[::-1]]
            elif step.plan is None:
                yield step
            else:
                waiting += step.plan.steps[::-1]

    def places(self) -> dict[str, str]:
        """Return the branch of each step, by name: ``1 of 2``, or ``1 of 2, 2 of 3`` if nested.

        In deep nesting only the innermost branches are named.
        """
        places: dict[str, str] = {}
        waiting: list[tuple[Plan, tuple[str, ...]]] = [(self, ())]
        while waiting:
            plan, here = waiting.pop()
            for step in plan.steps:
                if isinstance(step, Parallel):
                    count = len(step.branches)
                    for number, branch in enumerate(step.branches, 1):
                        waiting.append((branch, (*here, f"{number} of {count}")[-_SHOWN_PLACES:]))
                elif step.plan is not None:
                    waiting.append((step.plan, here))
                elif here:
                    places[step.name] = ", ".join(here)
        return places


class Compiler:
    """Compiles definitions: gives each step its name and its place in the flow.

    Args:
        flow: the name of the flow, or ``""``.
        awaits: whether coroutines are awaited.
        names: the names in use; those of the compiled steps are added.
    """

    def __init__(self, flow: str, awaits: bool, names: StepNames) -> None:
        self._flow = flow
        self._awaits = awaits
        self._names = names

    def plan(
        self,
        definition: Definition,
        settings: Settings,
        after: Last = (),
        *,
        numbers: bool = False,
        in_place: bool = False,
    ) -> tuple[Plan, Last]:
        """Return the plan of `definition`, and the names of its last steps.

        Args:
            definition: the chain.
            settings: its settings, completed by those of the outer chain.
            after: the names of the preceding steps.
            numbers: whether to number explicit names that are taken.
            in_place: whether to compile the steps themselves, not copies; for the plan of the
                chain itself, in which each step always has the same place.
        """
        steps: list[Step | Parallel] = []
        step: Step | Parallel
        for item in definition.items:
            if isinstance(item, tuple):
                # Inline: one more call per level would exhaust the stack on deeply nested branches.
                plans: list[Plan] = []
                ends: list[str] = []
                for branch in item:
                    own = branch.settings.within(settings)
                    plan, last = self.plan(branch, own, after, numbers=numbers)
                    plans.append(plan)
                    ends += last
                step, after = Parallel(plans), tuple(ends)
            elif item.inner is not None:
                step, after = self.chain(item, item.inner, settings, after)
            else:
                name = self._name(item, numbers=numbers)
                info = make_info(item, name, self._flow, after)
                step, after = item if in_place else item.copy(), (name,)
                step.place(info, strict=settings.strict)
            steps.append(step)
        return Plan(steps, settings, definition.values, awaits=self._awaits), after

    def chain(
        self, step: Step, inner: Definition, settings: Settings, after: Last
    ) -> tuple[Step, Last]:
        """Return a compiled copy of `step`, which runs `inner`, and the names of its last steps."""
        # A chain may be used as a step more than once, so explicit names inside it may be numbered.
        plan, last = self.plan(inner, inner.settings.within(settings), after, numbers=True)
        info = plan.first.info._replace(name=self._name(step))
        placed = step.copy()
        placed.place(info, strict=settings.strict, plan=plan)
        return placed, last

    def _name(self, step: Step, *, numbers: bool = False) -> str:
        name = self._names.free(step, numbers=numbers)
        self._names.taken.add(name)
        return name


def compiled(definition: Definition, flow: str = "") -> Plan:
    """Return the plan of a chain, compiled in full.

    Args:
        definition: the chain.
        flow: the name of its flow, or ``""``.
    """
    compiler = Compiler(flow, definition.awaits, StepNames())
    return compiler.plan(definition, definition.settings, in_place=True)[0]


def _hidden_arguments(
    steps: Sequence[Step | Parallel], names: frozenset[str]
) -> Sequence[tuple[str, Operand]]:
    """Return the keyword arguments named like secrets."""
    if not names:
        return ()
    named = [item for step in steps if isinstance(step, Step) for item in step.kwargs.items()]
    return [(name, operand) for name, operand in named if name in names]


def _row(step: Step | Parallel, settings: Settings, awaits: bool, *, silent: bool) -> Row:
    if isinstance(step, Parallel) or settings.has_hooks or not step.is_plain:
        return SPECIAL
    if step.template is not None and not silent:
        return SPECIAL
    if (step.kind == COROUTINE) != awaits:  # a generator, or a sync function that runs in a thread
        return SPECIAL
    if step.key is not None:
        return step.info, step.key, step.target, step.out
    return step.info, None, step.call, step.out


def _nothing() -> None: ...


SPECIAL: Row = (None, None, _nothing, None)
"""The row of a step that takes more than a call."""
