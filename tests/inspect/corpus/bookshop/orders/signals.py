from django.dispatch import Signal

basket_priced = Signal()
stock_low = Signal()
