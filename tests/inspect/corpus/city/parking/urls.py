from django.urls import path

from .views import Spots

urlpatterns = [path("zones/<str:plate>/spots", Spots.as_view())]
