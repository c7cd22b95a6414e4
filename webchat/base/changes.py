"""Forms of switches, of which only those that their reader has moved are set.

A page may be old: another tab, or another device, may have set the others meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django import forms
from django.utils.safestring import SafeString


class ChangesForm(forms.BaseForm):
    """A form that carries what it showed, so that `changed_data` is what its reader changed.

    Its template renders `shown`. A form without these fields counts as all that it says: it is
    compared with `initial`.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            is_carried = self.add_initial_prefix(name) in self.data
            field.show_hidden_initial = is_carried or not self.is_bound

    @property
    def shown(self) -> Iterator[SafeString]:
        """The hidden fields with what the form showed."""
        return (
            bound.as_hidden(only_initial=True) for bound in self if bound.field.show_hidden_initial
        )
