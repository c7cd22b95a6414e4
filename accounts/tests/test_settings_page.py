from __future__ import annotations

import re

import pytest

from accounts.models import User

CHOSEN = {"theme": "dark", "text_size": "larger", "plays_sound": "on"}


@pytest.fixture
def signed_in(client, alice):
    client.force_login(alice)
    return client


def test_settings_are_kept_and_every_page_follows(signed_in, alice):
    page = signed_in.get("/").content.decode()
    assert 'data-text-size="normal"' in page
    assert 'media="(prefers-color-scheme: dark)"' in page
    assert signed_in.post("/settings/", CHOSEN).status_code == 302
    alice.refresh_from_db()
    assert (alice.theme, alice.text_size, alice.plays_sound) == ("dark", "larger", True)
    assert (alice.counts_in_title, alice.shows_online) == (False, False)
    page = signed_in.get("/").content.decode()
    assert 'data-text-size="larger"' in page
    assert "prefers-color-scheme" not in page
    assert 'data-sound="on"' in page
    assert 'data-count="off"' in page


def test_a_page_from_before_undoes_nothing_that_another_tab_has_set(signed_in, alice):
    page = signed_in.get("/settings/").content.decode()
    shown = dict(re.findall(r'name="(initial-\w+)" value="(\w+)"', page))
    assert shown["initial-theme"] == "auto"
    assert len(shown) == 5
    User.objects.update(theme="dark", plays_sound=False)
    kept = {"theme": "auto", "plays_sound": "on", "counts_in_title": "on", "shows_online": "on"}
    answer = signed_in.post("/settings/", shown | kept | {"text_size": "larger"})
    assert answer.status_code == 302
    alice.refresh_from_db()
    assert (alice.theme, alice.plays_sound, alice.text_size) == ("dark", False, "larger")


@pytest.mark.parametrize(
    ("theme", "media"),
    [("auto", "(prefers-color-scheme: dark)"), ("dark", "all"), ("light", "not all")],
)
def test_the_dark_colours_hold_where_they_are_wanted(signed_in, alice, theme, media):
    """The script that saves the settings changes nothing of this sheet but its media."""
    User.objects.update(theme=theme)
    assert f'data-theme="dark"\n      media="{media}"' in signed_in.get("/").content.decode()


def test_without_scripts_there_is_a_button(signed_in):
    page = signed_in.get("/settings/").content.decode()
    assert "data-save" in page
    assert re.search(r"<noscript><button[^>]+type=\"submit\"", page)


@pytest.mark.parametrize("junk", [{"theme": "pink"}, {"text_size": "100"}, {}])
def test_what_is_no_choice_is_refused_with_everything_kept(signed_in, junk):
    before = User.objects.values().get()
    answer = signed_in.post("/settings/", CHOSEN | junk if junk else {})
    assert answer.status_code == 422
    assert User.objects.values().get() == before


def test_nothing_else_of_an_account_can_be_set_here(signed_in, alice):
    signed_in.post("/settings/", CHOSEN | {"is_staff": "on", "username": "root", "email": "a@b.c"})
    alice.refresh_from_db()
    assert (alice.is_staff, alice.username, alice.email) == (False, "alice", "")


def test_strangers_are_sent_to_the_login(client, db):
    assert client.get("/settings/")["Location"].startswith("/login/")
