from __future__ import annotations

import asyncio
import functools

from headrace import AsyncChain, flow

customs = flow("customs")


async def declare(order, *, office):
    return {"office": office, "order": order}


def pay_duty(form):
    receipt(form)
    return 19


@customs.step(after="duty")
def receipt(form):
    print("paid for", form["order"])


async def withdraw(form):
    print("withdrawn", form["office"])


async def stamp(form, duty):
    await asyncio.to_thread(press, form)
    return f"{form['office']}:{duty}"


@customs.step(after="stamp")
def press(form):
    print("stamped")


@customs.step(after="pres")
def dry_ink(form):
    print("dry")


CUSTOMS = AsyncChain("customs", deadline=30, strict=True)
CUSTOMS.next(
    functools.partial(declare, office="Hamburg"), name="form", out="form", args=["order"], undo=withdraw
)
CUSTOMS.next(pay_duty, out="duty", args=["form"], timeout=5, retries=2)
CUSTOMS.next(stamp, args=["form", "duty"])


async def clear(order):
    return await CUSTOMS.run(order=order)
