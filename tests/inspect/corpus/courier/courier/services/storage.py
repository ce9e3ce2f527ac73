from headrace import step

_parcels: dict[int, tuple[str, float]] = {}


@step("parcels", after="price")
def store(address: str, price: float) -> int:
    number = len(_parcels) + 1
    _parcels[number] = (address, price)
    return number
