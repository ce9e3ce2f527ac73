"""Declarations of steps by decorators, and checks of the objects they decorate."""

from __future__ import annotations

import contextlib
import functools
import inspect
import types
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from headrace._callables import (
    call_through,
    description_of,
    location_of,
    own_name,
    without_partials,
)
from headrace._step_info import StepInfo

if TYPE_CHECKING:
    from collections.abc import Sequence

    After = str | Callable[..., Any] | Sequence[str | Callable[..., Any]]

Reference = str | Callable[..., Any]

_ROUTINES = (
    types.FunctionType,
    types.MethodType,
    types.BuiltinFunctionType,
    types.ClassMethodDescriptorType,
    types.MethodDescriptorType,
    types.MethodWrapperType,
    types.WrapperDescriptorType,
)
STEPS = "__headrace_steps__"
_DECLARATION = "__headrace_declaration__"
PENDING = "__headrace_pending__"


class Declaration(NamedTuple):
    """A declared step, before its flow is known."""

    function: Callable[..., Any]
    name: str
    after: tuple[Reference, ...]
    description: str
    is_entrypoint: bool = False
    new: bool = False
    kind: str = "function"
    task: str | None = None

    @property
    def identity(self) -> tuple[str, str, str]:
        """The module, file and qualified name, which identify the declaration."""
        function = without_partials(self.function)
        return (
            getattr(function, "__module__", None) or "",
            location_of(function)[0],
            getattr(function, "__qualname__", self.name),
        )

    def info(self, flow: str) -> StepInfo:
        """Return the `StepInfo` of the step in `flow`."""
        after = tuple(_name_of(reference, flow) for reference in self.after)
        file, line = location_of(self.function)
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
    task: str | None = None,
) -> Declaration:
    """Return the arguments of a decorator as a `Declaration`, checked.

    Raises:
        TypeError: an argument has the wrong type.
        ValueError: the name is empty.
    """
    checked = _checked_name(name if name is not None else own_name(function))
    if not isinstance(new, bool):
        raise TypeError(f"new= must be True or False, not {new!r}")
    if not isinstance(description, str | None):
        raise TypeError(f"description= must be a string, not {description!r}")
    if description is None:
        description = description_of(function)
    return Declaration(
        function, checked, checked_after(after), description, is_entrypoint, new, kind, task
    )


def decorate(target: Any, make: Callable[[Callable[..., Any]], Callable[..., Any]]) -> Any:
    """Apply `make` to the function in `target`, which may be a static or class method.

    Raises:
        TypeError: a wrapper would silently break `target`.
    """
    if isinstance(target, staticmethod | classmethod):
        return type(target)(decorate(target.__func__, make))
    if isinstance(target, property | functools.cached_property):
        raise TypeError(
            f"a step must be a function, but this is a {type(target).__name__}: put "
            f"@{type(target).__name__} above the step's decorator"
        )
    if not _is_function(target):
        raise TypeError(
            f"a step must be a function, but this is {_describe(target)}: put the step's decorator "
            f"nearest to the `def`, below the other decorators"
        )
    if _makes_context_manager(target):
        raise TypeError(
            f"the step {target.__name__!r} would end before the block begins: put the step's "
            f"decorator below @contextmanager, nearest to the `def`"
        )
    return make(target)


def record(wrapper: Callable[..., Any], declaration: Declaration, info: StepInfo) -> None:
    """Record the step `info` on its `wrapper`; one function may be several steps."""
    earlier: tuple[StepInfo, ...] = getattr(declaration.function, STEPS, ())
    setattr(wrapper, STEPS, (*earlier, info))
    setattr(wrapper, _DECLARATION, declaration)


class Pending:
    """A step in a class body; its flow is known when the class is decorated.

    Attributes:
        declaration: the declared step.
        owner: the class whose body contains the step, once known.
        wrappers: the wrapped step for each class that has it.
        placeholder: the function in the class body, which remains under other decorators.
    """

    def __init__(self, declaration: Declaration) -> None:
        self.declaration = declaration
        self.owner: type | None = None
        self.wrappers: dict[type, Callable[..., Any]] = {}
        self.placeholder = call_through(declaration.function, self._call)
        setattr(self.placeholder, _DECLARATION, declaration)
        setattr(self.placeholder, PENDING, self)

    def is_ours(self, function: object) -> bool:
        """Return whether `function` is the step itself, without another decorator around it."""
        # Another decorator's wrapper also has the mark, since functools.wraps copies it.
        return function is self.placeholder or any(
            function is wrapper for wrapper in self.wrappers.values()
        )

    def _call(self, /, *args: Any, **kwargs: Any) -> Any:
        return self._wrapper(args)(*args, **kwargs)

    def _wrapper(self, args: tuple[Any, ...]) -> Callable[..., Any]:
        if not self.wrappers:
            raise TypeError(
                f"step {self.declaration.name!r} belongs to no flow: decorate its class with "
                f'@flow("name"), or name the flow in the decorator, as in @step("name")'
            )
        if args and len(self.wrappers) > 1:  # a subclass may belong to another flow
            cls = args[0] if isinstance(args[0], type) else type(args[0])
            for base in cls.__mro__:
                if base in self.wrappers:
                    return self.wrappers[base]
        return next(iter(self.wrappers.values()))


