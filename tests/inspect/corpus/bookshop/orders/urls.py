from django.urls import path

from . import views

urlpatterns = [
    path("", views.place_order),
    path("sign-in", views.sign_in),
    path("<int:pk>/cancel", views.CancelView.as_view()),
]
