from headrace import entrypoint, step

from .charts import Chart
from .interfaces import Beds
from .locator import locate
from .ward import Ward


class Triage:
    @step("intake", after="admit")
    def triage(self, patient):
        return 1 if patient else 2

    @step("intake", after="close")
    def triage_again(self, patient):
        return 1


def make_triage() -> Triage:
    return Triage()


class Desk:
    def __init__(self, beds: Beds) -> None:
        self.beds = beds
        self._ward = None

    @property
    def ward(self) -> Ward:
        if self._ward is None:
            self._ward = Ward()
        return self._ward

    @entrypoint("intake")
    def admit(self, patient):
        triage = make_triage()
        if triage.triage(patient) == 2:
            triage.triage_again(patient)
        bed = self.beds.find_bed(patient)
        self.ward.notify_ward(bed)
        chart = Chart.opened_for(patient)
        locate("billing").bill(patient)
        chart.close(patient)
        return bed
