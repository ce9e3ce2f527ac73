"""``flask flows list|graph|check``."""

from __future__ import annotations

import click

import headrace
from headrace.integration import flow_lines, flow_problems


@click.group()
def flows() -> None:
    """List, draw or check the declared flows."""


@flows.command("list")
def list_() -> None:
    """Name the flows."""
    for line in flow_lines():
        click.echo(line)


@flows.command()
@click.argument("name")
@click.option("--format", default="mermaid", show_default=True)
@click.option("--output", help="The file to write; standard output, unless given.")
def graph(name: str, format: str, output: str | None) -> None:
    """Draw the flow NAME."""
    try:
        drawing = headrace.generate_dag(name, format=format, output=output)
    except (headrace.UnknownFlowError, ValueError, OSError) as error:
        raise click.ClickException(str(error)) from error
    if drawing is not None:
        click.echo(drawing)


@flows.command()
@click.argument("names", nargs=-1)
def check(names: tuple[str, ...]) -> None:
    """Report what is wrong with the flows NAMES, or with all of them."""
    try:
        problems = flow_problems(names)
    except headrace.UnknownFlowError as error:
        raise click.ClickException(str(error)) from error
    if problems:
        raise click.ClickException("\n".join(str(problem) for problem in problems))
    click.echo("no problems")
