from depot.gateways import Freight, Post
from depot.service import Service


def main() -> None:
    service = Service(Post())
    service.receive("a parcel", Freight())


if __name__ == "__main__":
    main()
