"""The system checks: each wrong setting has a number, a hint, and a place in the documentation."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import CheckMessage, run_checks
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpResponse
from django.test import Client, override_settings

from headrace_django.middleware import FlowMiddleware
from tests.django.frameworks import FLOW_MIDDLEWARE, SITE_MIDDLEWARE

DOCS = Path(__file__).parents[2] / "docs" / "howto" / "django.md"


class Own(FlowMiddleware):
    """A project's own kind of ours."""


def found(**settings: Any) -> list[CheckMessage]:
    """Return what the checks say of ours under these settings."""
    with override_settings(**settings):
        return [each for each in run_checks() if str(each.id).startswith("headrace")]


WRONG = {
    "no dict": ("headrace", 1, "must be a dict"),
    "unknown": ({"TRUST_INBOND": True}, 2, "did you mean 'TRUST_INBOUND'"),
    "in lower case": ({"trust_inbound": True}, 2, "did you mean 'TRUST_INBOUND'"),
    "far from all": ({"XYZZY": True}, 2, "unknown setting 'XYZZY'"),
    "no string": ({7: True}, 2, "unknown setting 7"),
    "request_headers": ({"REQUEST_HEADERS": "X-Id"}, 3, "must be a list of strings"),
    "request_header": ({"REQUEST_HEADERS": ["X Id"]}, 3, "'X Id' is not an HTTP header name"),
    "response_header": ({"RESPONSE_HEADER": "X:"}, 3, "'X:' is not an HTTP header name"),
    "trust_inbound": ({"TRUST_INBOUND": "no"}, 3, "must be True, False or a function"),
    "validator": ({"VALIDATOR": 7}, 3, "must be a function"),
    "validator's path": ({"VALIDATOR": "tests.nowhere"}, 4, "cannot be imported"),
    "validator's type": ({"VALIDATOR": "tests.django.test_checks.DOCS"}, 3, "must be a function"),
    "on_invalid": ({"ON_INVALID": "drop"}, 3, "must be 'replace' or 'reject'"),
    "exclude_paths": ({"EXCLUDE_PATHS": ["health"]}, 3, "a path must start with '/'"),
    "access_log": ({"ACCESS_LOG": 1}, 3, "must be True or False"),
    "accept_deadline": ({"ACCEPT_DEADLINE": None}, 3, "must be True or False"),
    "expose_header": ({"EXPOSE_HEADER": "yes"}, 3, "must be True or False"),
    "commands": ({"COMMANDS": "all"}, 3, "must be True or False"),
    "backend": ({"BACKEND": "stdout"}, 3, "unknown backend 'stdout'"),
    "backend's path": ({"BACKEND": "tests.nowhere"}, 4, "cannot be imported"),
    "backend's type": ({"BACKEND": object()}, 3, "a backend must be an object with"),
    "strict": ({"STRICT": 0}, 3, "must be True or False"),
    "header": ({"HEADER": ""}, 3, "must be an HTTP header name"),
    "id_factory": ({"ID_FACTORY": "uuid"}, 4, "cannot be imported"),
    "id_factory's type": ({"ID_FACTORY": 7}, 3, "must be a callable"),
    "propagate_metadata": ({"PROPAGATE_METADATA": "user"}, 3, "must be a list"),
}


@pytest.mark.parametrize(("setting", "number", "message"), WRONG.values(), ids=WRONG)
@pytest.mark.filterwarnings("ignore:Overriding setting")
def test_wrong_setting_is_reported(setting: Any, number: int, message: str) -> None:
    """A wrong setting is an error that names it, says what is wrong and links to what to do."""
    (error,) = found(HEADRACE=setting)
    assert error.id == f"headrace.E{number:03}"
    assert error.is_serious()
    assert message in error.msg
    page = DOCS.read_text(encoding="utf-8")
    assert re.findall(r'"(.+?)"', str(error.hint))[-2:] == ["System checks", "Django"]
    assert page.startswith("# Django\n")
    assert "\n### System checks\n" in page
    assert f"({error.id.lower().replace('.', '-')})=" in page


@pytest.mark.guarantee(110)
@pytest.mark.parametrize("made", [None, 7, b"order-1", "two words", ["order-1"]], ids=repr)
def test_factory_that_makes_no_id_is_reported(made: Any) -> None:
    """The check calls the factory once; the message does not repeat what it made."""
    (warning,) = found(HEADRACE={"ID_FACTORY": lambda: made})
    assert warning.id == "headrace.W008"
    assert "does not return correlation IDs: it returned" in warning.msg
    assert made is None or repr(made) not in warning.msg
    assert "(headrace-w008)=" in DOCS.read_text(encoding="utf-8")


