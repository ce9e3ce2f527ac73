"""`configure`: each call replaces everything, and a wrong setting is refused at once."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import pytest

import headrace
from headrace import configure, current_flow_id, inject, open_context
from headrace.integration import check_configuration
from headrace.integration.messages import propagated_metadata
from headrace.testing import reset
from tests.core.backends_kit import StepsAlone
from tests.core.flow_kit import new_flow


@pytest.fixture(autouse=True)
def _reset() -> Iterator[None]:
    yield
    reset()


WRONG: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "unknown backend": (
        {"backend": "stdout"},
        ValueError,
        r"'stdout'; choose one of auto, logging",
    ),
    "backend's case": ({"backend": "Logging"}, ValueError, "did you mean 'logging'"),
    "empty backend": ({"backend": ""}, ValueError, "choose one of"),
    "no backend": ({"backend": None}, TypeError, r"object with a span\(step, context\) method"),
    "backend's type": ({"backend": 7}, TypeError, r"span\(step, context\) method.*7"),
    "backend's class": ({"backend": StepsAlone}, TypeError, r"span\(step, context\) method"),
    "backend in a list": ({"backend": ["logging", 7]}, TypeError, r"span\(step, context\) method"),
    "unknown in a list": ({"backend": ["none", "stdout"]}, ValueError, "'stdout'; choose one of"),
    "strict": ({"strict": "yes"}, TypeError, "strict must be True or False, not 'yes'"),
    "strict's number": ({"strict": 1}, TypeError, "strict must be True or False, not 1"),
    "header": ({"header": "X Correlation"}, ValueError, r"header must be an HTTP header name"),
    "empty header": ({"header": ""}, ValueError, "header must be an HTTP header name"),
    "header of a vendor": ({"header": "x-amzn-trace-id"}, ValueError, "list it in request_headers"),
    "header's line end": ({"header": "X-ID\r\n"}, ValueError, "RFC 9110 token"),
    "header's type": ({"header": b"X-ID"}, ValueError, "header must be an HTTP header name"),
    "no header": ({"header": None}, ValueError, "header must be an HTTP header name"),
    "id_factory": ({"id_factory": "uuid4"}, TypeError, "id_factory must be a callable"),
    "id_factory's kind": ({"id_factory": asyncio.sleep}, TypeError, "must be a plain function"),
    "metadata": ({"propagate_metadata": "tenant"}, TypeError, "must be a list of metadata keys"),
    "metadata's bytes": ({"propagate_metadata": b"tenant"}, TypeError, "list of metadata keys"),
    "metadata's dict": ({"propagate_metadata": {"a": 1}}, TypeError, "list of metadata keys"),
    "metadata's keys": ({"propagate_metadata": ["a", 7]}, TypeError, "list of metadata keys"),
    "no list": ({"propagate_metadata": 7}, TypeError, "list of metadata keys, not 7"),
    "unknown setting": ({"backends": "none"}, TypeError, r"'backends'; did you mean 'backend'\?"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_setting_is_refused_at_once_and_changes_nothing(case: str) -> None:
    """The error says what is wrong and what may be given; what was in force stays in force."""
    settings, error, text = WRONG[case]
    backend = StepsAlone()
    configure(backend, header="X-Mine", id_factory=lambda: "mine")
    with pytest.raises(error, match=text):
        configure(**settings)
    with pytest.raises(error, match=text):
        check_configuration(**settings)
    carrier: dict[str, str] = {}
    with open_context():
        new_flow().step(name="step")(inject)(carrier)
    assert carrier["X-Mine"] == "mine"
    assert "X-Correlation-ID" not in carrier
    assert backend.begun == ["step"]


def test_each_call_replaces_the_whole_configuration() -> None:
    """What the second call does not name is at its default again."""
    backend = StepsAlone()
    configure(backend, strict=True, header="X-Mine", id_factory=lambda: "mine")
    configure("none")
    step = new_flow().step(name="step")(current_flow_id)
    assert step() is None
    carrier: dict[str, str] = {}
    with open_context() as context:
        step()
        inject(carrier)
    assert backend.begun == []
    assert context.correlation_id != "mine"
    assert carrier["X-Correlation-ID"] == context.correlation_id
    assert "X-Mine" not in carrier


@pytest.mark.parametrize(
    "backend",
    ["auto", "logging", "none", [], ["none"], ["auto", "logging"], ("none", StepsAlone())],
)
def test_every_backend_that_is_named_in_the_manual_is_taken(backend: Any) -> None:
    """Names, objects, and lists of these, with which steps run."""
    configure(backend)
    with open_context():
        assert new_flow().step(name="step")(lambda: 7)() == 7


def test_an_object_needs_nothing_but_span() -> None:
    """Whatever has a callable `span` is a backend, without inheriting."""

    class Mine:
        span = staticmethod(lambda step, context: nullcontext())

    configure(Mine())
    with open_context():
        assert new_flow().step(name="step")(lambda: 7)() == 7


def test_checking_changes_nothing() -> None:
    """`check_configuration` accepts what `configure` accepts, and puts nothing in force."""
    configure("none", id_factory=lambda: "mine")
    check_configuration("logging", header="X-Other", id_factory=lambda: "other")
    with open_context() as context:
        assert context.correlation_id == "mine"


def test_metadata_keys_may_come_from_any_iterable() -> None:
    """A generator of keys is read once, at the call."""
    configure("none", propagate_metadata=(key for key in ("tenant", "region")))
    with open_context(metadata={"tenant": "a", "user": "b"}) as context:
        assert propagated_metadata(context) == {"tenant": "a"}
        assert propagated_metadata(context) == {"tenant": "a"}
    configure("none")
    assert propagated_metadata(context) == {}


def test_configuring_while_steps_run_breaks_no_call() -> None:
    """Another thread may replace the configuration at any moment; each step runs once."""
    flow = new_flow()
    counted = []

    @flow.step
    def step(number: int) -> None:
        counted.append(number)

    @flow.step
    def items(number: int) -> Iterator[int]:
        yield number

    stop = threading.Event()

    def reconfigure() -> None:
        backends: list[Any] = ["none", "logging", StepsAlone(), ["logging", StepsAlone()], "auto"]
        while not stop.is_set():
            for backend in backends:
                configure(backend)

    thread = threading.Thread(target=reconfigure)
    thread.start()
    try:
        with open_context():
            for number in range(2000):
                step(number)
                assert list(items(number)) == [number]
    finally:
        stop.set()
        thread.join()
    assert counted == list(range(2000))
    assert headrace.get_flow_context() is None
