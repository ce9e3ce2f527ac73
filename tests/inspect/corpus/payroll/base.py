from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from headrace import entrypoint, step


class Audited:
    """A mixin: its step belongs to the flow of the class that it is mixed into."""

    @step(after="pay")
    def write_audit(self, text: str) -> None:
        print(type(self).__name__, text)


class PayrollRun(ABC):
    """How wages are paid, in general. The steps are inherited by the flows of each country."""

    def __init__(self, month: str) -> None:
        self.month = month

    @entrypoint
    def run(self, employees: list[Any]) -> None:
        for employee in employees:
            gross = self.gross(employee)
            net = self.deduct(employee, gross)
            self.pay(employee, net)
        self.finish()

    @step(after="run")
    def gross(self, employee: Any) -> float:
        return employee.hours * employee.rate

    @abstractmethod
    def deduct(self, employee: Any, gross: float) -> float: ...

    @step(after="deduct")
    def pay(self, employee: Any, amount: float) -> None:
        print(employee, amount)

    def finish(self) -> None:
        """For countries that have something to report."""
