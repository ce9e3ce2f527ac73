import argparse

from headrace import entrypoint, step


class Bell:
    def __init__(self, times=1):
        self.times = times

    @step("tours", after="print_ticket")
    def ring_bell(self):
        print("ding" * self.times)

    def __call__(self):
        self.ring_bell()


@entrypoint("tours")
def book_tour(argv=None):
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(required=True)
    guided = commands.add_parser("guided")
    guided.set_defaults(func=guided_tour)
    args = parser.parse_args(argv)
    return args.func(args)


def guided_tour(args):
    guide = find_guide(args)
    bell = Bell(times=2)
    if guide:
        print_ticket(guide)
        bell()
    else:
        apologise()


@step("tours", after="book_tour")
def find_guide(args):
    return "ann"


@step("tours", after="find_guide")
def print_ticket(guide):
    print(guide)


@step("tours", after="ring_bell")
def apologise():
    print("sorry")


if __name__ == "__main__":
    book_tour()
