from headrace import AsyncChain


async def coarse(weight):
    return weight


async def fine(weight):
    return weight


async def bran(weight):
    return weight * 0.2


async def flour(weight):
    return weight * 0.8


async def bags(bran, flour):
    return flour / 25


milling = (
    AsyncChain("milling")
    .next(coarse, args=["weight"])
    .next(fine, args=["coarse"])
    .parallel(
        AsyncChain().next(bran, args=["weight"]),
        AsyncChain().next(flour, args=["weight"]),
    )
    .next(bags, args=["bran", "flour"])
)


async def mill(weight):
    result = await milling.run(weight=weight)
    return result["bags"]
