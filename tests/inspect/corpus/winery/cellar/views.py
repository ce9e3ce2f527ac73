from django.contrib import messages
from django.contrib.auth.mixins import LoginRequiredMixin
from django.urls import reverse_lazy
from django.views.generic import FormView, ListView

from .flows import orders
from .forms import CheckoutForm
from .models import Order
from .services import OrderService


class CheckoutView(LoginRequiredMixin, FormView):
    form_class = CheckoutForm
    template_name = "checkout.html"
    success_url = reverse_lazy("orders")

    @orders.entrypoint
    def form_valid(self, form):
        service = OrderService(self.request.user)
        order = service.place(form.cleaned_data)
        messages.success(self.request, f"Thank you, order {order.pk} is on its way.")
        return super().form_valid(form)


class OrderListView(LoginRequiredMixin, ListView):
    def get_queryset(self):
        return Order.objects.for_user(self.request.user).open()