@pytest.mark.guarantee(110)
def test_factory_that_raises_is_reported() -> None:
    """A check never fails, whatever the factory does."""
    (warning,) = found(HEADRACE={"ID_FACTORY": lambda: 1 / 0})
    assert (warning.id, "it raised ZeroDivisionError" in warning.msg) == ("headrace.W008", True)


@pytest.mark.guarantee(110)
def test_factory_of_the_manual_passes() -> None:
    """`uuid.uuid4` is what the documentation shows."""
    assert found(HEADRACE={"ID_FACTORY": "uuid.uuid4"}) == []


@pytest.mark.guarantee(59)
def test_setting_of_its_own_name_is_reported() -> None:
    """A setting in Flask's spelling has no effect, and the check says where it belongs."""
    (warning,) = found(HEADRACE_TRUST_INBOND=False, HEADRACE_XYZZY=1)
    assert warning.id == "headrace.W002"
    assert warning.msg == "HEADRACE_TRUST_INBOND has no effect."
    assert 'HEADRACE = {"TRUST_INBOUND": ...}' in str(warning.hint)


@pytest.mark.parametrize("setting", [setting for setting, _, _ in WRONG.values()], ids=WRONG)
def test_wrong_setting_stops_the_middleware(setting: Any) -> None:
    """Without the checks, as under a WSGI server, the middleware refuses to start."""
    with (
        override_settings(HEADRACE=setting),
        pytest.raises(ImproperlyConfigured, match="HEADRACE: "),
    ):
        FlowMiddleware(lambda request: HttpResponse())


def test_each_wrong_setting_is_reported() -> None:
    """Two wrong settings are two errors."""
    errors = found(HEADRACE={"ACCESS_LOG": 1, "NONSENSE": 1, "STRICT": True})
    assert [each.id for each in errors] == ["headrace.E003", "headrace.E002"]


@pytest.mark.parametrize(
    "setting",
    [
        {},
        {"VALIDATOR": "builtins.bool", "ID_FACTORY": "uuid.uuid4"},
        {"BACKEND": ["none", "logging"], "COMMANDS": False},
        {"BACKEND": "tests.django.test_settings.backend"},
    ],
)
def test_right_settings_pass(setting: dict[str, Any]) -> None:
    """Right settings, callables and objects by dotted path among them, are not reported."""
    assert found(HEADRACE=setting) == []


@pytest.mark.parametrize(
    ("middleware", "number", "message"),
    [
        ([], 5, "not in MIDDLEWARE"),
        ([SITE_MIDDLEWARE, FLOW_MIDDLEWARE], 6, "position 2 in MIDDLEWARE"),
        ([FLOW_MIDDLEWARE, "headrace_django.FlowMiddleware"], 7, "lists FlowMiddleware 2 times"),
    ],
)
def test_misplaced_middleware_is_reported(middleware: list[str], number: int, message: str) -> None:
    """A middleware that is missing, not the first, or there twice, is a warning."""
    (warning,) = found(MIDDLEWARE=middleware)
    assert warning.id == f"headrace.W{number:03}"
    assert message in warning.msg
    assert f"(headrace-w{number:03})=" in DOCS.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "path", [FLOW_MIDDLEWARE, "headrace_django.FlowMiddleware", "tests.django.test_checks.Own"]
)
def test_middleware_is_known_by_what_it_is(path: str) -> None:
    """Under its other name, and in a subclass, the middleware is found."""
    assert found(MIDDLEWARE=[path, SITE_MIDDLEWARE]) == []


def test_middleware_that_cannot_be_imported_is_left_to_django() -> None:
    """The checks go on past a path that cannot be imported."""
    (warning,) = found(MIDDLEWARE=["nowhere.Middleware", FLOW_MIDDLEWARE])
    assert warning.id == "headrace.W006"


def test_warnings_can_be_silenced() -> None:
    """Django's own setting silences a warning by its number."""
    assert [each.id for each in found(MIDDLEWARE=[])] == ["headrace.W005"]
    with override_settings(SILENCED_SYSTEM_CHECKS=["headrace.W005"]):
        (warning,) = found(MIDDLEWARE=[])
        assert warning.is_silenced()


def test_subclass_serves() -> None:
    """A project's own kind of the middleware does what ours does."""
    with override_settings(MIDDLEWARE=["tests.django.test_checks.Own"]):
        response = Client().get("/id", headers={"X-Correlation-ID": "abc"})
    assert response["X-Correlation-ID"] == "abc"
