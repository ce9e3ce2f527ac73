from __future__ import annotations

import enum
from dataclasses import dataclass, field
from decimal import Decimal


class Kind(enum.Enum):
    MOTOR = "motor"
    HOME = "home"
    TRAVEL = "travel"


@dataclass(frozen=True)
class Payee:
    name: str
    iban: str


@dataclass
class Policy:
    number: str
    holder: str
    begun: int
    limit: Decimal = Decimal(10_000)


@dataclass
class Claim:
    policy: Policy
    kind: Kind
    loss: Decimal
    payees: list[Payee] = field(default_factory=list)
    abroad: bool = False
