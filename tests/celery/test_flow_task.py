"""`flow_task`: a task, and a step of a flow at once."""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any

import pytest
from celery import Celery, Task, shared_task

import headrace
from headrace import generate_dag, get_flow, get_flow_context, step
from headrace.testing import capture
from headrace_celery import flow_task
from tests.celery.conftest import Recorder, current, run_in_worker

if TYPE_CHECKING:
    from collections.abc import Callable


def test_bare_form_declares_a_shared_task(app: Celery) -> None:
    """Without a flow it is what `shared_task` makes, and no step."""

    @flow_task
    def add(x: int, y: int) -> int:
        return x + y

    with current(app):
        assert add.name in app.tasks
        assert add(1, 2) == 3
        assert not hasattr(add, "__headrace_declaration__")


def test_options_alone_declare_a_task(app: Celery) -> None:
    """With Celery's options and no flow it is a task with these."""

    @flow_task(app=app, name="only.a.task", max_retries=7)
    def work() -> None: ...

    assert app.tasks["only.a.task"].max_retries == 7


def test_task_is_a_step_of_its_flow(app: Celery) -> None:
    """The flow knows the task as a step of kind `task`, under the step's own name."""

    @flow_task("ft.step", app=app, entrypoint=True)
    def reserve(order: int) -> None:
        """Reserve the stock. And more."""

    @flow_task("ft.step", app=app, after=reserve, name="shop.pay", step_name="charge")
    def charge_card(order: int) -> None: ...

    steps = get_flow("ft.step").graph().steps
    assert sorted(steps) == ["charge", "reserve"]
    assert steps["reserve"].kind == "task"
    assert steps["reserve"].is_entrypoint
    assert steps["reserve"].description == "Reserve the stock. And more."
    assert generate_dag("ft.step") == "graph TD\n    reserve --> charge"
    assert "shop.pay" in app.tasks


def test_shared_task_can_be_a_step_before_others(app: Celery) -> None:
    """`after=` takes a shared task in each of its forms, without asking for an app."""

    @flow_task("ft.shared", entrypoint=True)
    def first() -> None: ...

    @flow_task("ft.shared", after=[first])
    def second() -> None: ...

    assert generate_dag("ft.shared") == "graph TD\n    first --> second"
    with current(app):
        app.finalize()

        @step("ft.shared", after=second)
        def third() -> None: ...

    assert generate_dag("ft.shared") == "graph TD\n    first --> second\n    second --> third"


