from .orders import OrderService
from .refunds import refund_order

__all__ = ["OrderService", "refund_order"]
