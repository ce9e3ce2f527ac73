from django import forms


class CheckoutForm(forms.Form):
    rows = forms.JSONField()

    def clean_rows(self):
        rows = self.cleaned_data["rows"]
        if not rows:
            raise forms.ValidationError("an empty basket")
        return rows
