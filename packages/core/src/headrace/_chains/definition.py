"""The definition of a chain: its steps in order, its settings, and the values it begins with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from headrace._redaction.rules import NOTHING_HIDDEN, Redaction

from . import arguments, prefixes
from .step import Step

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from .prefixes import Prefix
    from .step import Call

    Hook = Callable[..., Any]
    Item = Step | tuple["Definition", ...]


class Settings:
    """The settings of a chain, explained in `Chain`. Never modified.

    Attributes:
        has_hooks: whether a hook is called around each step.
        has_deadline: whether the chain has a deadline of its own.
    """

    __slots__ = (
        "after_step",
        "before_step",
        "deadline",
        "deadline_fn",
        "has_deadline",
        "has_hooks",
        "jitter",
        "on_retry",
        "redaction",
        "safety_margin",
        "strict",
    )

    def __init__(
        self,
        strict: bool = False,
        before_step: Hook | None = None,
        after_step: Hook | None = None,
        on_retry: Hook | None = None,
        redaction: Redaction = NOTHING_HIDDEN,
        deadline: float | None = None,
        deadline_fn: Callable[[], float | None] | None = None,
        safety_margin: float = 0.25,
        jitter: bool = True,
    ) -> None:
        self.strict = strict
        self.before_step = before_step
        self.after_step = after_step
        self.on_retry = on_retry
        self.redaction = redaction
        self.deadline = deadline
        self.deadline_fn = deadline_fn
        self.safety_margin = safety_margin
        self.jitter = jitter
        self.has_hooks = before_step is not None or after_step is not None
        self.has_deadline = deadline is not None or deadline_fn is not None

    def within(self, outer: Settings) -> Settings:
        """Return the settings of a branch: its own, and those of `outer` where it has none."""
        return Settings(
            self.strict or outer.strict,
            self.before_step or outer.before_step,
            self.after_step or outer.after_step,
            self.on_retry or outer.on_retry,
            self.redaction.joined(outer.redaction),
            self.deadline,
            self.deadline_fn,
            self.safety_margin,
            self.jitter and outer.jitter,
        )


USUAL = Settings()
"""The settings of a chain that was given none."""


class StepNames:
    """The names of the steps of a chain.

    Args:
        taken: the existing names.
    """

    __slots__ = ("_numbers", "taken")

    def __init__(self, taken: Collection[str] = ()) -> None:
        self.taken: set[str] = set(taken)
        # The last number given to each name, so that naming a thousand steps of one function does
        # not search from 2 for each.
        self._numbers: dict[str, int] = {}

    def copy(self) -> StepNames:
        """Return an independent copy."""
        copied = StepNames(self.taken)
        copied._numbers = self._numbers.copy()
        return copied

    def free(self, step: Step, *, numbers: bool = False) -> str:
        """Return the name of a new step: the preferred one, with a number if that is taken.

        Args:
            step: the step.
            numbers: whether a name given with ``name=`` may get a number too.

        Raises:
            ValueError: the taken name was given with ``name=``.
        """
        name = step.preferred_name
        if name not in self.taken:
            return name
        if step.given_name is not None and not numbers:
            raise ValueError(f"the chain has two steps named {name!r}; rename one")
        number = self._numbers.get(name, 1) + 1
        while f"{name}_{number}" in self.taken:
            number += 1
        self._numbers[name] = number
        return f"{name}_{number}"


class Scope:
    """The names, outputs and references of the steps so far.

    Attributes:
        names: the names of the steps.
        outputs: the step that writes each key.
        overwrites: the outputs that may replace an earlier value.
        open: the step that refers to each key that no earlier step writes; mostly inputs.
    """

    __slots__ = ("names", "open", "outputs", "overwrites")

    def __init__(self) -> None:
        self.names = StepNames()
        self.outputs: dict[str, str] = {}
        self.overwrites: set[str] = set()
        self.open: dict[str, str] = {}

    def copy(self) -> Scope:
        """Return an independent copy."""
        copied = Scope()
        copied.names = self.names.copy()
        copied.outputs = self.outputs.copy()
        copied.overwrites = self.overwrites.copy()
        copied.open = self.open.copy()
        return copied

    def check(self, step: Step, name: str) -> None:
        """Refuse a new step whose output exists, or is referred to by an earlier step.

        Args:
            step: the step.
            name: its name.

        Raises:
            ValueError: the key is already an output, or an earlier step refers to it.
        """
        out = step.out
        if out is not None and not step.overwrite and (out in self.outputs or out in self.open):
            self._refuse_output(out, name)

    def enter(self, step: Step, name: str, given: Collection[str]) -> None:
        """Add a new step, which `check` has passed.

        Args:
            step: the step.
            name: its name.
            given: the keys that `Chain.put` sets.
        """
        out, outputs = step.out, self.outputs
        for _, path in step.references:
            root = path[0]
            if root not in outputs and root != out and root not in given:
                self.open.setdefault(root, name)
        if out is not None:
            outputs[out] = name
            if step.overwrite:
                self.overwrites.add(out)
        self.names.taken.add(name)

    def merge(
        self, branches: Sequence[tuple[Scope, Collection[str]]], given: Collection[str]
    ) -> None:
        """Add the outputs and references, but not the names, of concurrent branches.

        Args:
            branches: the scope of each, and the keys that its own `put` calls set.
            given: the keys that `Chain.put` sets.

        Raises:
            ValueError: a key is written twice, or is referred to by another branch or by an
                earlier step.
        """
        outputs: dict[str, str] = {}
        for branch, _ in branches:
            # In sets, since nested branches pass on the same outputs at each level.
            new = branch.outputs.keys() - branch.overwrites
            if not (
                outputs.keys().isdisjoint(branch.outputs)
                and self.outputs.keys().isdisjoint(new)
                and self.open.keys().isdisjoint(new)
            ):
                self._refuse_twice(branch, outputs)
            outputs.update(branch.outputs)
        for branch, values in branches:
            for root in [*branch.open.keys() - self.outputs.keys()]:
                user = branch.open[root]
                if root in values or root in given:
                    continue
                if root in outputs and root not in branch.outputs:
                    raise ValueError(
                        f"step {user!r} refers to {root!r}, which step {outputs[root]!r} writes "
                        f"in a concurrent branch; move {user!r} after the parallel()"
                    )
                self.open.setdefault(root, user)
            self.overwrites |= branch.overwrites
        self.outputs.update(outputs)

    def _refuse_twice(self, branch: Scope, outputs: dict[str, str]) -> NoReturn:
        for out, step in branch.outputs.items():
            if out in outputs:
                raise ValueError(
                    f"steps {outputs[out]!r} and {step!r} run concurrently and both write {out!r}; "
                    f"rename one output"
                )
            if out not in branch.overwrites and (out in self.outputs or out in self.open):
                self._refuse_output(out, step)
        raise AssertionError

    def _refuse_output(self, out: str, name: str) -> NoReturn:
        if out in self.outputs:
            raise ValueError(
                f"steps {self.outputs[out]!r} and {name!r} both give {out!r}; rename one "
                f"output, or pass overwrite=True"
            )
        raise ValueError(
            f"step {self.open[out]!r} refers to {out!r}, which step {name!r} writes only later; "
            f"put {name!r} before it, or pass overwrite=True where {out!r} is also an input of "
            f"the run"
        )


class Definition:
    """The steps and settings of a chain; it grows until the chain runs or becomes part of another.

    A chain that is built again and again makes calls that are known to be correct. These are only
    recorded, and become steps when the steps are needed.

    Args:
        settings: the settings of all steps.
        awaits: whether the chain awaits coroutines.
        allow_sync: whether its steps may be sync functions.
        records: whether known calls are only recorded.

    Attributes:
        settings: the settings of all steps.
        values: the values that `Chain.put` has set.
        awaits: whether the chain awaits coroutines.
        prefix: the calls so far, if they are known, or None.
        calls: the calls that were only recorded: the arguments of `Chain.next`, the keys of
            `Chain.put`.
    """

    __slots__ = (
        "_allow_sync",
        "_items",
        "_last",
        "_scope",
        "awaits",
        "calls",
        "prefix",
        "settings",
        "values",
    )

    def __init__(
        self, settings: Settings, awaits: bool, allow_sync: bool, records: bool = True
    ) -> None:
        self.settings = settings
        self.values: dict[str, Any] = {}
        self.awaits = awaits
        self._allow_sync = allow_sync
        self._items: list[Item] | None = None
        self.calls: list[Call | str] = []
        self.prefix: Prefix | None = None
        if records:
            self.prefix = prefixes.root(awaits, settings.strict, allow_sync)

    def copy(self) -> Definition:
        """Return an independent definition of the same steps."""
        copied = Definition(self.settings, self.awaits, self._allow_sync)
        copied.values = self.values.copy()
        copied.calls = self.calls.copy()
        copied.prefix = self.prefix
        if self._items is not None:
            copied._last, copied._scope = self._last, self._scope.copy()
            copied._items = self._items.copy()
        return copied

    @property
    def is_recorded(self) -> bool:
        """Whether all calls were only recorded."""
        return self._items is None

    @property
    def items(self) -> list[Item]:
        """The steps in order; a tuple of definitions stands for branches that run at once."""
        return self._items if self._items is not None else self._made()

    @property
    def last(self) -> tuple[str, ...]:
        """The names of the steps that the next one follows."""
        if self._items is None:
            self._made()
        return self._last

    @property
    def scope(self) -> Scope:
        """The names, outputs and references of the steps."""
        if self._items is None:
            self._made()
        return self._scope

    def put(self, key: str, value: Any) -> None:
        """Put a value into the context with which each run begins.

        Raises:
            TypeError: `key` is no string.
            ValueError: `key` is empty or has a dot.
        """
        arguments.key("put()", key)
        if self.prefix is not None:
            self.prefix = prefixes.after_put(self.prefix, key)
        if self._items is None:
            self.calls.append(key)
        self.values[key] = value

    def record(self, call: Call) -> bool:
        """Record a call of `Chain.next`, if it is known to be correct here; tell whether it is."""
        if self.prefix is None or self._items is not None:
            return False
        prefix = prefixes.find(self.prefix, call)
        if prefix is None:
            return False
        function, out, args, kwargs, name, log_fmt, options = call
        kept = None if kwargs is None else {**kwargs}  # both may be changed
        self.calls.append((function, out, (*args,), kept, name, log_fmt, options))
        self.prefix = prefix
        return True

    def add(
        self, item: Item, last: tuple[str, ...], scope: Scope, call: Call | None = None
    ) -> None:
        """Add a step, or branches.

        Args:
            item: the step, or the definitions of the branches.
            last: the names of the steps that the next one follows.
            scope: the names, outputs and references, with those of `item`.
            call: the arguments of `Chain.next`, to be known from now on.
        """
        self.items.append(item)
        self._last, self._scope = last, scope
        if self.prefix is not None:
            self.prefix = None if call is None else prefixes.after_next(self.prefix, call)

    def _made(self) -> list[Item]:
        """Make steps of the recorded calls."""
        items: list[Item] = []
        last: tuple[str, ...] = ()
        scope = Scope()
        given: set[str] = set()
        for call in self.calls:
            if isinstance(call, str):
                given.add(call)
                continue
            kind = arguments.step_kind(call[0], awaits=self.awaits, allow_sync=self._allow_sync)
            step = Step.of(call, kind, awaits=self.awaits)
            name = scope.names.free(step)
            scope.enter(step, name, given)
            items.append(step)
            last = (name,)
        self._last, self._scope = last, scope
        self._items = items  # at the end, for a signal may come before
        return items

    def functions(self) -> Iterator[Any]:
        """Yield the function of each step, including those of branches and nested chains."""
        for item in self.items:
            if isinstance(item, tuple):
                for branch in item:
                    yield from branch.functions()
            elif item.inner is not None:
                yield from item.inner.functions()
            else:
                yield item.function


def names_clash(definitions: Sequence[Definition]) -> bool:
    """Tell whether two of the definitions have steps of the same name."""
    taken = [each.scope.names.taken for each in definitions]
    return len(set[str]().union(*taken)) < sum(map(len, taken))
