"""Decorated steps that a chain without a name runs, and a chain that is a step's own business."""

from headrace import Chain, entrypoint, step


@entrypoint("shipping")
def ship(order):
    return (
        Chain()
        .next(weigh, out="weight", args=["order"])
        .next(choose_carrier, out="carrier", args=["weight"])
        .next(lambda carrier: print_label(carrier), args=["carrier"])
        .run(order=order)
    )


@step("shipping", after="ship")
def weigh(order):
    return order["kilos"]


@step("shipping", after="weigh")
def choose_carrier(weight):
    return "post" if weight < 20 else "freight"


@step("shipping", after=["choose_carrier"])
def print_label(carrier):
    print(carrier)


@step("shipping", after="print_label")
def insure(order):
    """Was a step of the chain until the carriers insured every parcel."""


@step("shipping", after="print_label")
def unpack(order):
    print("unpacked", order)


@step("shipping", after="choose_carrier")
def apologise(order):
    print("sorry", order)


def take_back(order):
    build_returns(order).run(order=order)


def build_returns(order):
    chain = Chain().next(unpack, args=["order"])
    if order.get("late"):
        chain.next(apologise, args=["order"])
    return chain


@entrypoint("reports")
def report(kinds):
    chain = Chain()
    for kind in kinds:
        chain.next(PRINTERS[kind], name=kind)
    return chain.run()


@step("reports", after="report")
def print_sales():
    print("sales")


@step("reports", after="print_sales")
def print_losses():
    print("losses")


PRINTERS = {"sales": print_sales, "losses": print_losses}
