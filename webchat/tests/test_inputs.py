"""A field is the same HTML with our renderer as with Django's."""

import pytest
from django import forms
from django.forms.renderers import DjangoTemplates
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from webchat.base import inputs

VALUES = [None, "", 0, "0", "王伟", "<b>&\"'", SafeString("&amp;"), "\n x ", gettext_lazy("Back")]
ATTRS = [
    {},
    {"id": "id_name", "maxlength": 32, "required": True, "disabled": False, "autofocus": ""},
    {"placeholder": gettext_lazy("Back"), "data-x": "<\"'&>", "title": SafeString("&lt;"), "z": 0},
]
WIDGETS = [
    forms.TextInput,
    forms.HiddenInput,
    forms.EmailInput,
    forms.PasswordInput,
    forms.NumberInput,
    forms.URLInput,
    forms.Textarea,
    forms.CheckboxInput,
]


@pytest.mark.parametrize("widget", WIDGETS)
@pytest.mark.parametrize("attrs", ATTRS)
def test_a_field_is_what_django_makes_of_it(widget, attrs):
    for value in VALUES:
        made = [
            widget(attrs).render("na<me", value, renderer=renderer)
            for renderer in (inputs.Renderer(), DjangoTemplates())
        ]
        assert made[0] == made[1]
        assert isinstance(made[0], SafeString)


def test_what_stands_in_for_a_template_is_nothing_but_an_input():
    engine = DjangoTemplates().engine
    for name in inputs.INPUTS - {"django/forms/widgets/input.html"}:
        source = engine.get_template(name).template.source
        assert source.strip() == '{% include "django/forms/widgets/input.html" %}'


def test_forms_are_rendered_by_it():
    assert isinstance(forms.Form().renderer, inputs.Renderer)
