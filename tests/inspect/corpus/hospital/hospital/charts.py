from __future__ import annotations

from headrace import step


class Chart:
    def __init__(self, patient: str) -> None:
        self.patient = patient

    @classmethod
    def opened_for(cls, patient: str) -> Chart:
        chart = cls(patient)
        chart.write_chart()
        return chart

    @step("intake", after="page_doctor")
    def write_chart(self) -> None:
        print(self.patient)

    @staticmethod
    @step("intake", after="write_chart")
    def close(patient: str) -> None:
        print("closed", patient)

    @step("intake", after="close")
    def reopen(self) -> None:
        print("reopened")
