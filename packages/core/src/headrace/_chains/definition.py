"""The definition of a chain: its steps in order, its settings, and the values it begins with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from .names import Scope
from .redaction import NOTHING_HIDDEN, Redaction

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .step import Step

Hook = Callable[..., Any]


@dataclass(slots=True)
class Settings:
    """The settings of a chain; `Chain` says what each means. Never changed."""

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


class Definition:
    """What a chain is made of; it grows until the chain runs or becomes a part of another.

    Args:
        settings: what holds for all steps.

    Attributes:
        settings: the same.
        values: what `Chain.put` has put into the context.
        items: the steps in order; a tuple of definitions stands for branches that run at once.
        last: the names of the steps that the next one follows.
        scope: the names, outputs and references of the steps.
    """

    __slots__ = ("items", "last", "scope", "settings", "values")

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.values: dict[str, Any] = {}
        self.items: list[Step | tuple[Definition, ...]] = []
        self.last: tuple[str, ...] = ()
        self.scope = Scope()

    def copy(self) -> Definition:
        """Return an independent definition of the same steps."""
        copied = Definition(self.settings)
        copied.values = self.values.copy()
        copied.items = self.items.copy()
        copied.last = self.last
        copied.scope = self.scope.copy()
        return copied

    def add(self, item: Step | tuple[Definition, ...], last: tuple[str, ...], scope: Scope) -> None:
        """Add a step, or branches.

        Args:
            item: the step, or the definitions of the branches.
            last: the names of the steps that the next one follows.
            scope: the names, outputs and references, with those of `item`.
        """
        self.items.append(item)
        self.last, self.scope = last, scope

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
