from pharmacy import Rx, build, count_shelves
from pharmacy.adapters import MemoryStock, Shelf
from pharmacy.bootstrap import build_wholesaler
from pharmacy.domain import Drug, Patient


def main():
    counter = build()
    counter.dispense(Rx(Patient("Ada", 60), Drug("A01", "aspirin", 10), 500))


def evening():
    shelf = Shelf()
    count_shelves(MemoryStock(shelf), build_wholesaler(), shelf)


if __name__ == "__main__":
    main()
