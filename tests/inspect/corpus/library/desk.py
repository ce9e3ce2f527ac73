import library
from library import return_book


def counter(kind, *args):
    match kind:
        case "borrow":
            return library.borrow(*args)
        case "return":
            return return_book(*args)
