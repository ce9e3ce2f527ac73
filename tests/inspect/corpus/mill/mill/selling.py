from headrace import flow, open_context

from .grain import silo

selling = flow("selling")


def main(orders):
    with open_context(metadata={"source": "cli"}):
        for order in orders:
            silo(order)
            with selling.open():
                total = price(order)
                invoice(order, total)


@selling.step(after="grain.silo")
def price(order):
    return 3


@selling.step(after=price)
def invoice(order, total):
    print(order, total)


@selling.step(after=invoice)
def dunning(order):
    print(order)


if __name__ == "__main__":
    main(["a", "b"])
