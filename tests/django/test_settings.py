"""What the ``HEADRACE`` setting does, and when."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.test import Client, override_settings

import headrace
import headrace.logging
from tests.sites import MemoryLog

HERE = "tests.django.test_settings"


class Backend:
    """Counts the steps."""

    def __init__(self) -> None:
        self.steps: list[str] = []

    @contextlib.contextmanager
    def span(self, step: headrace.StepInfo, context: headrace.FlowContext) -> Iterator[None]:
        """Note the step."""
        self.steps.append(step.name)
        yield


backend = Backend()


def make_id() -> str:
    """Make an ID that is easily told from others."""
    return "made-here"


@pytest.fixture
def counted() -> Iterator[list[str]]:
    """The steps that the backend above is told of."""
    backend.steps.clear()
    yield backend.steps
    backend.steps.clear()


def run_step() -> None:
    """Run a step in a unit of its own."""
    with headrace.flow("django_settings").open():
        pass


@pytest.mark.parametrize("value", [f"{HERE}.backend", [f"{HERE}.backend", "none"], backend])
def test_backend_by_dotted_path(counted: list[str], value: Any) -> None:
    """A backend may be an object, the dotted path of one, or a list of these."""

    @headrace.entrypoint("django_settings")
    def begin() -> None:
        pass

    with override_settings(HEADRACE={"BACKEND": value}):
        begin()
    begin()
    assert counted == ["begin"]


def test_callable_by_dotted_path() -> None:
    """A callable may be given by its dotted path."""
    with (
        override_settings(HEADRACE={"ID_FACTORY": f"{HERE}.make_id"}),
        headrace.open_context() as c,
    ):
        assert c.correlation_id == "made-here"


def distrust(source: Any) -> bool:
    """Trust no client."""
    return False


@pytest.mark.guarantee(61)
def test_function_of_trust_by_dotted_path() -> None:
    """`TRUST_INBOUND` may be a function as well, and is found like the other callables."""
    with override_settings(HEADRACE={"TRUST_INBOUND": f"{HERE}.distrust"}):
        response = Client().get("/id", headers={"X-Correlation-ID": "abc"})
    assert response["X-Correlation-ID"] != "abc"


def test_settings_are_put_back() -> None:
    """When `override_settings` ends, what it put in force is gone."""
    with override_settings(HEADRACE={"ID_FACTORY": make_id}):
        pass
    with headrace.open_context() as context:
        assert context.correlation_id != "made-here"


def test_configure_of_a_project_is_left_alone() -> None:
    """Where the setting says nothing of it, what `headrace.configure` has set remains."""
    headrace.configure(id_factory=make_id)
    with override_settings(HEADRACE={"EXPOSE_HEADER": True}), headrace.open_context() as context:
        assert context.correlation_id == "made-here"


def test_wrong_setting_is_logged_and_not_in_force(log: MemoryLog) -> None:
    """A wrong setting does not keep Django from starting, so that its checks can be run."""
    with override_settings(HEADRACE={"NONSENSE": 1}):
        apps.get_app_config("headrace_django").ready()
    lines = [line for line in log.lines() if "is ignored" in line.message]
    assert {line.logger for line in lines} == {"headrace"}
    message = "the setting HEADRACE is ignored: unknown setting 'NONSENSE'; choose one of "
    assert all(line.message.startswith(message) for line in lines)
    assert not any(line.error for line in lines)  # the checks explain it, so no traceback


def test_start_lets_records_capture_the_context() -> None:
    """Once Django has started, each log record knows the context of the thread that logs it."""
    factory = logging.getLogRecordFactory()
    try:
        apps.get_app_config("headrace_django").ready()
        with headrace.open_context("abc"):
            record = logging.getLogRecordFactory()("x", 20, "", 0, "", (), None)
        headrace.logging.FlowFilter().filter(record)
    finally:
        logging.setLogRecordFactory(factory)
    assert vars(record)["flow_id"] == "abc"


def test_start_finds_the_flows() -> None:
    """The module ``flows`` of each installed app is imported at start."""
    assert headrace.get_flow("django_stock").graph().nodes == ("count", "order")
