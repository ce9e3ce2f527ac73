"""Flows: named graphs of steps, and the registry that knows them all at import time."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar, overload

from headrace._errors import DuplicateStepError, UnknownFlowError
from headrace._ids import check_id
from headrace._messages.hints import checks_keywords, nearest_name

from .block import FlowBlock
from .declare import Declaration, Pending, bind_class, declare, decorate, record
from .undecorated import remember
from .wrap import Opening, wrap_entrypoint, wrap_step

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from headrace._context.model import FlowContext
    from headrace._step_info import StepInfo

    from .graph import FlowGraph, StepNote

    After = str | Callable[..., Any] | Sequence[str | Callable[..., Any]]

F = TypeVar("F", bound="Callable[..., Any] | staticmethod[..., Any] | classmethod[Any, ..., Any]")
C = TypeVar("C", bound=type)

_flows: dict[str, Flow] = {}


class Entry(Protocol):
    """A step in the registry of its flow."""

    @property
    def info(self) -> StepInfo:
        """What is known of it."""
        ...

    @property
    def declaration(self) -> Declaration:
        """How it was declared."""
        ...

    @property
    def owner(self) -> type | None:
        """The class that it was declared in, or None."""
        ...

    @property
    def notes(self) -> tuple[StepNote, ...]:
        """What a picture says of it besides."""
        ...


class _Declared(NamedTuple):
    info: StepInfo
    declaration: Declaration
    owner: type | None
    notes: tuple[StepNote, ...] = ()


class Flow:
    """A named graph of steps. `flow` makes it; its decorators declare the steps.

    Attributes:
        name: the flow's name.
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
        options = _entrypoint_options(after, name, description, new)
        return _apply(function, self._declarer(options))

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
        return _apply(function, self._declarer(options))

    def open(self, correlation_id: str | None = None) -> AbstractContextManager[FlowContext]:
        """Run the block in this flow: an entrypoint without a function.

        Opens a unit of work if there is none, or if a `correlation_id` is given; otherwise joins
        the active one. ``as context`` gives the `FlowContext`.

        Raises:
            ValueError: `correlation_id` is not a valid ID.
        """
        if correlation_id is not None:
            correlation_id = check_id(correlation_id)
        return FlowBlock(self.name, correlation_id)

    def graph(self) -> FlowGraph:
        """Return the flow as it is declared now, as a frozen graph."""
        from .graph import build_graph

        entries = [*self._steps.values()]
        notes = {entry.info.name: entry.notes for entry in entries}
        return build_graph(self.name, [entry.info for entry in entries], notes)

    def __call__(self, cls: C) -> C:
        """Declare the steps of the class `cls` as this flow's: ``@flow("name") class ...``.

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
        """Tell whether a step of this name is declared."""
        return step_name in self._steps

    def __repr__(self) -> str:
        """Show the name and the number of steps."""
        return f"<Flow {self.name!r}, {len(self._steps)} steps>"

    def _declarer(self, options: dict[str, Any]) -> Callable[[Callable[..., Any]], Any]:
        return lambda function: self._register(declare(function, **options), None)

    def _register(self, declaration: Declaration, owner: type | None) -> Callable[..., Any]:
        info = declaration.info(self.name)
        is_in_force = self._takes_its_place(declaration, info, owner)
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
        """Take a step that something else calls, and sets and reports: a chain."""
        if name in self._steps:  # else nothing need be known of it yet: building is to be quick
            self._takes_its_place(entry.declaration, entry.info, None)
        self._steps[name] = entry

    def _forget(self, name: str, entry: Entry) -> None:
        """Undo `_adopt`, unless the step has been replaced meanwhile."""
        if self._steps.get(name) is entry:
            del self._steps[name]

    def _takes_its_place(
        self, declaration: Declaration, info: StepInfo, owner: type | None
    ) -> bool:
        """Tell whether this is the step of its name; refuse it where the name is another's."""
        if info.name not in self._steps:
            return True
        other = self._steps[info.name]
        identity = other.declaration.identity
        if _is_same(declaration.identity, identity) or _overrides(owner, other.owner):
            return True
        if _overrides(other.owner, owner):  # a base class that is imported once more, or inherited
            return False
        raise DuplicateStepError(
            f"flow {self.name!r} has two steps named {info.name!r}: "
            f"{_place(other.info, other.declaration)} and {_place(info, declaration)}; rename "
            f"one, or give it another step name with name="
        )


def flow(name: str) -> Flow:
    """Return the flow called `name`, made at the first call.

    The result declares steps with its `entrypoint` and `step`; as a decorator of a class it makes
    the class's marked methods the flow's steps.

    Raises:
        TypeError: `name` is not a string.
        ValueError: `name` is empty.
    """
    if not isinstance(name, str):
        raise TypeError(f'flow() takes the flow\'s name, as in flow("orders"), not {name!r}')
    if not name.strip():
        raise ValueError("a flow's name must not be empty")
    return _flows.setdefault(name, Flow(name)) if name not in _flows else _flows[name]


