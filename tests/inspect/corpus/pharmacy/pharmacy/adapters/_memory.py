from .._flows import dispensing, ordering
from ..domain.model import Drug

__all__ = ["MemoryStock", "Shelf"]


class Shelf:
    def __init__(self):
        self.boxes = {}

    @dispensing.step(after="check_dose")
    def take_from_shelf(self, code, amount):
        self.boxes[code] = self.boxes.get(code, 0) - amount

    @ordering.step(after="count_shelves")
    def fill(self, code, amount):
        self.boxes[code] = self.boxes.get(code, 0) + amount


class MemoryStock:
    def __init__(self, shelf: Shelf | None = None):
        self.shelf = shelf if shelf is not None else Shelf()

    def take(self, drug: Drug, amount: int) -> None:
        self.shelf.take_from_shelf(drug.code, amount)
        _note(drug)

    def missing(self) -> list[Drug]:
        return [Drug.all_known[code] for code, rest in self.shelf.boxes.items() if rest < 1]


@dispensing.step(name="note", after="take_from_shelf")
def _note(drug):
    print("taken", drug.name)
