import pyee
from headrace import entrypoint, step

from .container import container
from .registry import CHECKS, check

emitter = pyee.EventEmitter()


@entrypoint("arrival")
def announce_ship(ship):
    berth = assign_berth(ship)
    PILOTS[ship.size](ship, berth)
    for _, one in sorted(CHECKS):
        one(ship)
    moor(ship, berth)
    container.get("customs").notify_customs(ship)
    Crew(ship).work(ship.cargo)


@step("arrival", after="announce_ship")
def assign_berth(ship):
    return 7


@step("arrival", after="assign_berth")
def pilot_small(ship, berth):
    print("small")


@step("arrival", after="assign_berth")
def pilot_large(ship, berth):
    print("large")


PILOTS = {"s": pilot_small, "l": pilot_large}


@check()
@step("arrival", after="assign_berth")
def check_oil(ship):
    print("oil")


@check(order=1)
@step("arrival", after="assign_berth")
def check_crew(ship):
    print("crew")


@step("arrival", after=["check_oil", "assign_berth"])
def moor(ship, berth):
    print("moored")


@emitter.on("weather")
@step("arrival", after="moor")
def weather_changed(report):
    print(report)


@step("arrival", after="moor")
def blow_horn():
    print("tut")


class Crew:
    def __init__(self, ship):
        self.ship = ship

    def work(self, cargo):
        handler = getattr(self, f"un{cargo.verb}")
        handler(cargo)

    @step("arrival", after="moor")
    def unload(self, cargo):
        self.weigh_cargo(cargo)

    @step("arrival", after="unload")
    def weigh_cargo(self, cargo):
        return cargo.weight
