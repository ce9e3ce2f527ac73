"""OpenTelemetry with its SDK, with its API alone, and absent: what is chosen, what is stamped."""

from __future__ import annotations

import logging
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from opentelemetry import trace

import headrace
from headrace.backends import FlowSpanProcessor
from tests.core.backends_kit import events
from tests.core.otel_kit import (
    Spans,
    receive,
)

if TYPE_CHECKING:
    from collections.abc import Callable


# --- auto -----------------------------------------------------------------------------------------

NEEDS = 'needs OpenTelemetry: pip install "headrace[otel]"'


def _outcome_of_auto(caplog: pytest.LogCaptureFixture) -> str:
    caplog.clear()
    caplog.set_level(logging.INFO, "headrace")
    receive()
    return "logging" if "step.end" in events(caplog.records) else "otel"


@pytest.mark.guarantee(34)
def test_auto_with_the_api_alone_is_logging(
    install: Callable[..., Spans],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """No provider, or one that makes nothing, does not silence the logs."""
    headrace.configure()
    assert _outcome_of_auto(caplog) == "logging"
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", trace.NoOpTracerProvider())
    headrace.configure()
    assert _outcome_of_auto(caplog) == "logging"


@pytest.mark.guarantee(34)
def test_auto_with_a_disabled_sdk_is_logging(
    install: Callable[..., Spans],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """`OTEL_SDK_DISABLED=true` makes no spans, so the steps are logged."""
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    install()
    headrace.configure()
    assert _outcome_of_auto(caplog) == "logging"


@pytest.mark.guarantee(34)
def test_auto_with_a_provider_that_cannot_be_loaded_is_logging(
    install: Callable[..., Spans],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What an environment variable names may be missing: that is said, and the steps are logged."""
    monkeypatch.setenv("OTEL_PYTHON_TRACER_PROVIDER", "no-such-provider")
    headrace.configure()
    assert _outcome_of_auto(caplog) == "logging"
    assert "OpenTelemetry's tracer provider failed to load; steps are logged" in caplog.text


@pytest.mark.guarantee(34)
def test_auto_decides_at_first_use_and_again_after_configure(
    install: Callable[..., Spans], caplog: pytest.LogCaptureFixture
) -> None:
    """A provider that comes before the first step counts; a later one counts after `configure`."""
    headrace.configure()
    first = install()
    assert _outcome_of_auto(caplog) == "otel"
    assert first.names == ["charge", "receive", "otel"]


def test_auto_says_once_why_steps_have_no_lines(
    install: Callable[..., Spans], caplog: pytest.LogCaptureFixture
) -> None:
    """The line at INFO says what to call for both; beside another backend there is none."""
    install()
    caplog.set_level("INFO", "headrace")
    for backend in ("auto", ["auto", "logging"], "otel"):
        headrace.configure(backend)
        receive()
        receive()
    said = [one.getMessage() for one in caplog.records if "have no lines" in one.getMessage()]
    assert len(said) == 1
    assert 'headrace.configure(["auto", "logging"])' in said[0]


def test_auto_stays_decided_until_configure(
    install: Callable[..., Spans], caplog: pytest.LogCaptureFixture
) -> None:
    """A provider that comes after the first step is seen by the next `configure`."""
    headrace.configure()
    assert _outcome_of_auto(caplog) == "logging"
    spans = install()
    assert _outcome_of_auto(caplog) == "logging"
    headrace.configure()
    assert _outcome_of_auto(caplog) == "otel"
    assert len(spans.names) == 3


def test_auto_and_otel_in_one_list_make_one_span(
    install: Callable[..., Spans], caplog: pytest.LogCaptureFixture
) -> None:
    """`auto` beside its own choice adds nothing; beside the other one both report."""
    spans = install()
    headrace.configure(["auto", "otel"])
    receive()
    assert spans.names == ["charge", "receive", "otel"]
    headrace.configure(["auto", "logging"])
    assert _outcome_of_auto(caplog) == "logging"
    assert len(spans.names) == 6


@pytest.mark.guarantee(6)
def test_a_detached_block_is_not_below_the_unit_s_span(install: Callable[..., Spans]) -> None:
    """A span of another library is a root there, and after it the unit's is active again."""
    spans = install()
    headrace.configure("otel")
    with headrace.open_context("order-17"):
        around = trace.get_current_span()
        with headrace.detached(), spans.app.start_as_current_span("detached"):
            pass
        with pytest.raises(LookupError), headrace.detached():
            raise LookupError
        assert trace.get_current_span() is around
    assert spans["detached"].parent is None


def test_a_detached_block_stays_below_another_span(install: Callable[..., Spans]) -> None:
    """One that another library has started is not ours to hide."""
    spans = install()
    headrace.configure("otel")
    with spans.app.start_as_current_span("job") as job, headrace.detached():
        assert trace.get_current_span() is job


# --- FlowSpanProcessor ----------------------------------------------------------------------------


def test_the_processor_stamps_every_span_of_a_unit(install: Callable[..., Spans]) -> None:
    """Spans of any tracer that start inside a unit have its ID; others have none."""
    spans = install()
    spans.provider.add_span_processor(FlowSpanProcessor())
    headrace.configure("logging")
    with spans.app.start_as_current_span("outside"), headrace.open_context("order-17"):
        with spans.app.start_as_current_span("SELECT"):
            pass
        with headrace.detached(), spans.app.start_as_current_span("detached"):
            pass
    assert dict(spans["SELECT"].attributes or {}) == {"headrace.correlation_id": "order-17"}
    assert "headrace.correlation_id" not in (spans["outside"].attributes or {})
    assert "headrace.correlation_id" not in (spans["detached"].attributes or {})


def test_the_processor_beside_the_backend(install: Callable[..., Spans]) -> None:
    """Both together put the same ID on everything, the instrumented request's span included."""
    spans = install()
    spans.provider.add_span_processor(FlowSpanProcessor())
    headrace.configure("otel")
    with spans.app.start_as_current_span("GET /orders"), headrace.open_context("order-17"):
        receive()
        with spans.app.start_as_current_span(
            "SELECT", attributes={"headrace.correlation_id": "the application's"}
        ):
            pass
    stamps = {
        each.name: (each.attributes or {})["headrace.correlation_id"]
        for each in spans.exporter.get_finished_spans()
    }
    assert stamps == {
        "GET /orders": "order-17",
        "receive": "order-17",
        "charge": "order-17",
        "SELECT": "the application's",
    }


# --- The API alone, and nothing -------------------------------------------------------------------

BLOCKED = """
import logging, sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name == BLOCK or name.startswith(BLOCK + "."):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Blocker())
records = []
handler = logging.Handler()
handler.emit = records.append
logging.getLogger("headrace").addHandler(handler)
logging.getLogger("headrace").setLevel(logging.INFO)
import headrace
from headrace import backends

@headrace.entrypoint("blocked")
def receive():
    return len(headrace.current_flow_id())

def attempt(function):
    try:
        return function()
    except Exception as error:
        return f"{type(error).__name__}: {error}"
"""


def run_blocked(block: str, script: str) -> list[str]:
    """Run `script` where the module `block` cannot be imported; return what it prints."""
    code = f"BLOCK = {block!r}\n{BLOCKED}\n{script}"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert run.stderr == ""
    return run.stdout.splitlines()


def test_with_the_api_alone() -> None:
    """Steps are logged by `auto`, unobserved by `otel`; the processor asks for the SDK."""
    lines = run_blocked(
        "opentelemetry.sdk",
        """
import opentelemetry.trace
print(receive(), [each.event for each in records])
headrace.configure("otel")
records.clear()
print(receive(), [each.event for each in records])
print(backends.OTelBackend().enabled())
print(attempt(lambda: backends.FlowSpanProcessor))
span = opentelemetry.trace.NonRecordingSpan(opentelemetry.trace.SpanContext(7, 7, False))
with opentelemetry.trace.use_span(span), headrace.open_context() as context:
    print(int(context.correlation_id, 16) == 7)
""",
    )
    assert lines == [
        "32 ['step.end', 'unit.end']",
        "32 ['unit.end']",
        "False",
        f"ImportError: FlowSpanProcessor {NEEDS}",
        "False",
    ]


def test_without_opentelemetry() -> None:
    """Everything else works; what needs it says at once what to install, and changes nothing."""
    lines = run_blocked(
        "opentelemetry",
        """
print(attempt(lambda: headrace.configure("otel")))
print(receive(), [each.event for each in records])
print(attempt(lambda: backends.OTelBackend))
print(attempt(lambda: backends.FlowSpanProcessor))
print("opentelemetry" in sys.modules)
""",
    )
    assert lines == [
        f"ImportError: OTelBackend {NEEDS}",
        "32 ['step.end', 'unit.end']",
        f"ImportError: OTelBackend {NEEDS}",
        f"ImportError: FlowSpanProcessor {NEEDS}",
        "False",
    ]
