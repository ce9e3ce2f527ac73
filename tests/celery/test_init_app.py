"""`init_app`: what it connects, and what it refuses."""

from __future__ import annotations

import gc
import logging
from typing import TYPE_CHECKING, Any
from weakref import ReferenceType

import pytest
from celery import Celery, Task, signals

import headrace
import headrace_celery
from headrace.integration import is_control_flow
from tests.celery.conftest import looking, raw_messages

if TYPE_CHECKING:
    from collections.abc import Callable


def own_receivers() -> list[tuple[str, Any]]:
    """Return the signals' receivers that are ours, with the signal's name."""
    return [
        (name, receiver)
        for name in signals.__all__
        for (uid, _), receiver in getattr(signals, name).receivers
        if str(uid).startswith("headrace_celery")
    ]


def test_import_connects_nothing() -> None:
    """Importing the package changes no signal and no request class: only `init_app` does."""
    assert own_receivers() == []
    assert Task.Request == "celery.worker.request:Request"


@pytest.mark.guarantee(19)
def test_receivers_survive_garbage_collection(app: Celery) -> None:
    """No receiver is held weakly; after a collection a published task still carries the ID."""
    assert own_receivers() != []
    assert not any(isinstance(receiver, ReferenceType) for _, receiver in own_receivers())
    gc.collect()
    with headrace.open_context("kept-alive"):
        app.send_task("any")
    (message,) = raw_messages(app)
    assert message["headers"]["headrace"]["id"] == "kept-alive"


def test_second_call_adds_nothing(app: Celery) -> None:
    """Calling `init_app` again, for this app or another, connects no receiver twice."""
    before = own_receivers()
    factory = logging.getLogRecordFactory()
    headrace_celery.init_app(app)
    headrace_celery.init_app(Celery("another", set_as_current=False))
    assert own_receivers() == before
    assert logging.getLogRecordFactory() is factory


def test_tasks_of_any_app_carry_the_context(app: Celery) -> None:
    """Celery's signals are global to the process: an app without `init_app` is served too."""
    other = Celery("other", broker="memory://", set_as_current=False)
    task, seen = looking(other)
    with headrace.open_context("shared-signals"):
        task.apply()
    assert [context.correlation_id for context in seen] == ["shared-signals"]


def test_own_request_class_is_kept(make_app: Callable[..., Celery]) -> None:
    """A request class that somebody else has set for all tasks stays."""
    Task.Request = "somebody.elses:Request"
    make_app()
    assert Task.Request == "somebody.elses:Request"


@pytest.mark.parametrize("wrong", [None, "proj.celery", Celery], ids=["None", "a name", "a class"])
def test_wrong_app_is_refused(wrong: Any) -> None:
    """What is not an app is refused at once, by name."""
    with pytest.raises(TypeError, match="takes a Celery app"):
        headrace_celery.init_app(wrong)


def test_wrong_accept_deadline_is_refused(app: Celery) -> None:
    """An `accept_deadline` that is no bool is refused at once."""
    with pytest.raises(TypeError, match="accept_deadline must be True or False"):
        headrace_celery.init_app(app, accept_deadline="yes")  # type: ignore[arg-type]


def test_control_flow_is_registered_on_import() -> None:
    """Retry, Ignore and Reject are control flow for chains, without any `init_app`."""
    from celery.exceptions import Ignore, Reject, Retry

    assert all(is_control_flow(exc) for exc in (Retry(), Ignore(), Reject()))


@pytest.mark.guarantee(59)
def test_misspelt_option_is_answered_with_the_nearest(app: Celery) -> None:
    """A slip in an option of `init_app` names the option that was meant."""
    with pytest.raises(TypeError, match="did you mean 'accept_deadline'"):
        headrace_celery.init_app(app, accept_deadlines=True)  # type: ignore[call-arg]


def test_second_call_with_other_options_is_refused(app: Celery) -> None:
    """Two calls that disagree are a mistake; two equal calls are not."""
    headrace_celery.init_app(app)
    with pytest.raises(RuntimeError, match="with different options; call it once"):
        headrace_celery.init_app(app, accept_deadline=True)
