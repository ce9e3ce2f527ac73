from ._borrowing import *  # noqa: F403
from ._borrowing import check_card as check
from .flow import loans as loan_flow

__all__ = ["borrow", "check", "loan_flow", "stamp"]
