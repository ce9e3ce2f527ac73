from typing import Protocol


class Beds(Protocol):
    def find_bed(self, patient: str) -> int: ...
