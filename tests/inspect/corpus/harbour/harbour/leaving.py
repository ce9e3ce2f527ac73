from headrace import entrypoint, step

from . import signs
from .registry import bus


@entrypoint("leaving")
def cast_off(ship):
    getattr(signs, "wave")(ship)
    bus.emit("tide", ship)


@bus.on("tide")
@step("leaving", after="wave")
def on_tide(ship):
    print("tide")
