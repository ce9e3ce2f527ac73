from headrace import Chain, entrypoint, step


@entrypoint("grain")
def receive(load):
    intake().run(load=load)


def intake():
    chain = Chain().next(weigh, args=["load"], out="weight")
    chain.next(lambda weight: clean(weight), args=["weight"], name="cleaning")
    chain.next(silo, args=["weight"], undo=undo_silo, when=lambda ctx: ctx["weight"] > 0)
    return chain.next(seal, args=["weight"])


@step("grain", after="receive")
def weigh(load):
    return len(load)


@step("grain", after="weigh")
def clean(weight):
    return weight


@step("grain", after="clean")
def silo(weight):
    return weight


@step("grain", after="silo")
def undo_silo(result):
    print("emptied", result)


@step("grain", after="silo")
def seal(weight):
    return weight
