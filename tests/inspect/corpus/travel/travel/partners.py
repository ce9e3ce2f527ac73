class SeatTaken(Exception):
    pass


class CardRefused(Exception):
    pass


def confirmed(wish):
    return True
