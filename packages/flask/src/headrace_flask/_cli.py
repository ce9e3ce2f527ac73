"""``flask flows list|graph|check``."""

from __future__ import annotations

import click

import headrace
from headrace.commands import (
    CommandError,
    discover_modules,
    flow_lines,
    flow_problems,
    graph_main,
    printable,
)


@click.group()
def flows() -> None:
    """List, draw or check the declared flows."""


@flows.command("list")
def list_() -> None:
    """List the flows."""
    _import_tasks()
    for line in flow_lines():
        click.echo(line)


# Passes the arguments on unparsed, since the core has one parser for all command lines.
@flows.command(context_settings={"ignore_unknown_options": True}, add_help_option=False)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def graph(context: click.Context, arguments: tuple[str, ...]) -> None:
    """Draw or check flows; see --help."""
    context.exit(graph_main(arguments, prog="flask flows graph", app=False))


@flows.command()
@click.argument("names", nargs=-1)
def check(names: tuple[str, ...]) -> None:
    """Report problems in the flows NAMES; all flows by default."""
    _import_tasks()
    try:
        problems = flow_problems(names)
    except headrace.UnknownFlowError as error:
        raise click.ClickException(printable(str(error))) from error
    if problems:
        raise click.ClickException("\n".join(str(problem) for problem in problems))
    click.echo("no problems")


def _import_tasks() -> None:
    try:
        discover_modules([])
    except CommandError as error:
        raise click.ClickException(printable(str(error))) from error
