from headrace import step

from .locator import provide


class Billing:
    @step("intake", after="write_chart")
    def bill(self, patient):
        print("bill", patient)


provide("billing", Billing())
