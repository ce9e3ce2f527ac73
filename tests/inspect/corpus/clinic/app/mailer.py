from .flows import booking


class Mailer:
    def __init__(self, sender: str) -> None:
        self.sender = sender

    @booking.step(after="store_appointment")
    def send_invitation(self, patient: str) -> None:
        self._deliver(patient, "invitation")

    @booking.step(after="cancel_slot")
    def send_regrets(self, patient: str) -> None:
        self._deliver(patient, "regrets")

    def _deliver(self, patient: str, kind: str) -> None:
        print(self.sender, patient, kind)


mailer = Mailer("clinic@example.org")
