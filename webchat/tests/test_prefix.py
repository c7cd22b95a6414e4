import pytest
from django.urls import reverse

from webchat.middleware import strip_prefix

pytestmark = pytest.mark.usefixtures("prefixed")


@pytest.mark.parametrize(
    ("path", "stripped"),
    [
        ("/chat", "/"),
        ("/chat/", "/"),
        ("/", "/"),
        ("/chat/login/", "/login/"),
        ("/login/", "/login/"),
        ("/chat/healthz", "/healthz"),
        ("/chat/static/css/x.css", "/static/css/x.css"),
        ("/chat/api/me/", "/api/me/"),
        # A conversation with bob, prefixed and stripped.
        ("/chat/chat/bob/", "/chat/bob/"),
        ("/chat/bob/", "/chat/bob/"),
        # APPEND_SLASH has the last word on these.
        ("/chat/contacts", "/contacts"),
        ("/chat/no/such/page/", "/no/such/page/"),
        ("/no/such/page/", "/no/such/page/"),
    ],
)
def test_the_prefixed_and_the_stripped_path_are_one(path, stripped):
    assert strip_prefix(path) == stripped


@pytest.mark.parametrize("path", ["/healthz", "/chat/healthz"])
def test_both_paths_are_answered(client, path):
    assert client.get(path).status_code == 200


@pytest.mark.parametrize("path", ["/static/admin/css/base.css", "/chat/static/admin/css/base.css"])
def test_static_files_are_answered_on_both_paths(client, path):
    response = client.get(path)
    assert response.status_code == 200
    assert response["Content-Type"].startswith("text/css")


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/contacts/", "/chat/contacts/"])
def test_only_the_prefixed_path_is_written(client, path):
    response = client.get(path)
    assert response.status_code == 302
    assert response["Location"] == "/chat/login/?next=/chat/contacts/"


@pytest.mark.django_db
def test_links_carry_the_prefix(client):
    client.get("/healthz")
    assert reverse("accounts:login") == "/chat/login/"
