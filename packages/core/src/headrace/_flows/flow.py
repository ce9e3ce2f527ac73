"""A flow: a named graph of steps, and the decorators that declare them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar, overload

from headrace._errors import DuplicateStepError
from headrace._ids import check_id
from headrace._messages.hints import checks_keywords

from . import registry
from .block import FlowBlock
from .declare import apply, bind_class, declare, entrypoint_options, record
from .identity import is_same, overrides
from .opening import Opening
from .undecorated import remember
from .wrap import wrap_entrypoint, wrap_step

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from headrace._context.model import FlowContext
    from headrace._step_info import StepInfo, StepNote

    from .declare import After, Declaration
    from .graph import FlowGraph


F = TypeVar("F", bound="Callable[..., Any] | staticmethod[..., Any] | classmethod[Any, ..., Any]")
C = TypeVar("C", bound=type)


class Entry(Protocol):
    """A step in the registry of its flow."""

    @property
    def info(self) -> StepInfo:
        """Its `StepInfo`."""
        ...

    @property
    def declaration(self) -> Declaration:
        """Its declaration, or None for a step of a chain."""
        ...

    @property
    def owner(self) -> type | None:
        """The class that declares it, or None."""
        ...

    @property
    def notes(self) -> tuple[StepNote, ...]:
        """The options that pictures show for it."""
        ...


class _Declared(NamedTuple):
    info: StepInfo
    declaration: Declaration
    owner: type | None
    notes: tuple[StepNote, ...] = ()


class Flow:
    """A named graph of steps. `flow` creates it; its decorators declare the steps.

    Attributes:
        name: the name of the flow.
    """

    __slots__ = ("_steps", "name")

    def __init__(self, name: str) -> None:
        self.name: str = name
        self._steps: dict[str, Entry] = {}

    @overload
    def entrypoint(self, function: F, /) -> F: ...
    @overload
    def entrypoint(
        self,
        /,
        *,
        after: After = (),
        name: str | None = None,
        description: str | None = None,
        new: bool = False,
    ) -> Callable[[F], F]: ...
    @checks_keywords
    def entrypoint(
        self,
        function: Any = None,
        /,
        *,
        after: After = (),
        name: str | None = None,
        description: str | None = None,
        new: bool = False,
    ) -> Any:
        """Declare the function as an entrypoint of this flow; see `headrace.entrypoint`."""
        options = entrypoint_options(after, name, description, new)
        return apply(function, self._declarer(options))

    @overload
    def step(self, function: F, /) -> F: ...
    @overload
    def step(
        self, /, *, after: After = (), name: str | None = None, description: str | None = None
    ) -> Callable[[F], F]: ...
    @checks_keywords
    def step(
        self,
        function: Any = None,
        /,
        *,
        after: After = (),
        name: str | None = None,
        description: str | None = None,
    ) -> Any:
        """Declare the function as a step of this flow; see `headrace.step`."""
        options = {"after": after, "name": name, "description": description}
        return apply(function, self._declarer(options))

    def open(self, correlation_id: str | None = None) -> AbstractContextManager[FlowContext]:
        """Run the block in this flow: an entrypoint without a function.

        The block opens a unit of work if none is active or if `correlation_id` is given, and
        otherwise joins the active one. ``as context`` gives the `FlowContext`.

        Raises:
            ValueError: `correlation_id` is not a valid ID.
        """
        if correlation_id is not None:
            correlation_id = check_id(correlation_id)
        return FlowBlock(self.name, correlation_id)

    def graph(self) -> FlowGraph:
        """Return a frozen graph of the steps declared so far."""
        from .graph import build_graph

        entries = [*self._steps.values()]
        notes = {entry.info.name: entry.notes for entry in entries}
        return build_graph(self.name, [entry.info for entry in entries], notes)

    def __call__(self, cls: C) -> C:
        """Declare the steps of the class `cls` in this flow: ``@flow("name") class ...``.

        Raises:
            TypeError: `cls` is not a class.
        """
        if not isinstance(cls, type):
            raise TypeError(
                f"@flow({self.name!r}) decorates a class; for a function use "
                f"@step({self.name!r}) or @entrypoint({self.name!r})"
            )
        bind_class(cls, self._register)
        return cls

    def __contains__(self, step_name: object) -> bool:
        """Return whether a step of this name is declared."""
        return step_name in self._steps

    def __repr__(self) -> str:
        """Show the name and the number of steps."""
        return f"<Flow {self.name!r}, {len(self._steps)} steps>"

    def _declarer(self, options: dict[str, Any]) -> Callable[[Callable[..., Any]], Any]:
        return lambda function: self._register(declare(function, **options), None)

    def _register(self, declaration: Declaration, owner: type | None) -> Callable[..., Any]:
        info = declaration.info(self.name)
        is_in_force = self._may_register(declaration, info, owner)
        if declaration.task is not None:
            opening = Opening("task", declaration.task)
            wrapper = wrap_entrypoint(declaration.function, info, opening)
        elif declaration.is_entrypoint:
            opening = Opening("flow", self.name, declaration.new)
            wrapper = wrap_entrypoint(declaration.function, info, opening)
        else:
            wrapper = wrap_step(declaration.function, info)
        if is_in_force:
            self._steps[info.name] = _Declared(info, declaration, owner)
        record(wrapper, declaration, info)
        remember(declaration.function, info)
        return wrapper

    def _adopt(self, name: str, entry: Entry) -> None:
        """Register a step of a chain, which calls and reports the step itself."""
        if name in self._steps:  # otherwise locating the source can wait
            self._may_register(entry.declaration, entry.info, None)
        self._steps[name] = entry

    def _forget(self, name: str, entry: Entry) -> None:
        """Undo `_adopt`, unless the step has been replaced since."""
        if self._steps.get(name) is entry:
            del self._steps[name]

    def _may_register(self, declaration: Declaration, info: StepInfo, owner: type | None) -> bool:
        """Return whether to register this step under its name; reject a second, different step."""
        if info.name not in self._steps:
            return True
        other = self._steps[info.name]
        identity = other.declaration.identity
        if is_same(declaration.identity, identity) or overrides(owner, other.owner):
            return True
        if overrides(other.owner, owner):  # this is a base class, inherited or imported again
            return False
        raise DuplicateStepError(
            f"flow {self.name!r} has two steps named {info.name!r}: "
            f"{_place(other.info, other.declaration)} and {_place(info, declaration)}; rename "
            f"one, or give it another step name with name="
        )


def flow(name: str) -> Flow:
    """Return the flow `name`; the first call creates it.

    Its `entrypoint` and `step` decorators declare steps. As a class decorator, the flow declares
    the marked methods of the class as its steps.

    Raises:
        TypeError: `name` is not a string.
        ValueError: `name` is empty.
    """
    if not isinstance(name, str):
        raise TypeError(f'flow() takes a name, as in flow("orders"), not {name!r}')
    if not name.strip():
        raise ValueError("a flow's name must not be empty")
    flows = registry.declared
    return flows.setdefault(name, Flow(name)) if name not in flows else flows[name]


def _place(info: StepInfo, declaration: Declaration) -> str:
    qualname = declaration.identity[2]
    return f"{qualname} at {info.file}:{info.line}" if info.file else qualname
