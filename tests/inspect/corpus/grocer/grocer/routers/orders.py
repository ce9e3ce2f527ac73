from fastapi import APIRouter, BackgroundTasks, HTTPException

from ..deps import CurrentUser, Service
from ..events import send_mail
from ..flows import ordering
from ..schemas import OrderIn, OrderOut
from ..services import EmptyBasket

router = APIRouter(prefix="/orders", tags=["orders"])


@router.post("", status_code=202)
@ordering.step(after="load_user")
async def create_order(
    body: OrderIn,
    background: BackgroundTasks,
    user: CurrentUser,
    service: Service,
) -> OrderOut:
    try:
        order = await service.place(body, user)
    except EmptyBasket as error:
        raise HTTPException(422, "an empty basket") from error
    background.add_task(send_mail, user, order)
    background.add_task(service.index_order, order=order)
    return order
