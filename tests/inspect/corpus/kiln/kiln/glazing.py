from functools import lru_cache

from headrace import flow

from .helpers import registered

glazing = flow("glazing")


class Stirrer:
    @glazing.step(after="mix")
    def stir(self, bucket):
        return bucket

    def __call__(self, bucket):
        return self.stir(bucket)


@registered
class Glaze:
    def __init__(self, name):
        self.name = name

    @glazing.step(after="stir")
    def pour(self, piece):
        return thickness(self.name)


@glazing.entrypoint
def mix(piece, colour):
    stirrer = Stirrer()
    stirrer(colour)
    glaze = Glaze(colour)
    try:
        glaze.pour(piece)
    except ValueError:
        drip(piece)
        raise
    dry(piece)


@lru_cache(maxsize=None)
def thickness(name):
    return drop(name)


def drop(name):
    return drip(name) if name.endswith("?") else 1


@glazing.step(after="pour")
def drip(piece):
    return 0


@glazing.step(after=["drip", "pour"])
def dry(piece):
    return piece
