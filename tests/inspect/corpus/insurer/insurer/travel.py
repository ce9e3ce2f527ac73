from __future__ import annotations

from decimal import Decimal
from functools import cached_property

from headrace import flow, step

from .home import HomeClaims
from .model import Claim


class Rates:
    """The rates of the day."""

    def __init__(self, currency: str) -> None:
        self.currency = currency

    @step("travel", after="assess")
    def convert(self, amount: Decimal) -> Decimal:
        return amount * self.rate()

    @step("travel", after="convert")
    def rate(self) -> Decimal:
        return Decimal("1.1") if self.currency == "USD" else Decimal(1)


@flow("travel")
class TravelClaims(HomeClaims):
    """Nobody travels to where a claim comes from: there is no expert."""

    @cached_property
    def rates(self) -> Rates:
        return Rates("USD")

    @step(after="register")
    def covered(self, claim: Claim) -> bool:
        return claim.abroad

    @step(after="covered")
    def assess(self, claim: Claim) -> Decimal:
        return self.rates.convert(claim.loss)

    @step(after="notify")
    def write_mail(self, claim: Claim, text: str) -> None:
        super().write_mail(claim, text)
        self.archive_mail(claim, text)

    def greeting(self, claim: Claim) -> str:
        self.translate(claim)
        return "su reclamación está cerrada."

    @step(after="write_mail")
    def translate(self, claim: Claim) -> str:
        """Before the mail is written, of course."""
        return "es"
