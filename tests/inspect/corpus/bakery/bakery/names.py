PREFIX = "do"
BAKERY = "dough"
SHOP: str = "selling"
