from .db import Pool
from .flows import ordering
from .schemas import OrderIn, OrderOut, User


class Repo:
    def __init__(self, pool: Pool) -> None:
        self.pool = pool


class UserRepo(Repo):
    @ordering.step(after="current_user")
    async def load_user(self, token: str) -> User | None:
        connection = await self.pool.acquire()
        row = await connection.fetchrow("select * from users where token = $1", token)
        return User(**row) if row else None


class OrderRepo(Repo):
    @ordering.step(after="reserve")
    async def save_order(self, order: OrderIn, user: User) -> OrderOut:
        connection = await self.pool.acquire()
        number = await connection.fetchval("insert into orders default values returning id")
        return OrderOut(id=number, total=len(order.lines))
