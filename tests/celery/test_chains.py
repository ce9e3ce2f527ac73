"""Chains in tasks: no secret of their errors reaches the worker's log or the result backend."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from celery import states

from headrace import Chain, StepFailedError
from tests.celery.conftest import run_in_worker

if TYPE_CHECKING:
    from collections.abc import Callable

    from celery import Celery

SECRET = "hunter" + "2"  # so that no line of this file has it


def refuse(pin: str) -> None:
    """Fail with a secret in the message, and in what it was raised from."""
    raise ValueError(f"wrong {pin}") from KeyError(pin)


@pytest.mark.guarantee(94)
@pytest.mark.parametrize("serializer", ["json", "pickle"])
def test_a_failed_chain_tells_no_secret(
    make_app: Callable[..., Celery], caplog: pytest.LogCaptureFixture, serializer: str
) -> None:
    """No cause reveals a secret in the log or the backend; both show where the step failed."""
    app = make_app(result_serializer=serializer, accept_content=["json", "pickle"])
    caught: list[Any] = []

    @app.task(name="charge")
    def charge() -> None:
        inner = Chain(redact=["pin"]).put("pin", SECRET).next(refuse, args=["pin"], name="pay")
        try:
            Chain().next(inner.run, name="nested").run()
        except StepFailedError as error:
            caught.append(error.__cause__)
            raise

    handed: list[Any] = []
    run_in_worker(app, lambda: handed.append(charge.apply_async()))
    (result,) = handed
    assert result.state == states.FAILURE
    assert "ValueError: wrong ***" in result.traceback
    assert "in refuse" in result.traceback
    for text in (caplog.text, result.traceback, str(result.result), repr(result.result)):
        assert SECRET not in text
    assert "Task charge" in caplog.text
    assert isinstance(result.result, StepFailedError)
    assert result.result.reason.startswith("StepFailedError: step 'pay' failed: ValueError: wrong")
    assert isinstance(caught[0], StepFailedError)
    assert isinstance(caught[0].__cause__, ValueError)


@pytest.mark.guarantee(94)
def test_outside_a_task_the_cause_is_the_original() -> None:
    """A handler of the caller's own may read more of the error than its text."""
    with pytest.raises(StepFailedError) as caught:
        Chain(redact=["pin"]).put("pin", SECRET).next(refuse, args=["pin"]).run()
    assert str(caught.value.__cause__) == f"wrong {SECRET}"
