from headrace import Chain

from . import crude
from .crude import book, read_order

DISTIL = (
    Chain("distil", deadline=60, redact=["token"])
    .put("unit", "bbl")
    .next(read_order, out="order", args=["order_id"], log_fmt="order={order.id}")
    .next(
        crude.sample,
        out="assay",
        args=["order.tank"],
        retries=3,
        retry_on=(OSError,),
        validate=crude.check_assay,
        undo=crude.return_sample,
    )
    .parallel(
        Chain().next(crude.cut_light, out="light", args=["assay"], kwargs={"unit": "unit"}),
        Chain()
        .next(crude.cut_heavy, out="heavy", args=["assay", "unit"])
        .next(crude.desalt, out="clean", args=["heavy"]),
    )
    .next(crude.blend, out="product", args=["light", "clean"], when="light")
    .next(book, args=["product", "order"])
)


def run(order_id):
    return DISTIL.run(order_id=order_id)["product"]
