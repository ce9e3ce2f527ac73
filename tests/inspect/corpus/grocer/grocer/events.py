import json
import logging
import pathlib

import httpx

from .flows import ordering
from .schemas import OrderOut, User

log = logging.getLogger(__name__)
OUTBOX = pathlib.Path("outbox")


@ordering.step(after="save_order")
def write_outbox(order: OrderOut) -> None:
    (OUTBOX / f"{order.id}.json").write_text(order.model_dump_json(), "utf-8")


@ordering.step(after=write_outbox)
async def publish_event(order: OrderOut) -> None:
    try:
        async with httpx.AsyncClient() as client:
            await client.post("http://bus.internal/orders", json=json.loads(order.model_dump_json()))
    except httpx.HTTPError:
        await retry_publish(order)


@ordering.step(after="publish_event")
async def retry_publish(order: OrderOut) -> None:
    log.warning("once more: %s", order.id)


@ordering.step(after="retry_publsh")
async def drop_event(order: OrderOut) -> None:
    log.error("dropped: %s", order.id)


@ordering.step(after=["save_order"])
def send_mail(user: User, order: OrderOut) -> None:
    log.info("mail to %s about %s", user.email, order.id)
    attach_invoice(order)


@ordering.step(after=send_mail)
def attach_invoice(order: OrderOut) -> bytes:
    return b"%PDF"
