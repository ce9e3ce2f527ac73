from __future__ import annotations

from typing import Any

from base import Audited, PayrollRun

from headrace import flow, step


@flow("germany")
class Germany(Audited, PayrollRun):
    @step(after="gross")
    def deduct(self, employee: Any, gross: float) -> float:
        taxed = gross * 0.7
        return self.church_tax(employee, taxed) if employee.church else taxed

    @step(after="deduct")
    def church_tax(self, employee: Any, amount: float) -> float:
        return amount * 0.98

    @step(after=["deduct", "church_tax"])
    def pay(self, employee: Any, amount: float) -> None:
        print(employee, round(amount, 2))
        self.write_audit("paid")

    def finish(self) -> None:
        super().finish()
        self.report_to_ministry()

    @step(after="write_audit")
    def report_to_ministry(self) -> None:
        print("report", self.month)


@flow("norway")
class Norway(PayrollRun):
    @step(after="gross")
    def deduct(self, employee: Any, gross: float) -> float:
        return self.holiday_pay(employee, gross * 0.65)

    @step(after="pay")
    def holiday_pay(self, employee: Any, amount: float) -> float:
        """Declared after the payment, and yet a part of the deductions."""
        return amount * 1.12

    @step(after="pay")
    def union_fee(self, employee: Any, amount: float) -> float:
        return amount - 40

    def finish(self) -> None:
        self.file_return()

    @step(after="pay")
    def file_return(self) -> None:
        print("filed", self.month)


@flow("svalbard")
class Svalbard(Norway):
    """All of Norway's steps, in a flow of its own."""

    @step(after="gross")
    def deduct(self, employee: Any, gross: float) -> float:
        amount = gross * 0.84
        return amount

    def finish(self) -> None:
        super().finish()
        self.polar_bear_insurance()

    @step(after=["file_return", "holiday_pay"])
    def polar_bear_insurance(self) -> None:
        print("insured")


# A step that a class without a flow of its own overrides, and so takes out of the flow.
class Trial(Norway):
    def pay(self, employee: Any, amount: float) -> None:
        print("would pay", amount)


def rehearse(month: str, employees: list[Any]) -> None:
    Trial(month).run(employees)
