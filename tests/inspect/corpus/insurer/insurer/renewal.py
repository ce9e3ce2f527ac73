"""Once a year: what a policy costs from now on."""

from __future__ import annotations

from decimal import Decimal
from typing import Self

from headrace import entrypoint, flow, step

from .model import Policy


class Job:
    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.history: list[int] = []

    def run(self) -> None:
        self.load_history()
        if self.is_loyal:
            self.thank()
        else:
            self.warn()
        self.offer(self.premium)

    def load_history(self) -> None:
        raise NotImplementedError

    def thank(self) -> None: ...

    def warn(self) -> None: ...

    def offer(self, premium: Decimal) -> None: ...

    @property
    def is_loyal(self) -> bool:
        return self.policy.begun < 2020

    @property
    def premium(self) -> Decimal:
        return Decimal(100)


@flow("renewal")
class Renewal(Job):
    @classmethod
    @entrypoint
    def for_policy(cls, policy: Policy) -> Self:
        job = cls(policy)
        job.run()
        return job

    @step(after=for_policy)
    def load_history(self) -> None:
        self.history = [self.policy.begun]

    @step(after="load_history")
    def thank(self) -> None:
        """With a voucher."""

    @step(after="thank")
    def warn(self) -> None:
        """With a letter."""

    @property
    @step(after=["thank", "warn"])
    def premium(self) -> Decimal:
        return self.round_up(super().premium)

    @staticmethod
    @step(after="premium")
    def round_up(amount: Decimal) -> Decimal:
        return amount.quantize(Decimal(1))

    @step(after="round_up")
    def offer(self, premium: Decimal) -> None:
        print(self.policy.number, premium)

    @step(after="offer")
    def remind(self) -> None:
        """A job of its own would have to do that, and there is none."""


def renew_all(policies: list[Policy]) -> list[Renewal]:
    return [Renewal.for_policy(policy) for policy in policies]
