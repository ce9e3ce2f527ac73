"""The definition of a chain: its steps in order, its settings and its initial values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace._redaction.rules import NOTHING_HIDDEN, Redaction, checked_redaction

from . import arguments, prefixes
from .scope import Scope
from .step import Step

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from headrace._redaction.rules import Redact

    from .prefixes import Prefix
    from .step import Call

    Hook = Callable[..., Any]
    Item = Step | tuple["Definition", ...]


class Settings:
    """The settings of a chain, as documented in `Chain`. They never change.

    Attributes:
        has_hooks: whether a hook is called before or after each step.
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
        self.strict: bool = strict
        self.before_step: Hook | None = before_step
        self.after_step: Hook | None = after_step
        self.on_retry: Hook | None = on_retry
        self.redaction: Redaction = redaction
        self.deadline: float | None = deadline
        self.deadline_fn: Callable[[], float | None] | None = deadline_fn
        self.safety_margin: float = safety_margin
        self.jitter: bool = jitter
        self.has_hooks: bool = before_step is not None or after_step is not None
        self.has_deadline: bool = deadline is not None or deadline_fn is not None

    def within(self, outer: Settings) -> Settings:
        """Return the settings of a branch: its own, completed by those of `outer`."""
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
"""The default settings."""


def checked_settings(
    strict: bool,
    before_step: Hook | None,
    after_step: Hook | None,
    on_retry: Hook | None,
    redact: Redact,
    deadline: float | None,
    deadline_fn: Callable[[], float | None] | None,
    safety_margin: float,
    jitter: bool,
    *,
    awaits: bool,
) -> Settings:
    """Validate the options of a chain, and return them as settings.

    Args:
        strict: as for `Chain`.
        before_step: as for `Chain`.
        after_step: as for `Chain`.
        on_retry: as for `Chain`.
        redact: as for `Chain`.
        deadline: as for `Chain`.
        deadline_fn: as for `Chain`.
        safety_margin: as for `Chain`.
        jitter: as for `Chain`.
        awaits: whether hooks may be coroutine functions.

    Raises:
        TypeError: an option has the wrong type.
        ValueError: an option has an invalid value.
    """
    return Settings(
        arguments.flag("strict", strict),
        arguments.function("before_step", before_step, awaits=awaits),
        arguments.function("after_step", after_step, awaits=awaits),
        arguments.function("on_retry", on_retry, awaits=awaits),
        checked_redaction(redact),
        None if deadline is None else arguments.seconds("deadline", deadline),
        arguments.function("deadline_fn", deadline_fn, awaits=False),
        arguments.seconds("safety_margin", safety_margin),
        arguments.flag("jitter", jitter),
    )


class Definition:
    """The steps, settings and initial values of a chain.

    A program that builds the same chain again and again repeats calls that are known to be valid.
    Such calls are only recorded, and turned into steps if the steps are needed.

    Args:
        settings: the chain's settings.
        awaits: whether the chain awaits coroutines.
        allow_sync: whether its steps may be sync functions.
        flow: the name of the flow that its steps are declared in, or ``""``; None if its calls are
            not recorded.

    Attributes:
        settings: the chain's settings.
        values: the values set by `Chain.put`.
        awaits: whether the chain awaits coroutines.
        prefix: the prefix that the calls so far make, or None if they are not known.
        calls: the recorded calls: the arguments of `Chain.next`, the keys of `Chain.put`.
    """

    __slots__ = (
        "_items",
        "_last",
        "_scope",
        "allow_sync",
        "awaits",
        "calls",
        "prefix",
        "settings",
        "values",
    )

    def __init__(
        self, settings: Settings, awaits: bool, allow_sync: bool, flow: str | None = None
    ) -> None:
        self.settings: Settings = settings
        self.values: dict[str, Any] = {}
        self.awaits: bool = awaits
        self.allow_sync: bool = allow_sync
        self._items: list[Item] | None = None
        self.calls: list[Call | str] = []
        self.prefix: Prefix | None = None
        if flow is not None:
            self.prefix = prefixes.root(awaits, settings.strict, allow_sync, flow)

    def copy_to(self, copied: Definition) -> None:
        """Copy the steps and initial values into `copied`, a new definition."""
        copied.values = self.values.copy()
        copied.calls = self.calls.copy()
        copied.prefix = self.prefix
        if self._items is not None:
            copied._last, copied._scope = self._last, self._scope.copy()
            copied._items = self._items.copy()

    @property
    def is_recorded(self) -> bool:
        """Whether no call has been turned into a step."""
        return self._items is None

    @property
    def items(self) -> list[Item]:
        """The steps in order; a tuple of definitions stands for concurrent branches."""
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
        """Set an initial value of the context.

        Raises:
            TypeError: `key` is not a string.
            ValueError: `key` is empty or contains a dot.
        """
        arguments.key("the key of put()", key)
        if self.prefix is not None:
            self.prefix = prefixes.after_put(self.prefix, key)
        if self._items is None:
            self.calls.append(key)
        self.values[key] = value

    def add(
        self, item: Item, last: tuple[str, ...], scope: Scope, call: Call | None = None
    ) -> None:
        """Append a step or branches.

        Args:
            item: the step, or the definitions of the branches.
            last: the names of the steps that the next one follows.
            scope: the names, outputs and references, including those of `item`.
            call: the arguments of `Chain.next`, if the call can be recorded from now on.
        """
        self.items.append(item)
        after = self.last
        self._last, self._scope = last, scope
        if self.prefix is not None:
            before, self.prefix = self.prefix, None
            if call is not None:
                self.prefix = prefixes.after_next(before, call, last[0], after)

    def step_of(self, call: Call) -> Step:
        """Return the step that a call to `Chain.next` defines; its function is not a chain.

        Raises:
            TypeError: an argument has the wrong type.
            ValueError: an argument has an invalid value; the message says why.
        """
        kind = arguments.step_kind(call[0], awaits=self.awaits, allow_sync=self.allow_sync)
        return Step.of(call, kind, awaits=self.awaits)

    def _made(self) -> list[Item]:
        """Turn the recorded calls into steps."""
        items: list[Item] = []
        last: tuple[str, ...] = ()
        scope = Scope()
        given: set[str] = set()
        for call in self.calls:
            if isinstance(call, str):
                given.add(call)
                continue
            step = self.step_of(call)
            name = scope.names.free(step)
            scope.enter(step, name, given)
            items.append(step)
            last = (name,)
        self._last, self._scope = last, scope
        self._items = items  # last: a signal may arrive at any point before
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
