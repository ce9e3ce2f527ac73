from rest_framework import permissions, viewsets
from rest_framework.decorators import action
from rest_framework.response import Response

from headrace import entrypoint, step

from .models import Report, Thread
from .serializers import PostSerializer


class IsModerator(permissions.BasePermission):
    def has_permission(self, request, view):
        return request.user.is_staff


class PostViewSet(viewsets.ModelViewSet):
    serializer_class = PostSerializer

    @entrypoint("posting")
    def perform_create(self, serializer):
        serializer.save(author=self.request.user)


class ThreadViewSet(viewsets.ReadOnlyModelViewSet):
    queryset = Thread.objects.all()

    def get_permissions(self):
        return [IsModerator()] if self.action == "close" else []

    @action(detail=True, methods=["post"], url_path="close")
    @entrypoint("closing")
    def close(self, request, pk=None):
        thread: Thread = self.get_object()
        if thread.locked:
            return Response(status=409)
        thread.lock()
        Report.objects.open().filter(thread=thread).close_reports(by=request.user)
        self.tell_moderators(thread)
        return Response(status=204)

    @step("closing", after="close_reports")
    def tell_moderators(self, thread):
        print("closed", thread.title)
