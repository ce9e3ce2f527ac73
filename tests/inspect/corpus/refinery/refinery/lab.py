"""Decorated steps that a chain without a name runs, within an entrypoint."""

from __future__ import annotations

from headrace import Chain, entrypoint, step


@entrypoint("lab")
def test_batch(batch):
    chain = Chain()
    chain.next(take_probe, out="probe", args=["batch"])
    chain.next(dilute, out="diluted", args=["probe"])
    chain.next(titrate, out="acid", args=["diluted"])
    chain.parallel(
        Chain().next(photograph, out="photo", args=["diluted"]),
        Chain().next(weigh_probe, out="weight", args=["diluted"]),
    )
    chain.next(lambda acid, weight: report(acid, weight), out="report", args=["acid", "weight"])
    result = chain.run(batch=batch)
    for line in result["report"]:
        print_line(line)
    rinse = Chain().next(clean_glass, args=["glass"]).next(dry_glass, args=["glass"])
    rinse.put("glass", "the big one")
    return result


@step("lab", after="test_batch")
def take_probe(batch):
    return batch[:1]


@step("lab", after="titrate")
def dilute(probe):
    return probe * 10


@step("lab", after=take_probe)
def titrate(probe):
    return 7.0


@step("lab", after=["titrate", "weigh_probe"])
def photograph(probe):
    return b"PNG"


@step("lab", after=titrate)
def weigh_probe(probe):
    return 1.5


@step("lab", after=[photograph, weigh_probe])
def report(acid, weight):
    return [f"acid {acid}", f"weight {weight}"]


@step("lab", after="report")
def print_line(line):
    print(line)


# The chain that would do it is built, and never run.
@step("lab", after="print_line")
def clean_glass(glass): ...


@step("lab", after=clean_glass)
def dry_glass(glass): ...
