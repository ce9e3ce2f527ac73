"""What a decorator was told of a step, and which things can be one."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ._step_info import StepInfo
from ._wrap import call_through

if TYPE_CHECKING:
    from collections.abc import Iterator

Reference = str | Callable[..., Any]

_STEPS = "__headrace_steps__"
_DECLARATION = "__headrace_declaration__"
_PENDING = "__headrace_pending__"


@dataclass(frozen=True, slots=True)
class Declaration:
    """A step, before it is known which flow it belongs to."""

    function: Callable[..., Any]
    name: str
    after: tuple[Reference, ...]
    description: str
    is_entrypoint: bool = False
    new: bool = False
    kind: str = "function"

    @property
    def identity(self) -> tuple[str, str, str]:
        """Module, file and qualified name: what makes two declarations the same one."""
        function = self.function
        return (
            getattr(function, "__module__", None) or "",
            place_of(function)[0],
            getattr(function, "__qualname__", self.name),
        )

    def info(self, flow: str) -> StepInfo:
        """Return what is known of the step as a part of `flow`."""
        after = tuple(_name_of(reference, flow) for reference in self.after)
        file, line = place_of(self.function)
        return StepInfo(
            self.name, flow, after, self.kind, self.is_entrypoint, self.description, file, line
        )


def declare(
    function: Callable[..., Any],
    *,
    after: Any = (),
    name: str | None = None,
    description: str | None = None,
    is_entrypoint: bool = False,
    new: bool = False,
    kind: str = "function",
) -> Declaration:
    """Check what a decorator was given, and return it as a `Declaration`.

    Raises:
        TypeError: an argument of a wrong type.
        ValueError: an empty name.
    """
    checked = _checked_name(name if name is not None else _own_name(function))
    if description is None:
        description = (inspect.getdoc(function) or "").strip().partition("\n")[0]
    return Declaration(
        function, checked, checked_after(after), description, is_entrypoint, new, kind
    )


def decorate(target: Any, make: Callable[[Callable[..., Any]], Callable[..., Any]]) -> Any:
    """Apply `make` to the function in `target`, through `staticmethod` and `classmethod`.

    Raises:
        TypeError: `target` is something that a wrapper would silently break.
    """
    if isinstance(target, staticmethod | classmethod):
        return type(target)(decorate(target.__func__, make))
    if isinstance(target, property | functools.cached_property):
        raise TypeError(
            f"a step is a function, and this is a {type(target).__name__}: put "
            f"@{type(target).__name__} above the step's decorator"
        )
    if not _is_function(target):
        raise TypeError(
            f"a step is a function, and this is {_describe(target)}: put the step's decorator "
            f"nearest to the `def`, below the other decorators"
        )
    return make(target)


def record(wrapper: Callable[..., Any], declaration: Declaration, info: StepInfo) -> None:
    """Write on `wrapper` which step it is; a function may be several."""
    earlier: tuple[StepInfo, ...] = getattr(declaration.function, _STEPS, ())
    setattr(wrapper, _STEPS, (*earlier, info))
    setattr(wrapper, _DECLARATION, declaration)


class Pending:
    """A step in a class body, whose flow is known when the class is decorated."""

    def __init__(self, declaration: Declaration) -> None:
        self.target: Callable[..., Any] = self._refuse
        self._declaration = declaration
        self.placeholder = call_through(declaration.function, self._call)
        setattr(self.placeholder, _DECLARATION, declaration)
        setattr(self.placeholder, _PENDING, self)

    def _call(self, *args: Any, **kwargs: Any) -> Any:
        return self.target(*args, **kwargs)

    def _refuse(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError(
            f"step {self._declaration.name!r} belongs to no flow: decorate its class with "
            f'@flow("name"), or name the flow in the decorator, as in @step("name")'
        )


def bind_class(
    cls: type,
    register: Callable[[Declaration, type], Callable[..., Any]],
) -> None:
    """Register the steps of `cls`, inherited ones included, and put them on the class."""
    for attribute, value in _effective_attributes(cls):
        function = _underlying(value)
        declaration: Declaration | None = getattr(function, _DECLARATION, None)
        if declaration is None:
            continue
        wrapper = register(declaration, cls)
        pending: Pending | None = getattr(function, _PENDING, None)
        if pending is not None:
            pending.target = wrapper
        replacement = _replaced(value, function, wrapper)
        if replacement is not None:
            setattr(cls, attribute, replacement)


def checked_after(after: Any) -> tuple[Reference, ...]:
    """Return `after` as a tuple of step names and decorated functions.

    Raises:
        TypeError: it holds something else.
    """
    references = tuple(after) if isinstance(after, list | tuple) else (after,)
    for reference in references:
        if isinstance(reference, str):
            _checked_name(reference)
        elif not hasattr(reference, _DECLARATION):
            raise TypeError(
                f"after= takes a step's name, a decorated function, or a list of these, not "
                f"{_describe(reference)}"
            )
    return references


def place_of(function: Callable[..., Any]) -> tuple[str, int]:
    """Return the file and the line where `function` is defined; ``""`` and 0 where unknown."""
    plain = inspect.unwrap(function)
    while isinstance(plain, functools.partial):
        plain = plain.func
    code = getattr(plain, "__code__", None)
    return (code.co_filename, code.co_firstlineno) if code is not None else ("", 0)


def _effective_attributes(cls: type) -> Iterator[tuple[str, Any]]:
    attributes: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        attributes.update(vars(base))
    yield from attributes.items()


def _underlying(value: Any) -> Any:
    if isinstance(value, staticmethod | classmethod):
        return value.__func__
    if isinstance(value, property):
        return value.fget
    return value.func if isinstance(value, functools.cached_property) else value


def _replaced(value: Any, function: Any, wrapper: Callable[..., Any]) -> Any:
    """Return what stands for `value` on the class, or None where a call goes on through it."""
    if value is function:
        return wrapper if _is_ours(function) else None
    if isinstance(value, staticmethod | classmethod):
        return type(value)(wrapper)
    return None


def _is_ours(function: Any) -> bool:
    # Under another decorator the mark is there too, copied by functools.wraps.
    pending: Pending | None = getattr(function, _PENDING, None)
    return pending is None or pending.placeholder is function


def _name_of(reference: Reference, flow: str) -> str:
    if isinstance(reference, str):
        return reference
    steps: tuple[StepInfo, ...] = getattr(reference, _STEPS, ())
    for info in steps:
        if info.flow == flow:
            return info.name
    if steps:
        return f"{steps[-1].flow}.{steps[-1].name}"
    declaration: Declaration = getattr(reference, _DECLARATION)
    return declaration.name


def _checked_name(name: Any) -> str:
    if not isinstance(name, str):
        raise TypeError(f"a step's name is a string, not {_describe(name)}")
    if not name.strip():
        raise ValueError("a step's name must not be empty")
    return name


def _own_name(function: Callable[..., Any]) -> str:
    while isinstance(function, functools.partial):
        function = function.func
    return getattr(function, "__name__", type(function).__name__)


def _is_function(target: Any) -> bool:
    if inspect.isroutine(target) or isinstance(target, functools.partial):
        return True
    # functools.cache and the like: a callable around a function, without methods of its own.
    return type(target).__module__ == "functools" and callable(target)


def _describe(value: Any) -> str:
    if isinstance(value, type):
        return f"the class {value.__name__}"
    if inspect.isroutine(value):
        return f"the undecorated function {value.__name__!r}"
    return f"{value!r} of type {type(value).__name__}"
