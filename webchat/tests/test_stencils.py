"""A stencil makes what its template makes, only sooner."""

from __future__ import annotations

import pytest
from django.template import Context, Engine, TemplateDoesNotExist
from django.urls import reverse
from django.utils.safestring import mark_safe
from django.utils.translation import override

from webchat.base import stencils
from webchat.base.links import addresses_of
from webchat.base.stencils import Stencil

ROW = """{% load i18n %}
<li{% if is_open %} class="open"{% endif %}
    data-name="{{ name }}">100%
  {% if note %}{{ name }}: {{ note }}{% else %}{% translate "Back" %}{% endif %}</li>"""
NAMES = ("name", "note", "is_open")
ROWS = [
    ("bob", "", False),
    ("王伟", "50% of %s %(name)s", True),
    ("<b>&\"'", "{{ name }} {% now %}", False),
    ("bob", mark_safe("<i>bold</i>"), True),
    ("1", "\0000\0 \x000\0", False),
]


@pytest.fixture
def rendered(monkeypatch):
    """The templates that were looked up to be rendered; all of them are ROW."""
    looked_up = []

    def get_template(engine, name):
        looked_up.append(name)
        return engine.from_string(ROW)

    monkeypatch.setattr(Engine, "get_template", get_template)
    return looked_up


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_a_part_is_what_its_template_makes_of_it(rendered, language):
    stencil = Stencil("row.html", NAMES)
    template = Engine.get_default().from_string(ROW)
    with override(language):
        expected = [template.render(Context(dict(zip(NAMES, row, strict=True)))) for row in ROWS]
        for _ in range(2):
            filled = stencil.fill(ROWS)
            assert filled == "".join(stencils.INDENT.sub("\n", each.strip()) for each in expected)
    assert len(rendered) == 3  # the last two rows have shapes of earlier ones


def test_a_part_is_in_the_language_of_its_reader(rendered):
    stencil = Stencil("row.html", NAMES)
    for language, word in [("en", "Back"), ("zh-hans", "返回"), ("en", "Back")]:
        with override(language):
            assert word in stencil.fill([("bob", "", False)])


def test_a_text_keeps_its_lines_and_blanks(rendered):
    text = "a\n   b\n\n\n c "
    assert f": {text}</li>" in Stencil("row.html", NAMES).fill([("bob", text, True)])


def test_shapes_are_kept_up_to_a_number(rendered, monkeypatch):
    monkeypatch.setattr(stencils, "SHAPES_AT_MOST", 2)
    stencil = Stencil("row.html", NAMES)
    for row in [("a", "", False), ("a", "b", False), ("a", "b", True)] * 2:
        assert row[0] in stencil.fill([row])
        assert len(stencil._forms) <= 2


def test_a_developer_sees_a_template_as_it_is_now(rendered, settings):
    settings.DEBUG = True
    stencil = Stencil("row.html", NAMES)
    stencil.fill(ROWS[:1])
    stencil.fill(ROWS[:1])
    assert len(rendered) == 2


def test_a_template_that_is_missing_is_said_to_be():
    with pytest.raises(TemplateDoesNotExist, match="no/such.html"):
        Stencil("no/such.html").fill([()])


@pytest.mark.parametrize(
    "name", ["bob", "王伟", "a b", "~x~", "50%", "a+b&c=d", "?q#", "@:;,'()!*$"]
)
@pytest.mark.parametrize("view", ["chat:conversation", "friends:contact"])
def test_the_address_of_a_name_is_the_one_that_django_makes(view, name):
    assert addresses_of(view)(name) == reverse(view, args=[name])
