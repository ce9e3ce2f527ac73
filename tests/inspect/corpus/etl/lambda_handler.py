from functools import partial

from headrace import Chain, flow

imports = flow("imports")


def validate(record):
    if "id" not in record:
        raise ValueError("no id")
    return record


def write(table, record):
    print(table, record)


def acknowledge(record):
    print("ok", record)


def undo_write(result):
    print("undone", result)


CHAIN = (
    Chain("import", flow=imports, deadline=20)
    .next(validate, args=["record"], out="record", overwrite=True)
    .next(partial(write, "records"), args=["record"], name="write", undo=undo_write)
    .next(acknowledge, args=["record"])
    .next(acknowledge, args=["record"])
)


@imports.step(after="acknowledge_2")
def count(event):
    print("imported", event["id"])


@imports.step(after="write")
def sample(event):
    print("sample", event["id"])


def handler(event, context):
    CHAIN.run(record=event)
    count(event)
