"""Chains in views: REST framework's responses are not failures."""

from __future__ import annotations

import subprocess
import sys
from types import ModuleType
from typing import Any

import pytest
from rest_framework import exceptions
from rest_framework.decorators import api_view
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory

from headrace import Chain
from headrace.integration import is_control_flow, register_control_flow

ERRORS: list[tuple[Exception, int]] = [
    (exceptions.ValidationError({"name": ["is missing"]}), 400),
    (exceptions.NotAuthenticated(), 403),
    (exceptions.NotFound(), 404),
    (exceptions.Throttled(), 429),
    (exceptions.APIException(), 500),
]


@pytest.mark.guarantee(43)
@pytest.mark.parametrize(("error", "status"), ERRORS)
def test_an_exception_of_rest_framework_is_an_answer(error: Exception, status: int) -> None:
    """The exception passes through unchanged after the undos, and the step is tried once."""
    calls: list[str] = []

    def refuse() -> None:
        calls.append("refuse")
        raise error

    @api_view(["POST"])
    def order(request: Any) -> Response:
        chain = Chain().next(lambda: 1, undo=lambda _: calls.append("undone"))
        chain.next(refuse, retries=3, backoff=0).run()
        return Response("never")

    response = order(APIRequestFactory().post("/"))
    assert response.status_code == status
    assert calls == ["refuse", "undone"]


@pytest.mark.guarantee(43)
def test_rest_framework_is_not_imported_for_those_who_do_not_use_it() -> None:
    """Neither the import nor a failing step imports REST framework."""
    program = (
        "import sys, headrace, headrace_django\n"
        "try: headrace.Chain().next(int, args=[headrace.literal('x')]).run()\n"
        "except headrace.StepFailedError: pass\n"
        "assert 'rest_framework' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.guarantee(43)
def test_a_type_that_is_registered_by_its_path_holds_once_its_module_is_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also where the module is imported later, or only in part at first."""
    module: Any = ModuleType("optional_errors")
    answer = type("Answer", (Exception,), {})
    register_control_flow("optional_errors.Answer")
    assert not is_control_flow(answer())
    monkeypatch.setitem(sys.modules, "optional_errors", module)
    assert not is_control_flow(answer())
    module.Answer = answer
    assert is_control_flow(answer())
    with pytest.raises(TypeError, match="dotted paths, not 'Answer'"):
        register_control_flow("Answer")
