import functools
from functools import partial

from django.contrib.auth.mixins import LoginRequiredMixin
from django.db import transaction
from django.urls import reverse_lazy
from django.views.generic import FormView

from . import tasks
from .flows import joining
from .forms import JoinForm
from .models import Membership


class AtomicMixin:
    def dispatch(self, request, *args, **kwargs):
        with transaction.atomic():
            return super().dispatch(request, *args, **kwargs)


class JoinView(LoginRequiredMixin, AtomicMixin, FormView):
    form_class = JoinForm
    template_name = "join.html"
    success_url = reverse_lazy("members:home")

    @joining.entrypoint(name="submit")
    def form_valid(self, form):
        membership = Membership.objects.open_for(self.request.user, form.cleaned_data["plan"])
        self.plan_messages(membership)
        return super().form_valid(form)

    def plan_messages(self, membership):
        transaction.on_commit(partial(tasks.send_card.delay, membership.pk))
        transaction.on_commit(lambda: welcome(membership))
        transaction.on_commit(self.notify_trainer)
        transaction.on_commit(functools.partial(count_member, gym="north"), robust=True)

    @joining.step(after="number_contract")
    def notify_trainer(self):
        print("trainer", self.request.user)


@joining.step(after="number_contract")
def welcome(membership):
    print("welcome", membership.number)


@joining.step(after=["number_contract"])
def count_member(gym):
    print("one more at", gym)
