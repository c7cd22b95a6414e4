"""A password that came on a slip of paper opens one page only."""

import pytest
from django.test import Client
from django.urls import reverse

pytestmark = pytest.mark.django_db
URL = "/password/change/"


@pytest.fixture
def newcomer(make_user):
    return make_user("newcomer", must_change_password=True)


@pytest.fixture
def slip(client, newcomer, password):
    """A browser in which the newcomer has logged in."""
    client.post("/login/", {"username": "newcomer", "password": password})
    return client


def change(client, old, new):
    return client.post(URL, {"old_password": old, "new_password1": new, "new_password2": new})


@pytest.mark.parametrize(
    "path", ["/", "/contacts/", "/discover/", "/account/delete/", "/chat/x/", "/login/"]
)
def test_every_page_leads_to_the_new_password(slip, path):
    response = slip.get(path, follow=True)
    assert response.redirect_chain[-1] == (URL, 302)
    assert response.status_code == 200


def test_the_api_says_so(slip):
    for method in (slip.get, slip.post):
        response = method("/api/me/")
        assert response.status_code == 403
        assert response.json()["error"]["code"] == "forbidden"
        assert response.json()["error"]["message"]


def test_the_admin_waits_too(newcomer, slip):
    newcomer.is_staff = newcomer.is_superuser = True
    newcomer.save()
    assert slip.get("/admin/")["Location"] == URL


def test_one_may_still_log_out_and_read_in_another_language(slip):
    assert slip.post("/discover/language/", {"language": "en"})["Location"] == "/"
    assert slip.get("/healthz").status_code == 200
    assert slip.post("/logout/")["Location"] == "/login/"
    assert slip.get("/password/change/")["Location"].startswith("/login/")


def test_after_it_everything_is_open_also_the_next_time(slip, newcomer, password):
    assert change(slip, password, "blue-kettle-9").status_code == 302
    assert slip.get("/account/delete/").status_code == 200
    assert slip.get("/api/me/").status_code == 200
    again = Client()
    again.post("/login/", {"username": "newcomer", "password": "blue-kettle-9"})
    assert again.get("/account/delete/").status_code == 200


def test_the_password_of_the_slip_is_no_new_one(slip, newcomer, password):
    response = change(slip, password, password)
    assert response.status_code == 422
    assert list(response.context["form"].errors) == ["new_password1"]
    assert slip.get("/account/delete/")["Location"] == URL


def test_nor_is_it_in_another_form(slip, password):
    wide = "".join(chr(ord(each) + 0xFEE0) for each in password)  # as an IME types it
    for same in (wide, wide[:1] + password[1:]):
        response = change(slip, password, same)
        assert list(response.context["form"].errors) == ["new_password1"]


def test_a_new_password_is_no_way_to_guess_the_old_one(slip, password):
    for guess in ("wrong-horse-7", password):
        response = change(slip, "wrong", guess)
        assert list(response.context["form"].errors) == ["old_password"]


def test_nobody_else_is_asked(alice_client):
    assert alice_client.get("/account/delete/").status_code == 200


def test_an_administrator_asks_for_it_in_the_admin(root_client, bob, alice):
    page = root_client.get(reverse("admin:accounts_user_change", args=[bob.pk]))
    assert "must_change_password" in page.context["adminform"].form.fields


def test_the_log_in_of_the_admin_leads_there_too(make_user, password):
    make_user("chief", is_staff=True, is_superuser=True, must_change_password=True)
    client = Client()
    client.post("/admin/login/", {"username": "chief", "password": password})
    assert client.get("/admin/")["Location"] == URL
