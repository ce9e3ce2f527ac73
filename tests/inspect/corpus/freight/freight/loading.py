from headrace import flow

load = flow("load")


class Overweight(Exception):
    pass


@load.entrypoint
def plan(crates, route):
    if not crates:
        refuse(crates)
        raise ValueError("nothing to load")
    while (weight := weigh(crates)) > 20:
        crates = split(crates, weight)
        if len(crates) > 100:
            break
    else:
        pack(crates)
    try:
        check(crates)
    except Overweight:
        unseal(crates)
    else:
        seal(crates)
    finally:
        log_load(crates)
    match route:
        case {"kind": "train", "line": line}:
            return by_train(line)
        case {"kind": "ship"} | {"kind": "boat"}:
            by_ship(route)
        case str() as name if name.startswith("x"):
            return None
    papers = customs(route)
    papers()
    with_receipt(crates, bill)
    return route.get("insured") and insure(crates) or crates


def check(crates):
    if sum(crates) > 1000:
        raise Overweight


def with_receipt(crates, then):
    total = sum(crates)
    then(total)


@load.step(after=plan)
def weigh(crates):
    return sum(crates)


@load.step(after=weigh)
def split(crates, weight):
    return crates + [weight]


@load.step(after=split)
def pack(crates):
    print(crates)


@load.step(after=pack)
def seal(crates):
    print("seal")


@load.step(after=seal)
def unseal(crates):
    print("unseal")


@load.step(after=[unseal, seal])
def log_load(crates):
    print("log")


@load.step(after=log_load)
def by_train(line):
    return line


@load.step(after=[log_load, by_train])
def by_ship(route):
    return route


@load.step(after=[by_ship, by_train])
def customs(route):
    def papers():
        return stamp(route)

    return papers


@load.step(after=customs)
def stamp(route):
    return route


@load.step(after=stamp)
def bill(total):
    return total


@load.step(after=bill)
def insure(crates):
    return crates


@load.step(after=["insure", plan])
def refuse(crates):
    print("refused")
