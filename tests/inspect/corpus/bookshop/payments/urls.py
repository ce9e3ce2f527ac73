from django.urls import path

from . import views

urlpatterns = [
    path("webhook", views.payment_webhook),
    path("refunds/<int:pk>/open", views.open_refund),
    path("refunds/<int:pk>/close", views.close_refund),
]
