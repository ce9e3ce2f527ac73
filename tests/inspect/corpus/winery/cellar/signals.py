import django.dispatch

order_placed = django.dispatch.Signal()
