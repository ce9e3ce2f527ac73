"""What runs is known when it runs: modules, callbacks and macros by name."""

import importlib
import os
import sys

from headrace import flow

# --- by module ------------------------------------------------------------------------------------

exports = flow("exports")


@exports.entrypoint
def export(kind, rows):
    head = write_header(rows)
    module = importlib.import_module(f"handlers.{kind}")
    module.write(rows)
    return head


@exports.step(after=export)
def write_header(rows):
    return list(rows)[:1]


# --- by whatever the caller brings ----------------------------------------------------------------

surveys = flow("surveys")


@surveys.entrypoint
def survey(customer, callback, channel):
    question = ask(customer)
    callback(question)
    channel.deliver(question)


@surveys.step(after=survey)
def ask(customer):
    return f"How was it, {customer}?"


@surveys.step(after="ask")
def store_answer(question):
    print("stored", question)


@surveys.step(after="ask")
def deliver(question):
    print("delivered", question)


def from_command_line():
    survey(sys.argv[1], globals()[os.environ["CALLBACK"]], print)


# --- by evaluation --------------------------------------------------------------------------------

macros = flow("macros")


@macros.entrypoint
def run_macro(text):
    parsed = parse_macro(text)
    exec(parsed)


@macros.step(after="run_macro")
def parse_macro(text):
    return compile(text, "<macro>", "exec")


@macros.step(after="parse_macro")
def beep():
    print("\a")
