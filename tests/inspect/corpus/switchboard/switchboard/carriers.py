"""Who carries a call: known by the number, looked up at run time."""

from __future__ import annotations

from abc import ABC, abstractmethod

from headrace import step

from .call import Call

_carriers: list[type[Carrier]] = []


class Carrier(ABC):
    prefix = ""

    def __init_subclass__(cls, **options: object) -> None:
        super().__init_subclass__(**options)
        _carriers.append(cls)

    @abstractmethod
    def dial(self, call: Call) -> None: ...

    @step("call", after="dial_far")
    def keep_line(self, call: Call) -> None:
        print("line kept")


class Local(Carrier):
    prefix = "0"

    @step("call", name="dial_near", after="ring")
    def dial(self, call: Call) -> None:
        print("local", call.number)


class Abroad(Carrier):
    prefix = "00"

    @step("call", name="dial_far", after="ring")
    def dial(self, call: Call) -> None:
        self.keep_line(call)
        self.ask_rate(call)

    @step("call", after="keep_lines")
    def ask_rate(self, call: Call) -> None:
        print("rate")


def carrier_for(call: Call) -> Carrier:
    fitting = [one for one in _carriers if call.number.startswith(one.prefix)]
    return max(fitting, key=lambda one: len(one.prefix))()
