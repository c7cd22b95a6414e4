"""Bounds on what may be asked of any list of the admin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.actions import delete_selected
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import label_for_field
from django.contrib.admin.views.main import SEARCH_VAR, ChangeList, ChangeListSearchForm
from django.core.exceptions import BadRequest, ValidationError
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _

from .base.numbers import parse_id
from .base.text import clean_text
from .base.times import minute

DELETED_AT_MOST = 200  # rows at a time: accounts take some seconds
SEARCH_AT_MOST = 100  # characters
WORDS_AT_MOST = 8  # each is looked for in every field
# Those that the links of filters and of the dates above a list make.
COMPARISONS = frozenset({"exact", "isnull", "gte", "lt", "year", "month", "day"})


def in_minutes(model: type[Model], field: str) -> Callable[[Any], str]:
    """Return a column of a list that shows a moment as all our pages do."""

    label: Any = label_for_field(field, model)

    @admin.display(description=label, ordering=field)
    def column(row: Any) -> str:
        return minute(getattr(row, field))

    column.__name__ = field  # a cell has it for a class
    return column


def clean_search(typed: str) -> str:
    """Clean the words of a search. Raises ValidationError: too_long, invalid."""
    too_long = _("Search for at most %(limit)d characters.")
    words = clean_text(typed, most=SEARCH_AT_MOST, too_long=too_long)
    if len(words.split()) > WORDS_AT_MOST:
        message = _("Search for at most %(limit)d words.")
        raise ValidationError(message, "too_long", {"limit": WORDS_AT_MOST})
    return words


class SearchField(forms.CharField):
    def to_python(self, value: Any) -> str:
        return clean_search(value or "")


class SearchForm(ChangeListSearchForm):
    """A search form that says why a search is refused, above the list without it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields = {SEARCH_VAR: SearchField(required=False, strip=False)}


class BoundedChangeList(ChangeList):
    """A list that impossible dates and numbers lead back to, as other errors do in Django."""

    search_form_class = SearchForm

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().__init__(request, *args, **kwargs)
        self.typed = request.GET.get(SEARCH_VAR, "")  # stays in its field, also when refused

    def get_queryset(self, *args: Any, **kwargs: Any) -> QuerySet[Any]:
        try:
            return super().get_queryset(*args, **kwargs)
        except (ValueError, OverflowError) as error:
            raise IncorrectLookupParameters(error) from error

    def get_results(self, request: HttpRequest) -> None:
        try:
            super().get_results(request)
        except (ValueError, OverflowError) as error:
            raise IncorrectLookupParameters(error) from error


class BoundedAdmin(admin.ModelAdmin):
    """The base of every page of the admin; a test checks that."""

    actions = ["delete_selected"]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return BoundedChangeList

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        """Let a list be narrowed down by its own filters alone.

        Django lets its address compare anything that the model knows: anyone who may look at users
        could find out the keys of their sessions that way, letter by letter. Only the comparisons
        that the links of a list make are allowed: a regular expression may take for ever.
        """
        offered = {getattr(each, "parameter_name", each) for each in self.list_filter}
        field, *how = lookup.split("__")
        return field in offered | {self.date_hierarchy} and COMPARISONS.issuperset(how)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Search within the bounds; the fields that complete what is typed come here, too."""
        try:
            words = clean_search(search_term)
        except ValidationError:
            return queryset.none(), False
        return super().get_search_results(request, queryset, words)

    @admin.action(
        permissions=["delete"],
        description=delete_selected.short_description,  # type: ignore[attr-defined]
    )
    def delete_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        """Delete what was chosen, up to a number, and say so where there is more."""
        chosen = list(queryset.values_list("pk", flat=True)[: DELETED_AT_MOST + 1])
        if len(chosen) > DELETED_AT_MOST:
            queryset = queryset.filter(pk__in=chosen[:DELETED_AT_MOST])
            words = _(
                "At most %(limit)d are deleted at a time. Choose the others again afterwards."
            )
            self.message_user(request, words % {"limit": DELETED_AT_MOST}, messages.WARNING)
        return delete_selected(self, request, queryset)

    def response_action(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        chosen = request.POST.getlist(ACTION_CHECKBOX_NAME)
        if any(parse_id(pk) is None for pk in chosen):
            raise BadRequest("What was chosen has no such number.")
        return super().response_action(request, *args, **kwargs)
