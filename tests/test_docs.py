"""The documents keep up with the code."""

import re

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from chat.models import Event
from webchat.base.api import STATUS

from .environment import ROOT

READMES = ["README.md", "README.zh-hans.md"]


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def settings_read():
    """List every variable that `settings.py` asks for, with those that a mail mode needs."""
    settings = re.findall(r'environment\.\w+\(\s*"([A-Z_]+)"', read("webchat/settings.py"))
    mail = re.findall(r'\brequired\(\s*"([A-Z_]+)"', read("webchat/environment.py"))
    return sorted({*settings, *mail})


def first_cells(text):
    """Find the entries in the first column of the tables, in backquotes or plain."""
    return set(re.findall(r"^\| `?([^`|]+?)`? \|", text, re.MULTILINE))


def endpoints(resolver=None, before=""):
    """Yield every address under `api/`, in the form `api/friends/requests/<id>/accept/`."""
    for pattern in (resolver or get_resolver("webchat.urls")).url_patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from endpoints(pattern, route)
        elif isinstance(pattern, URLPattern) and pattern.name and route.startswith("api/"):
            yield re.sub(r"<(?:\w+:)?(\w+)>", r"<\1>", route).replace("<pk>", "<id>")


def test_settings_and_endpoints_are_found_at_all():
    assert {"SECRET_KEY", "SITE_URL", "EMAIL_URL", "QQ_EMAIL"} <= set(settings_read())
    assert {"api/me/", "api/conversations/<username>/messages/"} <= set(endpoints())


@pytest.mark.parametrize("name", settings_read())
def test_every_setting_is_explained_in_the_example_and_in_both_readmes(name):
    assert re.search(rf"^{name}=", read(".env.example"), re.MULTILINE)
    for readme in READMES:
        assert name in first_cells(read(readme)), f"{readme} does not explain {name}"


def test_the_example_and_the_readmes_explain_no_setting_that_nobody_reads():
    explained = set(re.findall(r"^([A-Z_]+)=", read(".env.example"), re.MULTILINE))
    for readme in READMES:
        explained |= {cell for cell in first_cells(read(readme)) if re.fullmatch("[A-Z_]+", cell)}
    assert explained == set(settings_read())


@pytest.mark.parametrize("route", sorted(set(endpoints())))
def test_every_endpoint_is_described(route):
    described = re.findall(r"^\| `(?:GET|POST) (api/[^`?]*)", read("docs/api.md"), re.MULTILINE)
    assert route in described


def test_every_error_code_and_every_kind_of_event_is_described():
    paper = read("docs/api.md")
    for word in [*STATUS, *Event.Kind.values]:
        assert f"`{word}`" in paper, word


@pytest.mark.parametrize("readme", READMES)
def test_every_package_of_the_run_time_has_its_reason_in_the_readmes(readme):
    packages = re.findall(r"^([\w-]+)==", read("requirements.txt"), re.MULTILINE)
    assert packages
    assert set(packages) <= first_cells(read(readme))


@pytest.mark.parametrize("paper", [*READMES, "docs/architecture.md"])
def test_links_between_the_papers_lead_somewhere(paper):
    links = re.findall(r"\]\((?!https?:)([^)#]+)", read(paper))
    assert links
    for link in links:
        assert (ROOT / paper).parent.joinpath(link).is_file(), f"{paper} links to {link}"
