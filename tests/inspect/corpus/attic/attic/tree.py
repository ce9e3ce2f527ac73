from headrace import entrypoint, step


@entrypoint("tree")
def walk(root):
    enter(root)


@step("tree", after="walk")
def enter(node):
    for child in node.children:
        visit_child(child)
        if child.children:
            enter(child)
        leave(child)


@step("tree", after="enter")
def visit_child(child):
    print(child)


@step("tree", after="visit_child")
def leave(child):
    print(child)


@step("tree", after="leave")
def enter_again(node):
    enter(node)


@entrypoint("parity")
def count(number):
    return even(number)


@step("parity", after="count")
def even(number):
    return True if number == 0 else odd(number - 1)


@step("parity", after="even")
def odd(number):
    return False if number == 0 else even(number - 1)
