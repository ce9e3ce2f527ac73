"""A flow without an entrypoint, and one that is opened by hand."""

from headrace import flow

cards = flow("cards")
pins = flow("pins")


@cards.step
def order_card(customer):
    issue_card(customer)


@cards.step(after=order_card)
def issue_card(customer):
    with pins.open():
        pin = draw_pin()
        print_pin(pin)


@pins.step
def draw_pin():
    return "0000"


@pins.step(after=draw_pin)
def print_pin(pin):
    print(pin)


@pins.step(after=print_pin)
def forget_pin(pin): ...
