from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from headrace import flow

from .gateways import Freight, Gate, Labels, Post, Repository, Scale

if TYPE_CHECKING:
    from .crane import Crane
    from .gateways import Carrier

depot = flow("depot")


@dataclass
class Tools:
    scale: Scale = field(default_factory=Scale)
    labels: "Labels | None" = None


class Service:
    carrier: Carrier

    def __init__(self, carrier: Carrier, crane: Crane | None = None) -> None:
        self.carrier = carrier
        self.crane = crane
        self.parcels: Repository[str] = Repository()
        self.tools = Tools(labels=Labels.default())

    @cached_property
    def post(self) -> Post:
        return Post()

    @depot.entrypoint
    def receive(self, parcel: str, freight: Freight) -> None:
        self.parcels.add(parcel)
        self.tools.scale(parcel)
        if self.tools.labels:
            self.tools.labels.print(parcel)
        self.pack(parcel)
        if parcel.startswith("X"):
            self.carrier.book(parcel)
        elif len(parcel) > 20:
            freight.book(parcel)
        else:
            self.post.book(parcel)
        with Gate():
            drive(parcel)
        if self.crane is not None:
            self.crane.lift(parcel)
        make_register().enter(parcel)
        register: Register = find_register(parcel)
        register.close(parcel)

    @depot.step(after="print")
    def pack(self, parcel: str) -> None: ...


@depot.step(after="open")
def drive(parcel: str) -> None: ...


class Register:
    @depot.step(after="lift")
    def enter(self, parcel: str) -> None: ...

    @depot.step(after="enter")
    def close(self, parcel: str) -> None: ...

    @depot.step(after="close")
    def burn(self, parcel: str) -> None: ...


class QuietRegister(Register):
    def close(self, parcel: str) -> None:
        """No step: it overrides one."""


def make_register() -> Register:
    return QuietRegister()


def find_register(parcel):
    return REGISTERS[parcel]


REGISTERS: dict[str, Register] = {}
