"""`flow_task`: a Celery task that can be a step of a flow."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Concatenate, Literal, ParamSpec, Protocol, TypeVar, overload

from celery import Task, shared_task
from celery.local import Proxy
from celery.utils.functional import head_from_fun

from headrace import get_flow_context
from headrace.integration import Unit, declare_task, nested_context

from ._signals import connect_startup_check
from ._spelling import check_spelling

if TYPE_CHECKING:
    from celery import Celery
    from celery.canvas import Signature
    from celery.result import AsyncResult

P = ParamSpec("P")
R_co = TypeVar("R_co", covariant=True)
R = TypeVar("R")

_OPTIONS = ("after", "app", "entrypoint", "name", "step_name")


class FlowTask(Protocol[P, R_co]):
    """A task for type checkers. At run time, it is the result of Celery's own decorator."""

    name: str

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co:
        """Call the function directly."""
        ...

    def delay(self, *args: P.args, **kwargs: P.kwargs) -> AsyncResult[R_co]:
        """Publish the task with these arguments."""
        ...

    def apply_async(
        self, args: Any = None, kwargs: Any = None, **options: Any
    ) -> AsyncResult[R_co]:
        """Publish the task with Celery's options."""
        ...

    def delay_on_commit(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """Publish the task when Django's transaction commits, in the context of this call.

        It exists only in a Django project, where `DJANGO_SETTINGS_MODULE` is set.
        """
        ...

    def apply_async_on_commit(self, args: Any = None, kwargs: Any = None, **options: Any) -> None:
        """Publish the task with Celery's options when Django's transaction commits."""
        ...

    def s(self, *args: Any, **kwargs: Any) -> Signature[R_co]:
        """Return a signature; in a chain, the previous task's result becomes its first argument."""
        ...

    def si(self, *args: P.args, **kwargs: P.kwargs) -> Signature[R_co]:
        """Return an immutable signature."""
        ...


@overload
def flow_task(function: Callable[P, R], /) -> FlowTask[P, R]: ...
@overload
def flow_task(
    flow: str | None = None,
    /,
    *,
    bind: Literal[True],
    after: Any = (),
    app: Celery | None = None,
    entrypoint: bool = False,
    name: str | None = None,
    step_name: str | None = None,
    **task_options: Any,
) -> Callable[[Callable[Concatenate[Any, P], R]], FlowTask[P, R]]: ...
@overload
def flow_task(
    flow: str | None = None,
    /,
    *,
    bind: Literal[False] = False,
    after: Any = (),
    app: Celery | None = None,
    entrypoint: bool = False,
    name: str | None = None,
    step_name: str | None = None,
    **task_options: Any,
) -> Callable[[Callable[P, R]], FlowTask[P, R]]: ...
def flow_task(
    target: Any = None,
    /,
    *,
    after: Any = (),
    app: Celery | None = None,
    entrypoint: bool = False,
    name: str | None = None,
    step_name: str | None = None,
    **task_options: Any,
) -> Any:
    """Declare a task which, if a flow is named, is also a step of that flow.

    Args:
        target: the flow's name; omitted for a task that is not a step.
        after: the preceding steps: a name, a decorated function or task, or a list of these.
        app: the task's app; without it, the task is a `celery.shared_task`.
        entrypoint: whether the task is an entrypoint of the flow.
        name: the task's name; by default, the names of the module and the function.
        step_name: the step's name; by default, the function's.
        task_options: the options of Celery's decorator, such as ``bind`` or ``autoretry_for``;
            ``headrace_new=True`` gives each run its own correlation ID.

    Raises:
        DuplicateStepError: another function has this step name in the flow.
        TypeError: an argument has the wrong type, or a step option is given without a flow.
    """
    check_spelling("flow_task", task_options, task_options.get("base") or Task, _OPTIONS)
    _check_target(target, after, entrypoint, step_name)
    if name is not None:
        task_options["name"] = name
    make = shared_task if app is None else app.task
    step_options = {"after": _steps_of(after), "name": step_name, "entrypoint": entrypoint}

    def decorate(function: Callable[..., Any]) -> Any:
        connect_startup_check()
        if isinstance(target, str):
            task_name = _name_of(function, name)
            run = declare_task(function, target, task_name=task_name, **step_options)
        else:
            run = _in_unit(function, name)
        task = make(**{**_attributes(function, run, task_options), **task_options})(run)
        if isinstance(target, str) and isinstance(task, Proxy):
            _shared.append((task, run))
        return task

    return decorate(target) if callable(target) else decorate


def _check_target(target: Any, *step_options: Any) -> None:
    if target is None or callable(target):
        if any(step_options):
            raise TypeError(
                "after=, entrypoint= and step_name= need a flow: name it, as in "
                '@flow_task("orders", after=...)'
            )
    elif not isinstance(target, str):
        raise TypeError(f'flow_task() takes the name of a flow, such as "orders", not {target!r}')


def _in_unit(function: Callable[..., Any], name: str | None) -> Callable[..., Any]:
    """Return a wrapper of `function` that opens a unit of work if none is active."""
    task_name = _name_of(function, name)
    if task_name is None:  # Celery reports the missing name
        return function

    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        if get_flow_context() is not None:
            return function(*args, **kwargs)
        with Unit(nested_context("task", task_name)):
            return function(*args, **kwargs)

    return run


def _name_of(function: Callable[..., Any], name: str | None) -> str | None:
    """Return the name that Celery gives the task of `function`."""
    own = getattr(function, "__name__", None)
    return name or (own and f"{function.__module__}.{own}")


# The steps of shared tasks, by identity: a shared task is a proxy, and any access to it would
# finalize the app, which is too early while modules are still being imported.
_shared: list[tuple[Any, Callable[..., Any]]] = []


def _steps_of(after: Any) -> Any:
    # `isinstance` on a proxy would be such an access.
    if type(after) is not Proxy and isinstance(after, list | tuple):
        return [_step_of(each) for each in after]
    return _step_of(after)


def _step_of(reference: Any) -> Any:
    for task, step in _shared:
        if task is reference:
            return step
    return reference


def _attributes(
    function: Callable[..., Any], run: Callable[..., Any], options: dict[str, Any]
) -> dict[str, Any]:
    """Return the task's attributes: the marks of its step, and a function for argument checks.

    Celery itself sees only the parameters of the outermost wrapper. It checks the arguments of
    `delay` against them, and uses their number to decide how to call an errback.
    """
    attributes = {key: value for key, value in vars(run).items() if key.startswith("__headrace_")}
    # Python 3.14 considers partials routines, but Celery cannot read their parameters.
    is_routine = inspect.isroutine(function) and not isinstance(function, functools.partial)
    if is_routine and not options.get("pydantic"):
        header = head_from_fun(function, bound=bool(options.get("bind")))
        attributes["__header__"] = staticmethod(header)
    return attributes
