"""A chain, compiled: its steps in order, and what holds for all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from .kinds import COROUTINE
from .redaction import NOTHING_HIDDEN, Blotter, Redaction
from .references import MISSING, Literal, stored
from .step import Step

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from headrace._step_info import StepInfo

    from .spec import Operand

_SHOWN_PLACES = 4

Hook = Callable[..., Any]
# info, key, function or call, out; the info is None where a step needs more than its call.
Row = tuple["StepInfo | None", "str | None", Callable[..., Any], "str | None"]


@dataclass(slots=True)
class Settings:
    """What a chain was given besides its steps; `Chain` says what each means. Never changed."""

    strict: bool = False
    before_step: Hook | None = None
    after_step: Hook | None = None
    on_retry: Hook | None = None
    redaction: Redaction = NOTHING_HIDDEN
    deadline: float | None = None
    deadline_fn: Callable[[], float | None] | None = None
    safety_margin: float = 0.25
    jitter: bool = True

    @property
    def has_hooks(self) -> bool:
        """Whether something is called around each step."""
        return self.before_step is not None or self.after_step is not None

    def within(self, outer: Settings) -> Settings:
        """Return the settings of a branch: its own, and those of `outer` where it has none."""
        return replace(
            self,
            strict=self.strict or outer.strict,
            before_step=self.before_step or outer.before_step,
            after_step=self.after_step or outer.after_step,
            on_retry=self.on_retry or outer.on_retry,
            redaction=self.redaction.joined(outer.redaction),
            jitter=self.jitter and outer.jitter,
        )


class Parallel:
    """Branches that run at once.

    Attributes:
        branches: what runs.
        name: for messages.
    """

    __slots__ = ("branches", "name")

    def __init__(self, branches: Sequence[Plan]) -> None:
        self.branches = tuple(branches)
        self.name = " | ".join(branch.first.name for branch in branches)


class Plan:
    """What a run goes by. It is never changed, and so serves many runs at once.

    Attributes:
        steps: steps and parallels, in order.
        settings: what holds for all of them.
        values: what `Chain.put` has put into the context.
        outs: the keys that the steps give to the context.
        rows: per step what a run needs of it where nothing but its call is to be done.
        silent_rows: the same, to be used where no line would be logged.
        special_rows: the same, to be used where each step needs more than its call.
        has_templates: whether there are lines to log.
        has_deadline: whether the chain sets itself a deadline.
    """

    __slots__ = (
        "_first",
        "_hidden",
        "has_deadline",
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
        self.steps = tuple(steps)
        self.settings = settings
        self.values = dict(values)
        self.outs = tuple([out for step in steps for out in outs_of(step)])
        self.has_templates = any(
            isinstance(step, Step) and step.spec.template is not None for step in steps
        )
        self.silent_rows = tuple([_row(step, settings, awaits, silent=True) for step in steps])
        self.rows = (
            tuple([_row(step, settings, awaits, silent=False) for step in steps])
            if self.has_templates
            else self.silent_rows
        )

        self._hidden = _hidden_arguments(self.steps, settings.redaction.names)
        self.has_deadline = settings.deadline is not None or settings.deadline_fn is not None
        self.special_rows = (_SPECIAL,) * len(self.steps)
        first = self.steps[0] if self.steps else None
        if isinstance(first, Parallel):
            self._first: Any = first.branches[0].first
        else:
            self._first = first if first is None or first.plan is None else first.plan.first

    def blotter(self, context: Mapping[str, Any], *values: Any) -> Blotter:
        """Return what masks in a text every secret of a run.

        Args:
            context: the values of the run.
            values: what may hold secrets besides.
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

        For deep nesting only the innermost branches are named.
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


def _hidden_arguments(
    steps: Sequence[Step | Parallel], names: frozenset[str]
) -> Sequence[tuple[str, Operand]]:
    """Return the keyword arguments that go by a name whose values are secrets."""
    if not names:
        return ()
    named = [item for step in steps if isinstance(step, Step) for item in step.spec.kwargs.items()]
    return [(name, operand) for name, operand in named if name in names]


def outs_of(step: Step | Parallel) -> tuple[str, ...]:
    """Return the keys that `step` writes into the context."""
    if isinstance(step, Parallel):
        return tuple([out for branch in step.branches for out in branch.outs])
    if step.out is not None:
        return (step.out,)
    return () if step.plan is None else step.plan.outs


def _row(step: Step | Parallel, settings: Settings, awaits: bool, *, silent: bool) -> Row:
    if isinstance(step, Parallel) or settings.has_hooks or not step.spec.is_plain:
        return _SPECIAL
    if step.spec.template is not None and not silent:
        return _SPECIAL
    if (step.spec.kind == COROUTINE) != awaits:  # a function that goes to a thread, a generator
        return _SPECIAL
    if step.key is not None:
        return step.info, step.key, step.function, step.out
    return step.info, None, step.call, step.out


def _nothing() -> None: ...


_SPECIAL: Row = (None, None, _nothing, None)
