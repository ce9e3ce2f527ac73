from __future__ import annotations

from decimal import Decimal

from headrace import flow, step

from .base import ClaimHandler
from .mixins import Auditing
from .model import Claim, Payee


@flow("motor")
class MotorClaims(Auditing, ClaimHandler):
    hourly = Decimal(95)

    @step(after="covered")
    def assess(self, claim: Claim) -> Decimal:
        photos = self.inspect_car(claim)
        parts = self.price_parts(photos)
        return min(parts + self.hourly, claim.loss)

    @step(after="assess")
    def inspect_car(self, claim: Claim) -> list[str]:
        return [f"{claim.policy.number}-{side}.jpg" for side in ("left", "right")]

    @step(after="inspect_car")
    def price_parts(self, photos: list[str]) -> Decimal:
        return sum((self.price_of(photo) for photo in photos), Decimal(0))

    @staticmethod
    @step(after="price_parts")
    def price_of(photo: str) -> Decimal:
        return Decimal(len(photo))

    @step(after=["assess", "price_parts"])
    def settle(self, claim: Claim, payee: Payee, amount: Decimal) -> None:
        self.send_letter(claim)
        super().settle(claim, payee, amount)
        self.audit("settled", claim)

    @step(after="close")
    def send_letter(self, claim: Claim) -> None:
        """A letter to the garage: it has to be there before the money."""

    @step(after="reject")
    def appeal(self, claim: Claim) -> None:
        """Appeals go to the ombudsman now."""