def test_declaring_shared_tasks_asks_for_no_app(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A module of shared tasks can be imported before there is an app."""
    from celery import _state

    def no_app() -> Any:
        raise AssertionError("asked for the current app")

    monkeypatch.setattr(_state, "get_current_app", no_app)

    @flow_task("ft.lazy", entrypoint=True)
    def begins() -> None: ...

    @flow_task("ft.lazy", after=begins)
    def follows() -> None: ...

    assert generate_dag("ft.lazy") == "graph TD\n    begins --> follows"


def test_bound_task_gets_itself(app: Celery) -> None:
    """With bind=True the function gets the task first, and callers do not give it."""

    @flow_task("ft.bound", app=app, bind=True, entrypoint=True)
    def work(self: Any, value: int) -> tuple[str, int]:
        return self.name, value

    assert work(3)[1] == 3
    assert work.apply((4,)).get() == (work.name, 4)
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'value'"):
        work.delay()  # type: ignore[call-arg]


def test_arguments_are_checked_when_publishing(app: Celery) -> None:
    """Celery checks the arguments against the function itself, not against a wrapper."""

    @flow_task("ft.checked", app=app, entrypoint=True)
    def work(order: int, *, fast: bool = False) -> None: ...

    with pytest.raises(TypeError, match="unexpected keyword argument 'slow'"):
        work.apply_async(kwargs={"order": 1, "slow": True})
    assert list(inspect.signature(work).parameters) == ["order", "fast"]


@pytest.mark.guarantee(30)
def test_errback_of_one_argument_is_published(app: Celery) -> None:
    """A flow_task with one parameter is told the failed task's ID, as any errback is."""
    told: list[Any] = []

    @flow_task("ft.errback", app=app, entrypoint=True)
    def tell(failed_id: str) -> None:
        told.append((failed_id, headrace.current_flow_id()))

    @flow_task("ft.errback", app=app, entrypoint=True, throws=(LookupError,))
    def fail() -> None:
        raise LookupError

    with headrace.open_context("errback-1"):
        result = fail.apply_async(link_error=tell.s())
    run_in_worker(app)
    assert told == [(result.id, "errback-1")]


@pytest.mark.guarantee(30)
def test_errback_of_more_arguments_runs_inline(app: Celery) -> None:
    """One with more parameters is called in the failing run, never published, under its ID."""
    told: list[Any] = []

    @flow_task("ft.inline", app=app, entrypoint=True)
    def tell(request: Any, exc: Exception, traceback: Any) -> None:
        told.append((request.id, type(exc), headrace.current_flow_id()))

    @flow_task("ft.inline", app=app, entrypoint=True, throws=(LookupError,))
    def fail() -> None:
        raise LookupError

    with headrace.open_context("inline-1"):
        result = fail.apply_async(link_error=tell.s())
    run_in_worker(app)
    assert told == [(result.id, LookupError, "inline-1")]


def test_steps_have_their_place_in_the_flow_that_the_publisher_began(app: Celery) -> None:
    """A run in a worker is a step of the flow under the ID that the web process began with."""
    seen: list[Any] = []

    @headrace.entrypoint("ft.across")
    def receive() -> str:
        fulfil.delay()
        return headrace.current_flow_id() or ""

    @flow_task("ft.across", after="receive", app=app)
    def fulfil() -> None:
        context = headrace.get_flow_context()
        assert context is not None
        seen.append((context.correlation_id, context.flow, context.step))

    correlation_id = receive()
    run_in_worker(app)
    assert seen == [(correlation_id, "ft.across", "fulfil")]


def test_capture_sees_the_whole_path_in_eager_tests(app: Celery) -> None:
    """With eager tasks one capture has every step, from the entrypoint to the last task."""
    app.conf.task_always_eager = True

    @headrace.entrypoint("ft.eager")
    def receive() -> None:
        reserve.delay()

    @flow_task("ft.eager", after="receive", app=app)
    def reserve() -> None:
        ship.delay()

    @flow_task("ft.eager", after=reserve, app=app)
    def ship() -> None: ...

    with capture() as captured:
        receive()
    assert [one.name for one in captured.steps] == ["receive", "reserve", "ship"]
    assert len({one.correlation_id for one in captured.steps}) == 1


WRONG: dict[str, Callable[[], Any]] = {
    "a flow that is a number": lambda: flow_task(1),  # type: ignore[call-overload]
    "after without a flow": lambda: flow_task(after="a"),
    "a step name without a flow": lambda: flow_task(step_name="a"),
    "an entrypoint without a flow": lambda: flow_task(entrypoint=True),
    "after that is a number": lambda: flow_task("ft.wrong", after=1)(print),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_wrong_arguments_are_refused_at_once(wrong: str) -> None:
    """A wrong argument raises where the task is declared."""
    with pytest.raises(TypeError):
        WRONG[wrong]()


def test_two_functions_under_one_step_name_are_refused(app: Celery) -> None:
    """A real duplicate raises, and names both places."""

    @flow_task("ft.twice", app=app, name="one")
    def work() -> None: ...

    with pytest.raises(headrace.DuplicateStepError, match="work"):

        @flow_task("ft.twice", app=app, name="two", step_name="work")
        def other() -> None: ...


def test_celerys_own_decorators_take_steps(app: Celery) -> None:
    """`@app.task` and `@shared_task` above `@step` declare a task and a step as well."""

    @app.task(name="above")
    @headrace.entrypoint("ft.above")
    def work(value: int) -> int:
        return value

    @shared_task
    @step("ft.above", after="work")
    def more() -> None: ...

    assert work.apply((5,)).get() == 5
    assert generate_dag("ft.above") == "graph TD\n    work --> more"


SLIPS = {
    "afer": "after",
    "afterr": "after",
    "entry_point": "entrypoint",
    "entrypont": "entrypoint",
    "stepname": "step_name",
    "headrace_nw": "headrace_new",
    "nmae": "name",
    "quue": "queue",
    "expire": "expires",
    "priorty": "priority",
    "App": "app",
    "max_retires": "max_retries",
    "max_retrys": "max_retries",
    "retry_backof": "retry_backoff",
    "reject_on_worker_lots": "reject_on_worker_lost",
}


@pytest.mark.guarantee(59)
@pytest.mark.parametrize("slip", SLIPS)
def test_misspelt_option_is_answered_with_the_nearest(app: Celery, slip: str) -> None:
    """Celery would keep a misspelt option as an attribute; misspelt options of ours raise."""
    with pytest.raises(TypeError, match=f"{slip!r}; did you mean {SLIPS[slip]!r}"):
        flow_task("misspelt", app=app, **{slip: True})


def test_attributes_of_the_users_own_are_passed_on(app: Celery) -> None:
    """Names unlike ours become attributes of the task, as with Celery's decorator."""

    class Base(Task):
        after_hours = False

    @flow_task(
        app=app, kind="slow", rate=3, base=Base, after_hours=True, queues=["x"], rate_limit="1/s"
    )
    def own() -> None: ...

    assert (own.kind, own.rate, own.after_hours, own.rate_limit) == ("slow", 3, True, "1/s")  # type: ignore[attr-defined]


@pytest.mark.guarantee(114)
@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("flow_name", ["direct", None])
def test_direct_call_outside_any_unit_opens_one(
    app: Celery, recorder: Recorder, flow_name: str | None, strict: bool
) -> None:
    """A task that is called as a function is a unit of kind `task`, named for the task."""
    headrace.configure(recorder, strict=strict)
    seen: list[Any] = []

    @flow_task(flow_name, app=app)
    def direct(number: int) -> int:
        seen.append(get_flow_context())
        return number

    assert direct(7) == 7
    assert get_flow_context() is None
    ((context, error),) = recorder.units
    assert seen == [context]
    assert (context.kind, context.name, error) == ("task", direct.name, None)
    assert context.causation_id is None


@pytest.mark.guarantee(114)
@pytest.mark.parametrize("flow_name", ["direct", None])
def test_direct_call_in_a_unit_joins_it(
    app: Celery, recorder: Recorder, flow_name: str | None
) -> None:
    """Inside a unit, including the run of a task, no other is opened."""
    seen: list[Any] = []

    @flow_task(flow_name, app=app)
    def inner() -> None:
        seen.append(get_flow_context())

    @flow_task(flow_name, app=app)
    def outer() -> None:
        inner()

    with headrace.open_context("an-id") as context:
        inner()
    run_in_worker(app, outer.delay, inner.delay)
    assert seen[0] is context
    assert [one.kind for one, _ in recorder.units] == ["manual", "task", "task"]


@pytest.mark.guarantee(114)
def test_failing_direct_call_reports_its_error(app: Celery, recorder: Recorder) -> None:
    """The unit ends with the error, which reaches the caller as it is."""

    @flow_task("failing_direct", app=app)
    def fails() -> None:
        raise LookupError("gone")

    with pytest.raises(LookupError, match="gone"):
        fails()
    ((_, error),) = recorder.units
    assert isinstance(error, LookupError)


def test_partial_can_be_a_task(app: Celery) -> None:
    """A task may be made of a partial; its name is the function's."""

    def ship(order: int, carrier: str) -> tuple[int, str]:
        return order, carrier

    task = flow_task("partial_task", app=app)(functools.partial(ship, carrier="mail"))
    assert task(1) == (1, "mail")
    assert task.name.endswith(".ship")
    assert "ship" in get_flow("partial_task")


def test_nameless_function_is_left_to_celery(app: Celery) -> None:
    """A partial has no name, and Celery says so; with `name=` it becomes a task."""
    add = functools.partial(max, 1)
    with pytest.raises(AttributeError, match="__name__"):
        flow_task(app=app)(add)
    task = flow_task(app=app, name="ft.nameless")(add)
    assert app.tasks["ft.nameless"].run(3) == task(3) == 3
