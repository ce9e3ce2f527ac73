"""Decorators that declare a step, by the name of its flow or in a class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

from headrace._callables import own_name
from headrace._messages.hints import checks_keywords

from .declare import Pending, apply, declare, entrypoint_options
from .flow import Flow, flow

if TYPE_CHECKING:
    from collections.abc import Callable

    from .declare import After
    from .flow import F


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
    """Declare a function as an entrypoint: a step at which a flow begins.

    A call opens a unit of work if none is active, and otherwise joins the active one, with the
    same correlation ID. When the call ends, it restores the previous context.

    Args:
        target: the name of the flow; omitted in the body of a class that `flow` decorates.
        after: the preceding steps, as for `step`, if the entrypoint does not always come first,
            such as a task that clients also publish directly.
        name: the name of the step; the function's name by default.
        description: the description of the step; the first line of the docstring by default.
        new: whether to open a unit with a new correlation ID even inside another unit, which
            becomes its cause.

    Raises:
        DuplicateStepError: another function has this step name in the flow.
        TypeError: an argument has the wrong type, or the target cannot be a step.
    """
    options = entrypoint_options(after, name, description, new)
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

    In a unit of work, the function runs with its flow and step set in the context and is reported
    to the backends. Outside any unit, it just runs.

    Args:
        target: the name of the flow; omitted in the body of a class that `flow` decorates.
        after: the preceding steps: a name, a decorated function, or a list of these.
            ``"other.step"`` or a function of another flow links the two flows.
        name: the name of the step; the function's name by default.
        description: the description of the step; the first line of the docstring by default.

    Raises:
        DuplicateStepError: another function has this step name in the flow.
        TypeError: an argument has the wrong type, or the target cannot be a step.
    """
    return _by_name("step", target, {"after": after, "name": name, "description": description})


def _by_name(decorator: str, target: Any, options: dict[str, Any]) -> Any:
    if isinstance(target, str):
        return apply(None, flow(target)._declarer(options))
    if isinstance(target, Flow):
        raise TypeError(
            f"{decorator}() takes the name of a flow; with a Flow object, write "
            f"@that_flow.{decorator}(...)"
        )
    return apply(target, lambda function: Pending(declare(function, **options)).placeholder)


def declare_step(
    function: Callable[..., Any], flow_name: str, options: dict[str, Any]
) -> Callable[..., Any]:
    """Declare `function` with the `options` of `declare`; for integrations and chains."""
    return flow(flow_name)._register(declare(function, **options), None)


def declare_task(
    function: Callable[..., Any],
    flow: str,
    *,
    after: Any = (),
    name: str | None = None,
    description: str | None = None,
    entrypoint: bool = False,
    task_name: str | None = None,
) -> Callable[..., Any]:
    """Declare `function` as a step of kind ``task``, for a queue's task decorator.

    A direct call outside any unit of work opens a unit of kind ``task``.

    Args:
        function: the function that the task runs.
        flow: the name of the flow.
        after: the preceding steps, as for `headrace.step`.
        name: the name of the step; the function's name by default.
        description: the description of the step; the first line of the docstring by default.
        entrypoint: whether the step is an entrypoint of the flow.
        task_name: the name of the unit that a direct call opens; the step's name by default.

    Raises:
        DuplicateStepError: another function has this step name in the flow.
        TypeError: an argument has the wrong type.
    """
    options = {
        "after": after,
        "name": name,
        "description": description,
        "is_entrypoint": entrypoint,
        "kind": "task",
        "task": task_name or name or own_name(function),
    }
    return declare_step(function, flow, options)
