from headrace import entrypoint, step


class Train:
    def __init__(self, wagons):
        self.wagons = wagons

    def __enter__(self):
        self.open_doors()
        return self

    def __exit__(self, *exc):
        self.close_doors()

    def __len__(self):
        return self.count_crates()

    @entrypoint("unload")
    def open_doors(self):
        print("open")

    @step("unload", after="carry")
    def close_doors(self):
        print("close")

    @step("unload", after="open_doors")
    def count_crates(self):
        return sum(self.wagons)


def unload(wagons):
    with Train(wagons) as train:
        lifted = [lift(wagon) for wagon in train.wagons]
        list(map(carry, lifted))
        print(len(train))
    sweep()


@step("unload", after="open_doors")
def lift(wagon):
    return wagon


@step("unload", after="lift")
def carry(crate):
    return crate


@step("unload", after="close_doors")
def sweep():
    print("clean")
