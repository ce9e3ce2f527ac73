from headrace import flow

orders = flow("order")
refunds = flow("refund")
vintages = flow("vintages")

__all__ = ["orders", "refunds", "vintages"]
