"""Management commands: ours, and those of others in units of their own."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.core.management.base import BaseCommand
from django.test import override_settings

import headrace
from headrace_django.management.commands.flows import Command as Flows
from tests.units import WatchedUnit


class Failing(BaseCommand):
    """Fails."""

    def handle(self, *args: Any, **options: Any) -> str:
        """Fail."""
        raise CommandError("failed")


class Command(BaseCommand):
    """Shows the context that it runs in."""

    def handle(self, *args: Any, **options: Any) -> str:
        """Show it."""
        context = headrace.get_flow_context()
        return "-" if context is None else f"{context.kind} {context.name} {context.correlation_id}"


def output(command: Any, *args: str, **options: Any) -> str:
    """Return what a command says."""
    out = io.StringIO()
    call_command(command, *args, stdout=out, **options)
    return out.getvalue().strip()


def test_command_has_no_unit_unless_told_to() -> None:
    """Without the setting, a command runs as it always did."""
    assert output(Command()) == "-"


def test_command_has_a_unit_of_its_own(units: list[WatchedUnit]) -> None:
    """With ``COMMANDS`` each run of a command is a unit of work, named for the command."""
    with override_settings(HEADRACE={"COMMANDS": True}):
        first, second = output(Command()), output(Command())
    assert first != second
    assert [f"command test_commands {unit.context.correlation_id}" for unit in units] == [
        first,
        second,
    ]
    assert [unit.outcome for unit in units] == ["ok", "ok"]
    assert output(Command()) == "-"


def test_command_keeps_its_callers_id() -> None:
    """A command that a request or another unit calls has that one's ID, and it as its cause."""
    with override_settings(HEADRACE={"COMMANDS": True}), headrace.open_context("abc") as outer:
        assert output(Command()) == "command test_commands abc"
        assert headrace.get_flow_context() is outer


def test_unit_of_a_failing_command_ends_with_the_error(units: list[WatchedUnit]) -> None:
    """What a command raises goes on, and is how its unit ends."""
    with override_settings(HEADRACE={"COMMANDS": True}), pytest.raises(CommandError) as caught:
        call_command(Failing())
    assert [unit.error for unit in units] == [caught.value]


def test_flows_are_listed() -> None:
    """`flows list` names each flow with its steps counted and its entrypoints named."""
    assert "django_stock: 2 steps, entrypoints: count" in output("flows", "list").splitlines()


def test_flow_is_drawn(tmp_path: Path) -> None:
    """`flows graph` draws a flow, onto standard output or into a file."""
    drawing = "graph TD\n    count --> order"
    assert output("flows", "graph", "django_stock") == drawing
    target = tmp_path / "stock.mmd"
    assert output("flows", "graph", "django_stock", "--output", str(target)) == ""
    assert target.read_text() == drawing + "\n"
    tree = output("flows", "graph", "django_stock", "--format", "text")
    assert tree.startswith("django_stock  2 steps\n● count")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["graph", "nowhere"], "no flow named 'nowhere' is declared"),
        (["graph", "django_stock", "--format", "gif"], "unknown format 'gif'"),
        (
            ["graph", "django_stock", "--output", "/nowhere/x.svg"],
            "the folder /nowhere does not",
        ),
        (["check", "nowhere"], "no flow named 'nowhere' is declared"),
        ([], "required: action"),
    ],
)
def test_wrong_arguments_say_what_is_wrong(arguments: list[str], message: str) -> None:
    """A wrong argument ends in an error that says what is wrong, without a traceback."""
    with pytest.raises(CommandError, match=message):
        output("flows", *arguments)


def test_flows_are_checked() -> None:
    """`flows check` is content with a sound flow, and says what is wrong by file and line."""
    assert output("flows", "check", "django_stock") == "no problems"

    @headrace.step("django_unsound")
    def lost() -> None:
        pass

    with pytest.raises(
        CommandError, match=r"test_commands\.py:\d+: django_unsound\.lost: no entry"
    ):
        output("flows", "check")


def test_doctor_reports_invalid_settings_first() -> None:
    """A setting with which no server starts ends the command, with the nearest name."""
    with (
        override_settings(HEADRACE={"EXCLUDE_PATH": []}),
        pytest.raises(CommandError, match=r"E002.*EXCLUDE_PATHS"),
    ):
        output("flows", "doctor")


def test_doctor_examines_the_settings_in_use() -> None:
    """What is missing is printed, and the command fails."""
    out = io.StringIO()
    with override_settings(MIDDLEWARE=[]), pytest.raises(CommandError, match="is missing"):
        call_command("flows", "doctor", "--format", "json", stdout=out)
    assert "django-middleware" in [one["name"] for one in json.loads(out.getvalue())["findings"]]


def test_messages_of_a_drawing_are_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the drawing says beside the picture goes to standard error, without the program."""

    def run_graph(options: Any, *, out: Any, err: Any) -> int:
        err.write("headrace: this is a note\n")
        return 0

    monkeypatch.setattr("headrace_django.management.commands.flows.run_graph", run_graph)
    err = io.StringIO()
    assert output("flows", "graph", "django_stock", stderr=err) == ""
    assert err.getvalue() == "this is a note\n"


@pytest.mark.guarantee(79)
@pytest.mark.parametrize("has_celery", [True, False])
def test_task_modules_are_imported_only_with_celery(
    monkeypatch: pytest.MonkeyPatch, has_celery: bool
) -> None:
    """The ``tasks`` modules of the apps belong to Celery: without it, they stay alone."""
    discoveries: list[Any] = []
    monkeypatch.setattr("headrace._flows.discovery._discoveries", discoveries)
    monkeypatch.setattr(
        "headrace_django.management.commands.flows.find_spec", {"celery": has_celery or None}.get
    )
    output("flows", "list")
    assert len(discoveries) == has_celery


@pytest.mark.parametrize("action", ["list", "doctor"])
def test_options_of_django_may_follow_the_action(action: str) -> None:
    """Django reads ``--settings`` wherever it is, so each action accepts it."""
    parser = Flows().create_parser("manage.py", "flows")
    options = parser.parse_args([action, "--settings", "shop.settings"])
    assert (options.action, options.settings) == (action, "shop.settings")
    assert parser.parse_args(["--settings", "shop.settings", action]).settings == "shop.settings"
