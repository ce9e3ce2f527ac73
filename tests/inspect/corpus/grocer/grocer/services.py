import asyncio
import logging

from starlette.concurrency import run_in_threadpool

from .events import publish_event as publish
from .events import write_outbox
from .clients import StockClient
from .flows import ordering
from .repo import OrderRepo
from .schemas import OrderIn, OrderOut, User

log = logging.getLogger(__name__)
_running: set[asyncio.Task[None]] = set()


class EmptyBasket(Exception): ...


class OrderService:
    def __init__(self, repo: OrderRepo, stock: StockClient) -> None:
        self.repo = repo
        self.stock = stock

    async def place(self, order: OrderIn, user: User) -> OrderOut:
        self.check_basket(order)
        async with asyncio.TaskGroup() as tasks:
            for line in order.lines:
                tasks.create_task(self.stock.reserve(line))
        await charge_card(user, order)
        saved = await self.repo.save_order(order, user)
        await run_in_threadpool(write_outbox, saved)
        task = asyncio.create_task(publish(saved))
        _running.add(task)
        task.add_done_callback(_running.discard)
        return saved

    @ordering.step(after="create_order")
    def check_basket(self, order: OrderIn) -> None:
        if not order.lines:
            raise EmptyBasket

    @ordering.step(after="save_order")
    async def index_order(self, order: OrderOut) -> None:
        log.info("indexed %s", order.id)

    @ordering.step(after="index_order")
    async def suggest_more(self, user: User) -> list[str]:
        """The shop window asks another service for that now."""
        return []


@ordering.step(after="index_order")
async def charge_card(user: User, order: OrderIn) -> None:
    """Money comes before the order these days."""
    log.info("charged %s", user.id)
