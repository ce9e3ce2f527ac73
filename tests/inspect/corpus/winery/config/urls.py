from django.contrib import admin
from django.urls import path

from cellar.views import CheckoutView, OrderListView

urlpatterns = [
    path("admin/", admin.site.urls),
    path("checkout/", CheckoutView.as_view(), name="checkout"),
    path("orders/", OrderListView.as_view(), name="orders"),
]
