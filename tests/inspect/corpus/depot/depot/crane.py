from .service import depot


class Crane:
    @depot.step(after="shut")
    def lift(self, parcel: str) -> None: ...

    @depot.step(after="lift")
    def lower(self, parcel: str) -> None: ...
