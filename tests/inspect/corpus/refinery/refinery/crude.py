"""Plain functions, which the chains make steps of."""

from __future__ import annotations

import random

from headrace import flow

distil = flow("distil")


class Unfit(ValueError):
    """Nothing can be made of this oil."""


def read_order(order_id):
    return {"id": order_id, "tank": f"T{order_id % 7}", "barrels": 500}


def sample(tank):
    label_bottle(tank)
    return {"tank": tank, "sulphur": random.random()}


@distil.step(after="order")
def label_bottle(tank):
    print("bottle of", tank)


@distil.step(after="assay")
def check_assay(assay):
    if assay["sulphur"] > 0.9:
        raise Unfit(assay["tank"])


@distil.step(after="assay")
def return_sample(assay):
    print("poured back into", assay["tank"])


def cut_light(assay, unit):
    return {"cut": "light", "unit": unit}


def cut_heavy(assay, unit):
    return {"cut": "heavy", "unit": unit}


def desalt(cut):
    return {**cut, "salt": 0}


def blend(light, clean):
    weigh_batch(light, clean)
    return [light, clean]


# The step is called "product": that is its output's name.
@distil.step(after="blend")
def weigh_batch(*cuts):
    return len(cuts)


def book(product, order):
    print(order["id"], product)
    notify_trader(order)


@distil.step(after="book")
def notify_trader(order):
    print("ready:", order["id"])


@distil.step(after="notify_trader")
def fax_trader(order):
    print("the machine was given away")