def get_flow(name: str) -> Flow:
    """Return the flow called `name`.

    Raises:
        UnknownFlowError: there is none; the message lists those that are declared.
    """
    try:
        return _flows[name]
    except KeyError:
        known = ", ".join(sorted(_flows)) or "none"
        near = nearest_name(name, sorted(_flows))
        hint = f"declared: {known}." if near is None else f"did you mean {near!r}?"
        raise UnknownFlowError(
            f"no flow named {name!r} is declared; {hint} Has the module that declares it been "
            f"imported?"
        ) from None


def all_flows() -> list[Flow]:
    """Return every declared flow, sorted by name."""
    return [_flows[name] for name in sorted(_flows)]


@overload
def entrypoint(function: F, /) -> F: ...
@overload
def entrypoint(
    flow: str | None = None,
    /,
    *,
    after: After = (),
    name: str | None = None,
    description: str | None = None,
    new: bool = False,
) -> Callable[[F], F]: ...
@checks_keywords
def entrypoint(
    target: Any = None,
    /,
    *,
    after: After = (),
    name: str | None = None,
    description: str | None = None,
    new: bool = False,
) -> Any:
    """Declare a function as an entrypoint: a step with which a flow begins.

    Called where no unit of work is active it opens one; otherwise it joins the active one: same
    correlation ID, and at the end everything is as before.

    Args:
        target: the flow's name; nothing in the body of a class that `flow` decorates.
        after: the previous steps, of this flow or another, as for `step`, if the entrypoint is
            not always first: a task that a client publishes too, for example.
        name: the step's name, if it is not the function's.
        description: what the step does, if it is not the docstring's first line.
        new: open a unit with a fresh correlation ID even inside another, which is its cause.

    Raises:
        DuplicateStepError: another function has this step name in the flow.
        TypeError: an argument of a wrong type, or something that cannot be a step.
    """
    options = _entrypoint_options(after, name, description, new)
    return _by_name("entrypoint", target, options)


@overload
def step(function: F, /) -> F: ...
@overload
def step(
    flow: str | None = None,
    /,
    *,
    after: After = (),
    name: str | None = None,
    description: str | None = None,
) -> Callable[[F], F]: ...
@checks_keywords
def step(
    target: Any = None,
    /,
    *,
    after: After = (),
    name: str | None = None,
    description: str | None = None,
) -> Any:
    """Declare a function as a step of a flow.

    In a unit of work the function runs with its flow and step set in the context, and is reported
    to the backends; outside any it just runs.

    Args:
        target: the flow's name; nothing in the body of a class that `flow` decorates.
        after: the steps before: a name, a decorated function, or a list of these.
            ``"other.step"`` or a function of another flow links the two.
        name: the step's name, if it is not the function's.
        description: what the step does, if it is not the docstring's first line.

    Raises:
        DuplicateStepError: another function has this step name in the flow.
        TypeError: an argument of a wrong type, or something that cannot be a step.
    """
    return _by_name("step", target, {"after": after, "name": name, "description": description})


def declare_step(
    function: Callable[..., Any], flow_name: str, options: dict[str, Any]
) -> Callable[..., Any]:
    """Declare `function` with `options` of `Declaration`; for integrations and chains."""
    return flow(flow_name)._register(declare(function, **options), None)


def _entrypoint_options(
    after: After, name: str | None, description: str | None, new: bool
) -> dict[str, Any]:
    return {
        "after": after,
        "name": name,
        "description": description,
        "new": new,
        "is_entrypoint": True,
    }


def _by_name(decorator: str, target: Any, options: dict[str, Any]) -> Any:
    if isinstance(target, str):
        return _apply(None, flow(target)._declarer(options))
    if isinstance(target, Flow):
        raise TypeError(
            f"{decorator}() takes the flow's name; with a Flow object write "
            f"@that_flow.{decorator}(...)"
        )
    return _apply(target, lambda function: Pending(declare(function, **options)).placeholder)


def _apply(target: Any, make: Callable[[Callable[..., Any]], Any]) -> Any:
    if target is None:
        return lambda function: decorate(function, make)
    return decorate(target, make)


def _overrides(owner: type | None, other_owner: type | None) -> bool:
    if owner is None or other_owner is None:
        return False
    other = _class_identity(other_owner)
    return any(_is_same(_class_identity(base), other) for base in owner.__mro__)


def _class_identity(cls: type) -> tuple[str, str, str]:
    file = getattr(sys.modules.get(cls.__module__), "__file__", None) or ""
    return cls.__module__, file, cls.__qualname__


def _is_same(one: tuple[str, str, str], other: tuple[str, str, str]) -> bool:
    """Tell whether two definitions, by module, file and qualified name, are one and the same."""
    module, file, qualname = one
    other_module, other_file, other_qualname = other
    # The file counts as well as the module: a script is imported once more under its own name.
    return qualname == other_qualname and (
        module == other_module or _is_same_file(file, other_file)
    )


def _is_same_file(file: str, other: str) -> bool:
    if not file or file.startswith("<"):  # "<string>" and "<stdin>" are no files
        return False
    return file == other or os.path.realpath(file) == os.path.realpath(other)


def _place(info: StepInfo, declaration: Declaration) -> str:
    qualname = declaration.identity[2]
    return f"{qualname} at {info.file}:{info.line}" if info.file else qualname
