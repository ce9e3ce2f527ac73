import logging
from typing import Annotated

from fastapi import APIRouter, Depends

from ..db import Session
from ..deps import require_staff, unit_of_work
from ..flows import returns
from ..schemas import ReturnIn

log = logging.getLogger(__name__)
router = APIRouter(prefix="/returns", dependencies=[Depends(require_staff)])


@router.post("/{order}")
@returns.step(after=["check_badge", "begin_tx"])
async def register_return(
    order: int,
    body: ReturnIn,
    session: Annotated[Session, Depends(unit_of_work)],
) -> dict[str, bool]:
    is_good = await inspect_goods(session, order)
    if is_good:
        await refund_money(session, order)
    else:
        await reject_return(session, body.reason)
    return {"accepted": is_good}


@returns.step(after=register_return)
async def inspect_goods(session: Session, order: int) -> bool:
    return bool(await session.execute("select good from goods where id = $1", order))


@returns.step(after=inspect_goods)
async def refund_money(session: Session, order: int) -> None:
    await session.execute("update orders set refunded = true where id = $1", order)


@returns.step(after="refund_money")
async def reject_return(session: Session, reason: str) -> None:
    log.info("rejected: %s", reason)


@returns.step(after="inspect_goods")
async def restock(session: Session, order: int) -> None:
    """Fresh food does not go back to the shelf."""
