"""A mixer of its own: the chain is built in the constructor, of bound methods."""

from __future__ import annotations

from headrace import Chain, flow

blending = flow("blending")


@blending.step(after="dose")
def drain(dose):
    print("drained", dose)


@blending.step(after="colour")
def wants_colour(context):
    return "red" in context["recipe"]


@blending.step(after="stir")
def is_stable(mixture):
    return bool(mixture)


class Mixer:
    def __init__(self, tanks: int) -> None:
        self.tanks = tanks
        self.chain = (
            Chain("mixer", flow="blending")
            .next(self.fill, name="dose", out="dose", args=["recipe"], undo=drain)
            .next(self.stir, out="stir", args=["dose"], validate=is_stable)
            .next(self.add_colour, name="colour", when=wants_colour, args=["stir"])
            .next(self.check, args=["stir"])
        )

    def mix(self, recipe: str):
        return self.chain.run(recipe=recipe)

    def fill(self, recipe):
        self.rework(recipe)
        return recipe.split("+")

    def stir(self, dose):
        return dose * self.tanks

    def add_colour(self, mixture):
        mixture.append("red")

    def check(self, mixture):
        self.label(mixture)
        return len(mixture)

    @blending.step(after="check")
    def label(self, mixture):
        print("label", mixture)

    @blending.step(after="check")
    def rework(self, recipe):
        """Came last once; now what is left over goes in first."""

    @blending.step(after="label")
    def seal(self, mixture):
        print("the tanks seal themselves")
