"""Helpers in between, and the order that only they know."""

from headrace import flow

loans = flow("loans")


@loans.entrypoint
def apply_for_loan(customer, amount):
    prepare(customer)
    decide(customer, amount)


def prepare(customer):
    print("prepare", customer)
    gather(customer)


def gather(customer):
    fetch_score(customer)


def decide(customer, amount):
    if amount < 1000:
        return grant(customer)
    ask_colleague(customer)
    return grant(customer)


@loans.step(after="apply_for_loan")
def fetch_score(customer): ...


@loans.step(after="grant")
def ask_colleague(customer): ...


@loans.step(after="fetch_score")
def grant(customer):
    write_contract(customer)


@loans.step(after="grant")
def write_contract(customer): ...


@loans.step(after=["write_contract", "refuse"])
def pay_out(customer): ...


@loans.step(after="fetch_score")
def refuse(customer): ...


def branch_office(customer):
    apply_for_loan(customer, 500)
    pay_out(customer)
