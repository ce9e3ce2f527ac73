from headrace import flow

moving = flow("moving")


@moving.entrypoint
def by_day(things):
    for thing in things:
        pack(thing)
    for thing in things:
        carry(thing)
    settle(things, cash=True)


@moving.entrypoint
def by_night(things):
    if len(things) > 3:
        carry(things)
        pack(things)
    else:
        rest()
    settle(things, cash=False)


def settle(things, *, cash):
    pay = pay_cash if cash else pay_card
    pay(len(things))
    thank()


@moving.step(after="by_day")
def pack(thing):
    print(thing)


@moving.step(after=[pack, by_night])
def carry(thing):
    print(thing)


@moving.step(after=carry)
def rest():
    print("zzz")


@moving.step(after=["by_day", "by_night"])
def pay_cash(amount):
    print(amount)


@moving.step(after="by_night")
def pay_card(amount):
    print(amount)


@moving.step(after=[pay_cash, pay_card])
def thank():
    print("thanks")
