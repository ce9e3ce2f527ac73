from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from typing import Generic, TypeVar

from headrace import step

T = TypeVar("T")


class Carrier(ABC):
    @abstractmethod
    def book(self, parcel: str) -> str: ...


class Post(Carrier):
    @step("depot", after="pack")
    def book(self, parcel: str) -> str:
        return parcel


class Freight(Carrier):
    @step("depot", after="pack", name="book_freight")
    def book(self, parcel: str) -> str:
        self.reserve_lorry(parcel)
        return parcel

    @step("depot", after="book_freight")
    def reserve_lorry(self, parcel: str) -> None: ...


class Repository(Generic[T]):
    def __init__(self) -> None:
        self.rows: list[T] = []

    @step("depot", after="receive")
    def add(self, row: T) -> None:
        self.rows.append(row)


@dataclasses.dataclass
class Scale:
    unit: str = "kg"

    @step("depot", after="add")
    def weigh(self, parcel: str) -> float:
        return 1.0

    def __call__(self, parcel: str) -> float:
        return self.weigh(parcel)


class Labels:
    @classmethod
    def default(cls) -> Labels:
        return cls()

    @step("depot", after="weigh")
    def print(self, parcel: str) -> None: ...

    @step("depot", after="print")
    def reprint(self, parcel: str) -> None: ...


class Gate:
    def __enter__(self) -> Gate:
        self.open()
        return self

    def __exit__(self, *exc: object) -> None:
        self.shut()

    @step("depot", after="book")
    def open(self) -> None: ...

    @step("depot", after="drive")
    def shut(self) -> None: ...
