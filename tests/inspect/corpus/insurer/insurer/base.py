"""How a claim is handled, in general; each branch has a flow of its own."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

from headrace import entrypoint, step

from .model import Claim, Payee

log = logging.getLogger(__name__)


class Ledger:
    """The books: what is reserved, what is paid."""

    def __init__(self) -> None:
        self.reserved: dict[str, Decimal] = {}

    def reserve(self, claim: Claim, amount: Decimal) -> None:
        self.reserved[claim.policy.number] = amount

    @contextmanager
    def entry(self, claim: Claim) -> Iterator[Decimal]:
        amount = self.reserved.pop(claim.policy.number)
        try:
            yield amount
        except Exception:
            self.reserve(claim, amount)
            raise


class ClaimHandler(ABC):
    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger

    @entrypoint
    def handle(self, claim: Claim) -> bool:
        self.register(claim)
        if not self.covered(claim):
            self.reject(claim)
            return False
        amount = self.assess(claim)
        self.ledger.reserve(claim, amount)
        with self.ledger.entry(claim) as reserved:
            for payee in claim.payees:
                self.settle(claim, payee, reserved / len(claim.payees))
        self.close(claim)
        return True

    @step(after="handle")
    def register(self, claim: Claim) -> None:
        log.info("registered %s", claim.policy.number)

    @step(after="register")
    def covered(self, claim: Claim) -> bool:
        return claim.loss <= claim.policy.limit

    @step(after="covered")
    def reject(self, claim: Claim) -> None:
        log.info("rejected %s", claim.policy.number)

    @step(after="covered")
    @abstractmethod
    def assess(self, claim: Claim) -> Decimal: ...

    @step(after="assess")
    def settle(self, claim: Claim, payee: Payee, amount: Decimal) -> None:
        log.info("pay %s to %s", amount, payee.name)

    @step(after="settle")
    def close(self, claim: Claim) -> None:
        log.info("closed %s", claim.policy.number)