def bind_class(cls: type, register: Callable[[Declaration, type], Callable[..., Any]]) -> None:
    """Register the steps of `cls`, including inherited ones, and set them on the class."""
    done: dict[Pending, Callable[..., Any]] = {}
    for attribute, (value, base) in _effective_attributes(cls).items():
        function = _underlying(value)
        pending = _mark_of(function)
        if pending is None:
            continue
        if pending not in done:
            done[pending] = _bound(pending, cls, base, register)
        replacement = _replaced(value, function, pending, done[pending])
        if replacement is not None:
            setattr(cls, attribute, replacement)
    for pending, wrapper in done.items():
        pending.wrappers[cls] = wrapper


def _bound(
    pending: Pending,
    cls: type,
    base: type,
    register: Callable[[Declaration, type], Callable[..., Any]],
) -> Callable[..., Any]:
    pending.owner = pending.owner or base
    declaration = pending.declaration
    if cls in pending.wrappers:  # registered by another flow, which keeps the step
        declaration = declaration._replace(function=pending.wrappers[cls])
    wrapper = register(declaration, pending.owner)
    setattr(wrapper, PENDING, pending)
    return wrapper


def checked_after(after: Any) -> tuple[Reference, ...]:
    """Return `after` as a tuple of step names and decorated functions.

    Raises:
        TypeError: `after` contains something else.
    """
    given = tuple(after) if isinstance(after, list | tuple) else (after,)
    references = tuple(map(_underlying, given))  # in a class body, one may be a staticmethod
    for reference in references:
        if isinstance(reference, str):
            _checked_name(reference)
        elif not hasattr(reference, _DECLARATION):
            raise TypeError(
                f"after= takes a step's name, a decorated function, or a list of these, not "
                f"{_describe(reference)}"
            )
    return references


def _effective_attributes(cls: type) -> dict[str, tuple[Any, type]]:
    """Map each attribute name of `cls` to its value and the class whose body defines it."""
    attributes: dict[str, tuple[Any, type]] = {}
    for base in reversed(cls.__mro__):
        attributes.update((name, (value, base)) for name, value in vars(base).items())
    return attributes


# A class body may contain any value, including proxies that do work on attribute access. These
# three functions access no attribute of such values.


def _underlying(value: Any) -> Any:
    kind = type(value)
    if issubclass(kind, staticmethod | classmethod):
        return value.__func__
    if issubclass(kind, property):
        return value.fget
    return value.func if issubclass(kind, functools.cached_property) else value


def _mark_of(function: Any) -> Pending | None:
    found = inspect.getattr_static(function, PENDING, None)
    return found if type(found) is Pending else None


def _replaced(value: Any, function: Any, pending: Pending, wrapper: Callable[..., Any]) -> Any:
    """Return the new value of a class attribute, or None to keep `value`, which calls the step."""
    if not pending.is_ours(function):
        return None
    if value is function:
        return wrapper
    kind = type(value)
    return kind(wrapper) if issubclass(kind, staticmethod | classmethod) else None


def _name_of(reference: Reference, flow: str) -> str:
    if isinstance(reference, str):
        return reference
    steps: tuple[StepInfo, ...] = getattr(reference, STEPS, ())
    for info in steps:
        if info.flow == flow:
            return info.name
    if steps:
        return f"{steps[-1].flow}.{steps[-1].name}"
    declaration: Declaration = getattr(reference, _DECLARATION)
    return declaration.name


def _checked_name(name: Any) -> str:
    if not isinstance(name, str):
        raise TypeError(f"a step's name must be a string, not {_describe(name)}")
    if not name.strip():
        raise ValueError("a step's name must not be empty")
    return name


def _is_function(target: Any) -> bool:
    if isinstance(target, _ROUTINES):
        return True
    kind = type(target)
    if kind.__name__ == "cython_function_or_method":
        return True
    # functools.cache, partial and so on: a callable around a function, which binds like a function
    return kind.__module__ == "functools" and callable(target)


def _makes_context_manager(target: Any) -> bool:
    # `contextmanager` and `asynccontextmanager` return a function named "helper".
    code = getattr(target, "__code__", None)
    library = contextlib.contextmanager.__code__.co_filename
    return code is not None and (code.co_filename, code.co_name) == (library, "helper")


def _describe(value: Any) -> str:
    if isinstance(value, type):
        return f"the class {value.__name__}"
    if isinstance(value, _ROUTINES):
        return f"the undecorated function {value.__name__!r}"
    return f"{value!r} of type {type(value).__name__}"


def apply(target: Any, make: Callable[[Callable[..., Any]], Any]) -> Any:
    if target is None:
        return lambda function: decorate(function, make)
    return decorate(target, make)


def entrypoint_options(
    after: After, name: str | None, description: str | None, new: bool
) -> dict[str, Any]:
    return {
        "after": after,
        "name": name,
        "description": description,
        "new": new,
        "is_entrypoint": True,
    }
