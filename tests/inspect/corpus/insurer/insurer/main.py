from __future__ import annotations

from . import HomeClaims, MotorClaims, TravelClaims
from .base import ClaimHandler, Ledger
from .model import Claim, Kind

HANDLERS: dict[Kind, type[ClaimHandler]] = {
    Kind.MOTOR: MotorClaims,
    Kind.HOME: HomeClaims,
    Kind.TRAVEL: TravelClaims,
}


def main(claim: Claim) -> bool:
    return HANDLERS[claim.kind](Ledger()).handle(claim)
