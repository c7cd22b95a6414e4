import pytest
from django.test import Client
from django.urls import clear_script_prefix, set_script_prefix


@pytest.fixture
def client(settings):
    """A browser that sees answers to failures, as real ones do, and not the exceptions."""
    settings.ROOT_URLCONF = "webchat.tests.urls"
    return Client(raise_request_exception=False, enforce_csrf_checks=False)


@pytest.fixture
def prefixed(settings):
    settings.PREFIX = settings.FORCE_SCRIPT_NAME = "/chat"
    settings.STATIC_URL = "/chat/static/"
    set_script_prefix("/chat")
    yield
    clear_script_prefix()
