from .._flows import ordering


@ordering.step(after=["send_order"])
def unpack(boxes):
    for box in boxes:
        scan(box)


@ordering.step(after=unpack)
def scan(box):
    return box


@ordering.step(after=scan)
def sort_boxes(boxes):
    """The robot of the branch in town could do it."""
    return sorted(boxes)
