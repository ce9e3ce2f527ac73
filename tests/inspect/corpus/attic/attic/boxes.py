from headrace import entrypoint, step

DEBUG = False


@entrypoint("boxes")
def open_box(box):
    things = sort_things(box)
    stack(box)
    if False:
        weigh_box(box)
    while True:
        if not things:
            break
        things.pop()
    close_box(box)
    return things
    label_box(box)


@step("boxes", after="open_box")
def sort_things(box):
    return sorted(box)


@step("boxes", after="sort_things")
def label_box(box):
    print("label")


@step("boxes", after="sort_things")
def weigh_box(box):
    print("kilo")


@step("boxes", after="sort_things")
def shake_box(box):
    print("rattle")


@step("boxes", after="sort_things")
def close_box(box):
    print("shut")


@step("boxes", after="close_box")
def stack(box):
    print("stacked")
