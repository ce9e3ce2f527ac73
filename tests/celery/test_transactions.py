"""Publishing on commit with the task class for Django; `tests/together` has real transactions."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest
from celery import Celery

import headrace
import headrace_celery
from tests.celery.conftest import raw_messages

if TYPE_CHECKING:
    from collections.abc import Callable

transaction = pytest.importorskip("django.db.transaction")

METHODS = ("delay_on_commit", "apply_async_on_commit")


@pytest.fixture
def methods(monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[Any]]:
    """Return a function that returns the methods of the task class, which the test gives back."""
    from celery.contrib.django.task import DjangoTask

    for name in METHODS:
        monkeypatch.setattr(DjangoTask, name, getattr(DjangoTask, name))
    return lambda: [getattr(DjangoTask, name) for name in METHODS]


def init_another_app() -> None:
    """Call `init_app` as another project would."""
    headrace_celery.init_app(Celery("another", set_as_current=False, fixups=[]))


@pytest.mark.guarantee(78)
@pytest.mark.parametrize("method", METHODS)
def test_publishes_on_commit_in_the_context_of_the_call(
    methods: object, make_app: Callable[..., Celery], monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    """The message that the commit publishes has the ID and the cause of the call."""
    from celery.contrib.django.task import DjangoTask

    commits: list[Callable[[], None]] = []
    monkeypatch.setattr(transaction, "on_commit", commits.append)
    app = make_app()

    @app.task(base=DjangoTask)
    def ship() -> None: ...

    with headrace.open_context("calling") as calling:
        getattr(ship, method)()
    assert raw_messages(app) == []
    with headrace.open_context("committing"):
        for commit in commits:
            commit()
    [message] = raw_messages(app)
    header = message["headers"]["headrace"]
    assert (header["id"], header["cause"]) == ("calling", calling.unit_id)


def test_outside_django_projects_nothing_changes(
    methods: Callable[[], list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that has not imported Django and names no settings keeps Celery's methods."""
    before = methods()
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE", raising=False)
    monkeypatch.delitem(sys.modules, "django")
    init_another_app()
    assert methods() == before


def test_missing_django_is_left_to_celery(
    methods: Callable[[], list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the variable set, but without Django, `init_app` raises nothing."""
    before = methods()
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "shop.settings")
    monkeypatch.setitem(sys.modules, "celery.contrib.django.task", None)
    init_another_app()
    assert methods() == before
