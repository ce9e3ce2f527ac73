"""``manage.py flows list|graph|check|doctor``."""

from __future__ import annotations

import sys
from argparse import SUPPRESS, Namespace
from functools import partial
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, cast

from django.core.management.base import BaseCommand, CommandError
from django.utils.module_loading import autodiscover_modules

import headrace
from headrace.commands import CommandError as NotImportedError
from headrace.commands import (
    add_graph_arguments,
    discover_modules,
    flow_lines,
    flow_problems,
    printable,
    run_doctor,
    run_graph,
)
from headrace.integration import register_discovery
from headrace_django.checks import check_settings

if TYPE_CHECKING:
    from django.core.management.base import CommandParser


class Command(BaseCommand):
    """Lists, draws and checks the flows of the project's apps, and examines its set-up."""

    help = "List, draw or check the declared flows, or find missing set-up."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the four actions."""
        actions = parser.add_subparsers(dest="action", required=True)
        # Django itself reads these anywhere in the command line; a parser only has to accept them.
        common = type(parser)(add_help=False, argument_default=SUPPRESS)
        for option in ("--settings", "--pythonpath"):
            common.add_argument(option, help=SUPPRESS)
        add = partial(actions.add_parser, parents=[common])
        add("list", help="list the flows")
        add_graph_arguments(add("graph", help="draw flows"), app=False)
        check = add("check", help="report problems in the declared flows")
        check.add_argument("names", nargs="*", help="the flows to check (default: all)")
        says = "find requests, tasks and log lines that would have no ID"
        doctor = add("doctor", help=says)
        doctor.add_argument("--format", choices=("text", "json"), default="text")

    def handle(self, *args: Any, action: str, **options: Any) -> str | None:
        """Run the action; problems exit with status 1, a failed drawing with status 2."""
        if action == "doctor":
            self._doctor(options["format"])
            return None
        if find_spec("celery") is not None:
            register_discovery(_import_tasks)
        if action == "graph":
            self._graph(Namespace(**options))
            return None
        try:
            discover_modules([])
            return self._check(options["names"]) if action == "check" else "\n".join(flow_lines())
        except (headrace.UnknownFlowError, NotImportedError) as error:
            raise CommandError(printable(str(error))) from error

    def _graph(self, options: Namespace) -> None:
        messages = StringIO()
        status = run_graph(options, out=cast("TextIO", self.stdout), err=messages)
        lines = messages.getvalue().splitlines()
        text = "\n".join(line.removeprefix("headrace: ") for line in lines)
        if status:
            raise CommandError(text, returncode=status)
        if text:
            self.stderr.write(text)

    def _doctor(self, format: str) -> None:
        # A server does not start with these errors, so nothing else is examined until they are
        # fixed. Django has already printed the warnings.
        errors = [fault for fault in check_settings() if fault.is_serious()]
        faults = [f"{fault.id}: {fault.msg} {fault.hint}" for fault in errors]
        if faults:
            raise CommandError("\n".join(faults))
        messages = StringIO()
        script = Path(sys.argv[0]).resolve()
        status = run_doctor(
            format=format,
            out=cast("TextIO", self.stdout),
            err=messages,
            source=script.parent if script.name == "manage.py" else None,
        )
        if status:
            text = messages.getvalue().removeprefix("headrace: ").rstrip()
            raise CommandError(text or "something is missing", returncode=status)

    def _check(self, names: list[str]) -> str:
        problems = flow_problems(names)
        if problems:
            raise CommandError("\n".join(str(problem) for problem in problems))
        return "no problems"


def _import_tasks() -> None:
    autodiscover_modules("tasks")  # as Celery's workers do in a Django project
