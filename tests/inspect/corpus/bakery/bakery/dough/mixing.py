from headrace import entrypoint, step

from .. import names
from ..names import BAKERY as _FLOW

try:
    from bakery_ext.fast import rest
except ImportError:
    from .slow import rest

__all__ = ["start_dough", "weigh"]


@entrypoint(names.BAKERY)
def start_dough(flour):
    from bakery.dough import Shaper

    from .. import dough as _dough

    amount = _dough.weigh(flour)
    knead(amount)
    rest(amount)
    finish(Shaper(), amount)


@step(_FLOW, after="start_dough")
def weigh(flour):
    return flour * 1.7


@step(_FLOW, after=weigh)
def knead(amount):
    return amount


def finish(shaper, amount):
    shaper.shape(amount)
