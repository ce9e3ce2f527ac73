"""Three entrypoints into one flow, and a step that one of them forgets."""

from headrace import entrypoint, step


@entrypoint("atm")
def insert_card(card):
    read_chip(card)
    ask_pin(card)


@entrypoint("atm")
def hold_phone(phone):
    ask_pin(phone)


@entrypoint("atm")
def service_key(key):
    open_safe(key)


@step("atm", after="insert_card")
def read_chip(card): ...


@step("atm", after=["read_chip", "hold_phone"])
def ask_pin(holder):
    pay(holder)


@step("atm", after=["ask_pin", "service_key"])
def pay(holder): ...


@step("atm", after="pay")
def open_safe(key): ...
