"""``manage.py flows list|graph|check``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError

import headrace
from headrace.integration import flow_lines, flow_problems

if TYPE_CHECKING:
    from django.core.management.base import CommandParser


class Command(BaseCommand):
    """Lists, draws and checks the flows that the project's apps declare."""

    help = "List, draw or check the declared flows."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the three actions."""
        actions = parser.add_subparsers(dest="action", required=True)
        actions.add_parser("list", help="name the flows")
        graph = actions.add_parser("graph", help="draw a flow")
        graph.add_argument("name", help="the flow's name")
        graph.add_argument("--format", default="mermaid", help="mermaid, unless given")
        graph.add_argument("--output", help="the file to write; standard output, unless given")
        check = actions.add_parser("check", help="report what is wrong with the declared graphs")
        check.add_argument("names", nargs="*", help="the flows' names; all, unless given")

    def handle(self, *args: Any, action: str, **options: Any) -> str | None:
        """Run the action; what is wrong ends in status 1."""
        try:
            if action == "graph":
                name, format, output = options["name"], options["format"], options["output"]
                return headrace.generate_dag(name, format=format, output=output)
            return self._check(options["names"]) if action == "check" else "\n".join(flow_lines())
        except (headrace.UnknownFlowError, ValueError, OSError) as error:
            raise CommandError(str(error)) from error

    def _check(self, names: list[str]) -> str:
        problems = flow_problems(names)
        if problems:
            raise CommandError("\n".join(str(problem) for problem in problems))
        return "no problems"
