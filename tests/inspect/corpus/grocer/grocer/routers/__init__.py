from . import orders, returns

routers = [orders.router, returns.router]
