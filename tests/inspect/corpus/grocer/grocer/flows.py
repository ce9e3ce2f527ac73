from headrace import flow

ordering = flow("ordering")
stock = flow("stock")
returns = flow("returns")
