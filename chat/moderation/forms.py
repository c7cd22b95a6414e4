from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from webchat.base.text import PlainTextField

REASON_LENGTH = 500
WORDS_LENGTH = 500


class ReportForm(forms.Form):
    reason = PlainTextField(
        label=_("Reason (required)"),
        help_text=_("Say in a few words what is wrong: insults, harassment, advertising…"),
        error_messages={"required": _("Please say what is wrong.")},
        max_length=REASON_LENGTH,
        widget=forms.Textarea(attrs={"rows": 3, "dir": "auto"}),
    )


class ReportPageForm(ReportForm):
    """A report of a message or, without one, of the person."""

    message = forms.IntegerField(required=False)


class WarnForm(forms.Form):
    words = PlainTextField(
        label=_("Your words (optional)"),
        max_length=WORDS_LENGTH,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "dir": "auto"}),
    )
