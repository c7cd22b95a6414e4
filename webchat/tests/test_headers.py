import logging

import pytest

from webchat.logs import LineFormatter


def test_pages_carry_the_policy(client):
    response = client.get("/healthz")
    policy = response["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Referrer-Policy"] == "same-origin"
    assert response["X-Frame-Options"] == "DENY"
    # Browsers complain on the console about this one over plain http.
    assert "Cross-Origin-Opener-Policy" not in response


@pytest.mark.django_db
def test_the_admin_has_the_policy_and_nothing_inline(client, django_user_model):
    boss = django_user_model.objects.create_superuser("boss", password="boss-pw-1")
    client.force_login(boss)
    response = client.get("/admin/")
    assert response.status_code == 200
    assert "script-src 'self'" in response["Content-Security-Policy"]
    assert b"style=" not in response.content


def test_cookies_stay_on_our_pages(settings):
    assert settings.SESSION_COOKIE_HTTPONLY
    assert settings.CSRF_COOKIE_HTTPONLY
    assert settings.SESSION_COOKIE_SAMESITE == "Lax"


def test_a_record_is_one_line_with_its_traceback():
    try:
        raise ValueError("first\nsecond")
    except ValueError as error:
        record = logging.getLogger("x").makeRecord(
            "x", logging.ERROR, "", 1, "a\r\nb", (), (type(error), error, error.__traceback__)
        )
    line = LineFormatter().format(record)
    assert "\n" not in line
    assert "\r" not in line
    assert "Traceback" in line
    assert "second" not in line, "the words may be somebody's"
