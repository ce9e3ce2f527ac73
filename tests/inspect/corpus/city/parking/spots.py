from headrace import step


@step("permit", after="post")
def reserve(plate):
    return 1


@step("permit", after=["check_debts"])
def free(plate): ...
