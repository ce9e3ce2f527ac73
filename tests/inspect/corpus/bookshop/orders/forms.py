from django import forms


class OrderForm(forms.Form):
    items = forms.JSONField()
    voucher = forms.CharField(required=False)
