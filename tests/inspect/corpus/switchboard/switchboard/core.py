from __future__ import annotations

import importlib
from importlib.metadata import entry_points

from headrace import entrypoint, step

from .call import Call
from .carriers import carrier_for
from .commands import Console
from .hooks import fire
from .tariffs import Tariff


class Switchboard:
    def __init__(self, settings: dict[str, str]) -> None:
        self.settings = settings
        self.console = Console(self)
        for name in settings.get("plugins", "").split(","):
            importlib.import_module(f"switchboard.plugins.{name}")
        for point in entry_points(group="switchboard.plugins"):
            point.load()(self)

    @entrypoint("call")
    def connect(self, call: Call) -> float:
        self.screen(call)
        fire("before_call", call)
        self.ring(call)
        fire("after_call", call)
        tariff = Tariff.named(self.settings["tariff"])
        price = tariff.price_of(call)
        self.write_bill(call, price)
        return price

    @step("call", after="connect")
    def screen(self, call: Call) -> None:
        if call.number in self.settings.get("blocked", ""):
            self.refuse(call)

    @step("call", after="screen")
    def refuse(self, call: Call) -> None:
        raise PermissionError(call.number)

    @step("call", after="screen")
    def ring(self, call: Call) -> None:
        carrier = carrier_for(call)
        carrier.dial(call)
        log_call(call)

    @step("call", after="price_flat")
    def write_bill(self, call: Call, price: float) -> None:
        print(call.caller, price)
        round_price(price)

    @step("call", after="write_bill")
    def send_bill(self, call: Call) -> None:
        """The bills are fetched from the portal."""


@step("call", after="ring")
def log_call(call: Call) -> None:
    print(call)


@step("call", after=["write_bill"])
def round_price(price: float) -> float:
    return round(price, 2)
