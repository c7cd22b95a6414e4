from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from webchat.base.changes import ChangesForm

from .access import Thread
from .sending.drafts import TEXT_LENGTH, clean_message, parse_client_id


class MessageForm(forms.Form):
    limit = TEXT_LENGTH  # told to the page; `maxlength` would count UTF-16, and cut without a word

    text = forms.CharField(label=_("Message"), strip=False, widget=forms.Textarea)
    client_id = forms.CharField(max_length=36, widget=forms.HiddenInput, initial=uuid4)
    # The newest message on the page: whoever answers it has read it.
    up_to = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def clean_text(self) -> str:
        return clean_message(self.cleaned_data["text"])

    def clean_client_id(self) -> UUID:
        return parse_client_id(self.cleaned_data["client_id"])


FILE_BYTES = 1_000_000  # with the rest of its form it passes a proxy that takes 1 MiB


class FileForm(forms.Form):
    """A file without scripts, in one piece."""

    file = forms.FileField(label=_("File"), allow_empty_file=True)
    client_id = forms.CharField(max_length=36, widget=forms.HiddenInput, initial=uuid4)

    def clean_file(self) -> UploadedFile:
        file: UploadedFile = self.cleaned_data["file"]
        if (file.size or 0) > FILE_BYTES:
            message = _("The file is too large (at most %(limit)s).")
            raise ValidationError(message, "too_large", {"limit": "1 MB"})
        return file

    def clean_client_id(self) -> UUID:
        return parse_client_id(self.cleaned_data["client_id"])


class ReadForm(forms.Form):
    up_to = forms.IntegerField()


class ArrangeForm(ChangesForm, forms.Form):
    """One's own arrangement of a chat; the friend sees nothing of it."""

    pinned = forms.BooleanField(label=_("Pin on top"), required=False)
    muted = forms.BooleanField(label=_("Mute notifications"), required=False)

    acts = {"pinned": "pin", "muted": "mute"}  # methods of Membership


def arrange_form(thread: Thread, data: Any = None) -> ArrangeForm:
    """Return the form for a chat as it is arranged now."""
    membership = thread.membership
    return ArrangeForm(data, initial={"pinned": membership.pinned, "muted": membership.muted})
