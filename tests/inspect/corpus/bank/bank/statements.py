"""Declarations that cannot be right, whatever the code does."""

from headrace import flow

statements = flow("statements")


@statements.entrypoint
def make_statement(account):
    rows = collect(account)
    text = layout(rows)
    sign(text)
    archive(text)
    again(text)


@statements.step(after="make_statment")
def collect(account):
    return [account]


@statements.step(after=["collect", "archive"])
def layout(rows):
    return str(rows)


@statements.step(after="layout")
def sign(text): ...


@statements.step(after="sign")
def archive(text): ...


@statements.step(after="archive", name="send")
def again(text): ...


@statements.step(after="cards.issue_card")
def enclose_card(text): ...
