from abc import ABC, abstractmethod
from typing import Protocol

import pluggy

from headrace import entrypoint, step

hook = pluggy.HookimplMarker("desk")
desk = pluggy.PluginManager("desk")


class Pricing(ABC):
    @abstractmethod
    def price(self, job): ...


class Flat(Pricing):
    @step("quotes", after="quote", name="flat")
    def price(self, job):
        return 10


class Hourly(Pricing):
    @step("quotes", after="quote", name="hourly")
    def price(self, job):
        return job.hours * self.rate()

    @step("quotes", after="hourly")
    def rate(self):
        return 80


class Sender(Protocol):
    def send_quote(self, amount): ...


@entrypoint("quotes")
def quote(job, pricing: Pricing, sender: Sender):
    amount = pricing.price(job)
    sender.send_quote(amount)
    desk.hook.quoted(amount=amount)
    for check in (minimum, maximum):
        amount = check(amount)
    return amount


@step("quotes", after="quote")
def send_quote(amount):
    print("quote", amount)


@hook
@step("quotes", after="quote")
def quoted(amount):
    print("quoted", amount)


@step("quotes", after="quote")
def minimum(amount):
    return max(amount, 5)


@step("quotes", after="minimum")
def maximum(amount):
    return min(amount, 5000)
