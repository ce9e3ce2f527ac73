from django.contrib.auth import authenticate, login
from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.views import View
from django.views.decorators.http import require_POST

from headrace import entrypoint, step

from . import services
from .flows import checkout
from .forms import OrderForm
from .models import Order


@require_POST
@checkout.entrypoint
def place_order(request):
    form = OrderForm(request.POST)
    if not form.is_valid():
        return JsonResponse({"errors": form.errors}, status=400)
    order = services.create_order(form.cleaned_data, request.user)
    return JsonResponse({"order": order.pk})


@require_POST
@checkout.entrypoint
def sign_in(request):
    user = authenticate(request, username=request.POST["name"], password=request.POST["password"])
    if user is None:
        return HttpResponse(status=403)
    login(request, user)
    return HttpResponse(status=204)


class CancelView(View):
    @entrypoint("cancellation")
    def post(self, request, pk):
        order = get_object_or_404(Order, pk=pk)
        self.check_cancellable(order)
        self.release_stock(order)
        return HttpResponse(status=204)

    @step("cancellation", after="post")
    def check_cancellable(self, order):
        if order.state != "new":
            raise ValueError("too late")

    @step("cancellation", after="check_cancellable")
    def release_stock(self, order):
        order.lines.all().delete()

    @step("cancellation", after="post")
    def get(self, request, pk):
        """A page of its own, which a browser may or may not ask for."""
        return HttpResponse("really?")
