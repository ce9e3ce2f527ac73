from pydantic import BaseModel, EmailStr, Field


class Line(BaseModel):
    article: str
    quantity: int = Field(gt=0)


class OrderIn(BaseModel):
    lines: list[Line]


class OrderOut(BaseModel):
    id: int
    total: float


class ReturnIn(BaseModel):
    order: int
    reason: str = ""


class User(BaseModel):
    id: int
    email: EmailStr
