"""From the order to the lorry: several chains, one after the other."""

import asyncio

from headrace import entrypoint, step

from . import distilling
from .blending import Mixer
from .customs import clear

mixer = Mixer(3)


@entrypoint("shipping")
def ship(order):
    oil = distilling.run(order["id"])
    load_tanker(oil)
    weigh_tanker(oil)
    mixer.mix(order["recipe"])
    asyncio.run(clear(order))
    drive_off(order)


@step("shipping", after=["ship", "distil.book"])
def load_tanker(oil): ...


@step("shipping", after="ship")
def weigh_tanker(oil): ...


@step("shipping", after=["weigh_tanker", "customs.stamp"])
def drive_off(order): ...


@step("shipping", after="drive_off")
def wash_tanker(order):
    """The drivers do it themselves."""
