"""Where everything is put together: the only place that knows the adapters."""

from .adapters import MemoryStock, Shelf, TextNotifier
from .application import Counter, Refill
from .application.dispense import Drawer, count_sale
from .application.refill import Wholesaler


def build():
    return Counter(
        stock=MemoryStock(Shelf()),
        notifier=TextNotifier(),
        drawer=Drawer(),
        on_sale=count_sale,
    )


def build_wholesaler():
    return Wholesaler(Refill())
