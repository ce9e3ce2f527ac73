from rest_framework.routers import DefaultRouter

from .views import PostViewSet, ThreadViewSet

router = DefaultRouter()
router.register("posts", PostViewSet, basename="post")
router.register("threads", ThreadViewSet, basename="thread")
urlpatterns = router.urls
