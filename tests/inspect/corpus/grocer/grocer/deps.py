"""What the routes depend on."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, Header, HTTPException
from fastapi.security import OAuth2PasswordBearer

from . import db
from .clients import StockClient
from .flows import ordering, returns
from .repo import OrderRepo, UserRepo
from .schemas import User
from .services import OrderService

oauth2 = OAuth2PasswordBearer(tokenUrl="token")


def get_users() -> UserRepo:
    return UserRepo(db.pool)


@ordering.entrypoint
async def current_user(
    token: Annotated[str, Depends(oauth2)],
    users: Annotated[UserRepo, Depends(get_users)],
) -> User:
    user = await users.load_user(token)
    if user is None:
        raise HTTPException(401)
    return user


CurrentUser = Annotated[User, Depends(current_user)]


async def get_stock() -> AsyncIterator[StockClient]:
    async with StockClient("http://stock.internal") as client:
        yield client


def get_service(stock: Annotated[StockClient, Depends(get_stock)]) -> OrderService:
    return OrderService(OrderRepo(db.pool), stock)


Service = Annotated[OrderService, Depends(get_service)]


@returns.entrypoint
async def require_staff(x_badge: Annotated[str, Header()]) -> None:
    if not check_badge(x_badge):
        raise HTTPException(403)


@returns.step(after=require_staff)
def check_badge(badge: str) -> bool:
    return badge.startswith("staff-")


@returns.entrypoint
async def unit_of_work() -> AsyncIterator[db.Session]:
    session = await begin_tx()
    try:
        yield session
        await commit_tx(session)
    except Exception:
        await rollback_tx(session)
        raise


@returns.step(after=unit_of_work)
async def begin_tx() -> db.Session:
    return db.Session(await db.pool.acquire())


@returns.step(after=["inspect_goods"])
async def commit_tx(session: db.Session) -> None:
    await session.execute("commit")


@returns.step(after="commit_tx")
async def rollback_tx(session: db.Session) -> None:
    await session.execute("rollback")
