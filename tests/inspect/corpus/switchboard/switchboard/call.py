from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Call:
    caller: str
    number: str
    minutes: int = 0
    notes: list[str] = field(default_factory=list)

    @property
    def is_abroad(self) -> bool:
        return self.number.startswith("00")
