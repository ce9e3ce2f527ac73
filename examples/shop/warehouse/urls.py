"""The warehouse's one address."""

from __future__ import annotations

from django.urls import path

from warehouse import views

urlpatterns = [path("reservations/<str:number>", views.reservation)]
