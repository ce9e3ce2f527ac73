from __future__ import annotations

from decimal import Decimal

from headrace import flow, step

from .base import ClaimHandler
from .mixins import Notifying
from .model import Claim, Payee

SMALL = Decimal(500)


@flow("home")
class HomeClaims(Notifying, ClaimHandler):
    @step(after="register")
    def covered(self, claim: Claim) -> bool:
        return super().covered(claim) and not claim.abroad

    @step(after="covered")
    def assess(self, claim: Claim) -> Decimal:
        if claim.loss < SMALL:
            return claim.loss
        return self.send_expert(claim)

    @step(after="assess")
    def send_expert(self, claim: Claim) -> Decimal:
        return claim.loss * Decimal("0.8")

    @step(after=["assess", "send_expert"])
    def settle(self, claim: Claim, payee: Payee, amount: Decimal) -> None:
        super().settle(claim, payee, round(amount, 2))

    @step(after="settle")
    def close(self, claim: Claim) -> None:
        super().close(claim)
        self.notify(claim)
