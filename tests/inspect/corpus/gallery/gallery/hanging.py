from __future__ import annotations

from dataclasses import dataclass

import click
from headrace import entrypoint, step


class Finish:
    by_name: dict[str, type[Finish]] = {}

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        Finish.by_name[cls.__name__.lower()] = cls

    def apply(self, wall):
        raise NotImplementedError


class Paint(Finish):
    def apply(self, wall):
        paint_over(wall)


@step("hanging", after="drill")
def paint_over(wall):
    click.echo("painted")


@step("hanging", after="drill")
def level():
    return 90.0


@dataclass
class Frame:
    name: str
    angle: float


class Wall:
    def __init__(self, number):
        self.number = number
        self.holes = 0

    @step("hanging", after="choose_wall")
    def measure(self):
        return self

    @step("hanging", after="measure")
    def drill(self, holes):
        self.holes += holes
        return self


@step("hanging", after="hang")
def choose_wall(number):
    return Wall(number)


@click.group()
def cli():
    """The gallery."""


@cli.command()
@click.argument("picture")
@click.option("--finish", default="paint")
@entrypoint("hanging")
def hang(picture, finish):
    wall = choose_wall(3).measure().drill(holes=2)
    Finish.by_name[finish]().apply(wall)
    frame = Frame(picture, angle=level())
    click.echo(f"{frame.name} hangs on wall {wall.number}")


@step("hanging", after="level")
def take_down(picture):
    click.echo("down")
