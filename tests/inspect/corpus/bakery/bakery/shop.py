from headrace import flow

from bakery import names as n

selling = flow(n.SHOP)


@selling.entrypoint
def open_shop(loaves):
    for loaf in loaves:
        wrap(sell(loaf))


@selling.step(after=["open_shop", f"{n.BAKERY}.cool"])
def sell(loaf):
    return loaf


@selling.step(after=sell)
def wrap(loaf):
    return loaf
