from django.urls import path

from .views import JoinView

app_name = "members"
urlpatterns = [path("join/", JoinView.as_view(), name="join")]
