"""The settings as a whole, each time in a fresh process."""

import json
import os
import re
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SHOW = """
import json
from django.conf import settings
names = %r
print(json.dumps({name: getattr(settings, name) for name in names}))
"""


def run(*command, **settings):
    env = os.environ | {"DJANGO_SETTINGS_MODULE": "webchat.settings", **settings}
    return subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=env, capture_output=True, text=True, timeout=30
    )


def show(*names, **settings):
    result = run("-c", SHOW % (names,), **settings)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"SECRET_KEY": ""}, "SECRET_KEY"),
        ({"PORT": "80000"}, "PORT"),
        ({"SITE_URL": "chat.example.com"}, "SITE_URL"),
        ({"DEBUG": "perhaps"}, "DEBUG"),
        ({"TIME_ZONE": "Asia/Nowhere"}, "TIME_ZONE"),
        ({"LANGUAGE_CODE": "fr"}, "LANGUAGE_CODE"),
        ({"REGISTRATION": "maybe"}, "REGISTRATION"),
        ({"REGISTRATION": "code"}, "REGISTRATION_CODE"),
        ({"SEND_RATE": "lots"}, "SEND_RATE"),
        ({"UPLOAD_LIMIT": "3G"}, "UPLOAD_LIMIT"),
        ({"UPLOAD_LIMIT": "0"}, "UPLOAD_LIMIT"),
        ({"UPLOAD_DAILY": "much"}, "UPLOAD_DAILY"),
        ({"MIN_FREE": "-1G"}, "MIN_FREE"),
        ({"MAIL_MODE": "pigeon"}, "MAIL_MODE"),
        ({"MAIL_MODE": "qq"}, "QQ_EMAIL"),
        ({"MAIL_MODE": "smtp"}, "EMAIL_URL"),
        ({"DATABASE_URL": "postgres://localhost/chat"}, "DATABASE_URL"),
        ({"DATA_DIR": "/proc/nowhere"}, "DATA_DIR"),
        ({"WEB_CONCURRENCY": "0"}, "WEB_CONCURRENCY"),
        ({"LOG_LEVEL": "LOUD"}, "LOG_LEVEL"),
        ({"ADMIN_PATH": "chat/"}, "ADMIN_PATH"),
        ({"BEHIND_PROXY": "nginx"}, "BEHIND_PROXY"),
        ({"TRUSTED_PROXY": "nginx"}, "TRUSTED_PROXY"),
        ({"SECRET_KEY": "short"}, "SECRET_KEY"),
        ({"SECRET_KEY": "k7" * 15 + "q"}, "SECRET_KEY"),
        ({"TRUSTED_PROXY": "0.0.0.0/0"}, "TRUSTED_PROXY"),
        ({"TRUSTED_PROXY": "::/0"}, "TRUSTED_PROXY"),
        ({"SEND_RATE": "999999/1s"}, "SEND_RATE"),
        ({"DATA_DIR": "/"}, "DATA_DIR"),
        ({"DATA_DIR": "/tmp"}, "DATA_DIR"),
        ({"DATA_DIR": "."}, "DATA_DIR"),
        ({"MAIL_MODE": "smtp", "EMAIL_URL": "smtp://u:p@h\nx"}, "EMAIL_URL"),
    ],
)
def test_nonsense_refuses_to_start_with_one_sentence(settings, named):
    result = run("manage.py", "check", **settings)
    assert result.returncode != 0
    assert result.stdout == ""
    (sentence,) = result.stderr.splitlines()
    assert named in sentence


def test_gunicorn_refuses_with_the_same_sentence():
    gunicorn = ("-m", "gunicorn", "-c", "deploy/gunicorn.conf.py")
    result = run(*gunicorn, WEB_CONCURRENCY="1", SEND_RATE="nonsense")
    assert result.returncode != 0
    assert "SEND_RATE must look like" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_site_decides_hosts_cookies_and_paths():
    settings = show(
        "ALLOWED_HOSTS",
        "CSRF_TRUSTED_ORIGINS",
        "FORCE_SCRIPT_NAME",
        "SESSION_COOKIE_PATH",
        "CSRF_COOKIE_PATH",
        "LANGUAGE_COOKIE_PATH",
        "SESSION_COOKIE_SECURE",
        "CSRF_COOKIE_SECURE",
        "STATIC_URL",
        "SECURE_CROSS_ORIGIN_OPENER_POLICY",
        SITE_URL="https://www.example.com:8443/chat/",
    )
    assert settings == {
        "ALLOWED_HOSTS": ["www.example.com", "localhost", "127.0.0.1", "[::1]"],
        "CSRF_TRUSTED_ORIGINS": ["https://www.example.com:8443"],
        "FORCE_SCRIPT_NAME": "/chat",
        "SESSION_COOKIE_PATH": "/chat",
        "CSRF_COOKIE_PATH": "/chat",
        "LANGUAGE_COOKIE_PATH": "/chat",
        "SESSION_COOKIE_SECURE": True,
        "CSRF_COOKIE_SECURE": True,
        "STATIC_URL": "/chat/static/",
        "SECURE_CROSS_ORIGIN_OPENER_POLICY": "same-origin",
    }


def test_without_a_site_cookies_travel_over_plain_http():
    assert show("SESSION_COOKIE_SECURE", "SESSION_COOKIE_PATH", "FORCE_SCRIPT_NAME") == {
        "SESSION_COOKIE_SECURE": False,
        "SESSION_COOKIE_PATH": "/",
        "FORCE_SCRIPT_NAME": None,
    }


@pytest.mark.parametrize("site", ["", "https://www.example.com/chat"])
def test_the_deploy_checks_have_nothing_to_say(site):
    result = run("manage.py", "check", "--deploy", "--fail-level", "WARNING", SITE_URL=site)
    assert result.returncode == 0, result.stderr


def test_every_setting_stands_in_the_example():
    example = (ROOT / ".env.example").read_text()
    listed = set(re.findall(r"^([A-Z_]+)=", example, re.MULTILINE))
    sources = "".join(
        (ROOT / "webchat" / name).read_text() for name in ("settings.py", "environment.py")
    )
    calls = re.findall(
        r"(?:environment\.|\b)(?:text|required|boolean|integer|choice|site_url|send_rate|size|admin_path"
        r"|time_zone|directory|database_file|networks)\(\s*\"([A-Z_]+)\"",
        sources,
    )
    assert {"SECRET_KEY", "EMAIL_URL"} <= set(calls), "the pattern no longer finds the settings"
    assert set(calls) == listed
    for name in listed:
        before = example.split(f"\n{name}=")[0].rsplit("\n\n", 1)[-1]
        assert "#" in before, f"{name} is not explained"


def test_the_example_with_a_key_is_a_good_env_file():
    lines = (ROOT / ".env.example").read_text().splitlines()
    values = dict(line.split("=", 1) for line in lines if re.match(r"[A-Z_]+=", line))
    values |= {"SECRET_KEY": secrets.token_hex(), "DATA_DIR": os.environ["DATA_DIR"]}
    assert run("manage.py", "check", **values).returncode == 0
