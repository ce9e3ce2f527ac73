from django import forms


class JoinForm(forms.Form):
    plan = forms.ChoiceField(choices=[("s", "small"), ("l", "large")])
