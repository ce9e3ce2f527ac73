from django.contrib import admin

from . import models
from .flows import refunds
from .services import refund_order


@admin.register(models.Order)
class OrderAdmin(admin.ModelAdmin):
    list_display = ["pk", "user", "total", "state"]
    actions = ["refund_selected"]

    @admin.action(description="Refund")
    @refunds.entrypoint
    def refund_selected(self, request, queryset):
        for order in queryset.select_related("user"):
            refund_order(order)
        self.message_user(request, "refunded")


admin.site.register(models.Vintage)
