from headrace import step

from .names import BAKERY


class Oven:
    heat = 230


@step(BAKERY, after="shape")
def bake(oven, amount):
    cool(amount)
    wipe()


@step(BAKERY, after=["bake"])
def cool(amount):
    return amount


@step(BAKERY, after="coool")
def wipe():
    return None
