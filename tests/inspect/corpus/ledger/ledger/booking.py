from .bank import imports


@imports.step(after="parse")
def convert(entry: tuple[str, str]) -> tuple[str, str]:
    return entry


@imports.step(after="fetch_rate")
def book(entries: list[tuple[str, str]], *, dry: bool) -> list[str]:
    return [number for number, _ in entries]


@imports.step(after=book)
def audit(number: str) -> str:
    return number


@imports.step(after=audit)
async def checksum(numbers: list[str]) -> int:
    return len(numbers)
