"""Reads a file of orders: one JSON object a line, of which only ``number`` matters here."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

Order = dict[str, Any]


def read_orders(path: Path) -> tuple[list[Order], list[str]]:
    """The orders in a file, and what is wrong with its other lines, each with file and line.

    Whether an order makes sense is for the shop to say. Raises ``OSError`` when there is no file.
    """
    orders: dict[str, Order] = {}
    problems: list[str] = []
    for number, raw in enumerate(path.read_bytes().splitlines(), start=1):
        if not raw.strip():
            continue
        try:
            order = parse(raw)
            if order["number"] in orders:
                raise ValueError(f"there is an order {order['number']} already")
        except ValueError as error:
            problems.append(f"{path}:{number}: {error}")
        else:
            orders[order["number"]] = order
    return list(orders.values()), problems


def parse(raw: bytes) -> Order:
    """One order from one line. Raises ``ValueError`` when the line is none."""
    try:
        order = json.loads(raw.decode("utf-8-sig"))
        encode(order)
    except (UnicodeDecodeError, UnicodeEncodeError) as error:
        raise ValueError(f"not UTF-8: {error.reason}") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error.msg} at column {error.colno}") from None
    except RecursionError:
        raise ValueError("not an order: nested too deeply") from None
    if not isinstance(order, dict) or not isinstance(order.get("number"), str):
        raise ValueError('not an order: expected an object with a "number", a string')
    return order


def encode(order: Order) -> bytes:
    """An order as it is sent. Raises ``ValueError`` for what JSON or UTF-8 cannot say."""
    try:
        text = json.dumps(order, ensure_ascii=False, allow_nan=False)
    except ValueError:
        raise ValueError("not JSON: a number is infinite or none") from None
    return text.encode()
