from django.http import HttpResponse, JsonResponse
from django.views import View

from headrace import step

from . import spots


class Spots(View):
    @step("permit", after="apply")
    def post(self, request, plate):
        return JsonResponse({"spot": spots.reserve(plate)})

    def delete(self, request, plate):
        spots.free(plate)
        return HttpResponse(status=204)
