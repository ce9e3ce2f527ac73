from dataclasses import dataclass, field

from headrace import step


@dataclass
class Rates:
    base: float
    extra: dict[str, float] = field(default_factory=dict)


@dataclass
class PriceService:
    rates: Rates

    @step("parcels", after="validate_address")
    async def price(self, weight: float) -> float:
        return self.rates.base * weight
