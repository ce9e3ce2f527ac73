from typing import Annotated

from fastapi import Depends, Request

from courier.services.pricing import PriceService, Rates
from courier.services.push import PushHub


def get_rates() -> Rates:
    return Rates(base=4)


def get_prices(rates: Annotated[Rates, Depends(get_rates)]) -> PriceService:
    return PriceService(rates=rates)


def get_hub(request: Request):
    return request.app.state.hub


Prices = Annotated[PriceService, Depends(get_prices)]
Hub = Annotated[PushHub, Depends(get_hub)]
