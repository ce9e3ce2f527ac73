import click
from flask.cli import with_appcontext

from headrace import entrypoint, step


@click.command("night-audit")
@click.option("--day")
@with_appcontext
@entrypoint("stay")
def night_audit(day):
    for bill in close_bills(day):
        click.echo(mail_bill(bill))


@step("stay", after="night_audit")
def close_bills(day):
    yield from [f"{day}-1", f"{day}-2"]


@step("stay", after="close_bills")
def mail_bill(bill):
    return f"mailed {bill}"
