from contextlib import contextmanager
from functools import cached_property, partialmethod, singledispatch

from headrace import entrypoint, step

from .helpers import retry, timed


class Bowl:
    shine = 3


class Plate:
    shine = 5


class Log:
    def __init__(self, values):
        self.values = values

    @cached_property
    @step("firing", after="grade")
    def curve(self):
        return sum(self.values)


class Kiln:
    def __init__(self, shelf):
        self.shelf = shelf

    @step("firing", after="heat")
    def hold(self, degrees, minutes):
        print(degrees, minutes)

    hold_long = partialmethod(hold, minutes=90)

    @contextmanager
    def burning(self, degrees):
        heat(degrees)
        try:
            yield self
        finally:
            vent()


@timed
@entrypoint("firing")
def fire(shelf):
    load_shelf(shelf)
    kiln = Kiln(shelf)
    with kiln.burning(1200) as hot:
        hot.hold_long(1180)
    samples = list(sample(shelf))
    log = Log([grade(one) for one in all_of(samples)])
    print(log.curve)
    for piece in sorted(shelf, key=lambda one: sort_by_shine(one)):
        pack(piece)


@retry(3, on=(OSError, ValueError))
@step("firing", after="fire")
def load_shelf(shelf):
    print(shelf)


@step("firing", after="load_shelf")
def heat(degrees):
    print(degrees)


@step("firing", after="hold")
def vent():
    print("open")


@step("firing", after="vent")
def sample(shelf):
    for piece in shelf:
        yield piece.shine


def all_of(samples):
    yield from samples


@step("firing", after="sample")
def grade(one):
    return one > 3


@step("firing", after="curve")
def sort_by_shine(piece):
    return -piece.shine


@singledispatch
def pack(piece):
    raise TypeError(piece)


@pack.register
@step("firing", after="sort_by_shine")
def pack_bowl(piece: Bowl):
    print("bowl")


@pack.register(Plate)
@step("firing", after="sort_by_shine")
def pack_plate(piece):
    print("plate")


@step("firing", after="pack_bowl")
def take_out(piece):
    print(piece)
