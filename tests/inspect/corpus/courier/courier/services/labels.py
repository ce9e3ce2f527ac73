from headrace import step


class LabelService:
    def __init__(self, printer: str) -> None:
        self.printer = printer

    @step("parcels", after="store")
    def print_label(self, number: int) -> None:
        print(self.printer, number)

    @step("parcels", after="print_label")
    def archive_label(self, number: int) -> None:
        print("archive", number)


labels = LabelService("front desk")
