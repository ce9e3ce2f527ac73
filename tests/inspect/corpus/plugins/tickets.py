"""A help desk: who gets a ticket is looked up at run time."""

import json

from bus import bus

from headrace import flow

tickets = flow("tickets")


@tickets.entrypoint
def open_ticket(raw):
    ticket = classify(json.loads(raw))
    bus.publish("ticket.opened", ticket)
    HANDLERS[ticket["kind"]](ticket)
    return ticket


@tickets.step(after=open_ticket)
def classify(ticket):
    ticket.setdefault("kind", "question")
    return ticket


@tickets.step(after="classify")
def answer_question(ticket):
    print("see the manual", ticket)


@tickets.step(after="classify")
def repair(ticket):
    print("repairing", ticket)


@tickets.step(after="classify")
@bus.on("ticket.opened")
def index_ticket(ticket):
    print("indexed", ticket)


@tickets.step(after="classify")
def count_ticket(ticket):
    print("counted", ticket)


@tickets.step(after="repair")
def send_bill(ticket):
    """Not in the table: only paid repairs had it, and there are none any more."""


HANDLERS = {"question": answer_question, "defect": repair}
bus.subscribe("ticket.opened", count_ticket)

# --- by name --------------------------------------------------------------------------------------

escalation = flow("escalation")


class Escalation:
    @escalation.entrypoint
    def start(self, ticket, level):
        getattr(self, f"level_{level}")(ticket)
        self.record(ticket)

    @escalation.step(after="start")
    def level_1(self, ticket):
        print("team lead", ticket)

    @escalation.step(after="level_1")
    def level_2(self, ticket):
        print("director", ticket)

    @escalation.step(after="start")
    def record(self, ticket):
        getattr(self, "notify")(ticket)

    @escalation.step(after="record")
    def notify(self, ticket):
        print("mail", ticket)

    @escalation.step(after="notify")
    def celebrate(self, ticket):
        """No level is called so, and nobody else calls it."""
