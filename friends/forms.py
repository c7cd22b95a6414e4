from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.names import validate_length
from webchat.base.text import PlainTextField

NOTE_LENGTH = 50
REMARK_LENGTH = 16


class AskForm(forms.Form):
    username = forms.CharField(
        label=_("User name"),
        validators=[validate_length],
        widget=forms.TextInput(attrs={"autocapitalize": "none", "autocomplete": "off"}),
    )
    note = PlainTextField(label=_("Note"), max_length=NOTE_LENGTH, required=False)


class RemarkForm(forms.Form):
    remark = PlainTextField(label=_("Remark"), max_length=REMARK_LENGTH, required=False)
