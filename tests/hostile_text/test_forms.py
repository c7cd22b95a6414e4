"""Every form limits its texts."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError
from django.forms import CharField

from accounts import forms as account_forms
from chat import forms as chat_forms
from chat.moderation import forms as moderation_forms
from friends import forms as friend_forms

MODULES = (account_forms, friend_forms, moderation_forms, chat_forms)
FORMS = [
    form
    for module in MODULES
    for form in vars(module).values()
    if getattr(form, "base_fields", None) and form.__module__ == module.__name__
]
# Measured elsewhere: by `clean_message`, by the validators of passwords, by the hasher.
ELSEWHERE = {"text", "old_password", "password1", "password2", "new_password1", "new_password2"}


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
def test_every_field_for_text_knows_how_much_it_takes(form):
    for name, field in form.base_fields.items():
        if isinstance(field, CharField) and name not in ELSEWHERE:
            with pytest.raises(ValidationError):
                field.clean("字" * 200_000)
