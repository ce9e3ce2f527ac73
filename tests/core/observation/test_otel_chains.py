"""Errors of chains in OpenTelemetry spans."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import headrace
from headrace import Chain, StepFailedError

if TYPE_CHECKING:
    from tests.core.otel_kit import Spans

SECRET = "hunter" + "2"  # keeps the secret out of this file's lines


@pytest.mark.guarantee(94)
def test_a_recorded_exception_shows_no_secret(spans: Spans) -> None:
    """Neither message nor stack trace holds the secret, including causes, contexts and notes."""

    def refuse(pin: str) -> None:
        error = ValueError(f"wrong {pin}")
        error.add_note(f"note {pin}")
        raise error from KeyError(pin)

    chain = Chain("otel.redacted", redact=["pin"]).next(refuse, args=["pin"])
    around = Chain("otel.around").next(lambda: chain.run(pin=SECRET), name="nested")
    with pytest.raises(StepFailedError), headrace.open_context():
        around.run()
    finished = spans.exporter.get_finished_spans()
    told = [str(dict(event.attributes or {})) for span in finished for event in span.events]
    told += [str(span.status.description) for span in finished]
    assert len(told) > 4
    assert not [text for text in told if SECRET in text]
    assert [text for text in told if "note ***" in text and "in refuse" in text]
