"""The people of the tests: bob is alice's friend, carol has asked her, mallory is a stranger."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.http import HttpResponse
from django.test import Client
from django.utils import translation

from accounts import budgets
from accounts.models import User
from chat import export
from chat.sending.drafts import Draft
from chat.sending.posting import post_message
from friends import services
from webchat import mail_failures


class Api:
    """The JSON API as one person: `Api(alice).post("friends/requests/", username="bob")`."""

    def __init__(self, user: User | None = None, **client: Any) -> None:
        self.client = Client(**client)
        if user is not None:
            self.client.force_login(user)

    def get(self, path: str, **query: Any) -> HttpResponse:
        return self.client.get(f"/api/{path}", query)

    def post(self, path: str, **data: Any) -> HttpResponse:
        return self.send(path, json.dumps(data))

    def send(
        self, path: str, body: str | bytes, content_type: str = "application/json", **more: Any
    ):
        return self.client.post(f"/api/{path}", body, content_type=content_type, **more)

    def say(self, to: str, text: str, client_id: object = None) -> HttpResponse:
        path = f"conversations/{to}/messages/"
        return self.post(path, text=text, client_id=str(client_id or uuid4()))

    def unread(self) -> dict[str, int]:
        return self.get("unread_counts/").json()

    def texts(self, friend: str) -> list[str | None]:
        messages = self.get(f"conversations/{friend}/messages/", limit=100).json()["messages"]
        return [message["text"] for message in messages]

    def friend_names(self) -> list[str]:
        return [friend["username"] for friend in self.get("friends/").json()["friends"]]


def make_user(username: str) -> User:
    return User.objects.create_user(username, password="blaue-Wolke-7")


def befriend(user: User, friend: User) -> None:
    services.accept(request=services.ask(sender=user, username=friend.username))


def say(sender: User, to: User, text: str) -> Any:
    draft = Draft.parse(sender.pk, to=to.username, text=text, client_id=str(uuid4()))
    return post_message(draft).message


def at_once(job: Callable[..., None], *args: Any) -> Future[None]:
    """Run a job of the mail at once; stands for `sending.in_background`."""
    job(*args)
    done: Future[None] = Future()
    done.set_result(None)
    return done


def error_of(response: HttpResponse) -> tuple[int, str]:
    """Return the status and the code of a refusal, which must have a message, too."""
    error = response.json()["error"]
    assert set(error) == {"code", "message"}
    assert error["message"]
    return response.status_code, error["code"]


@pytest.fixture(autouse=True)
def full_budgets() -> None:
    """Reset all budgets, as the accounts of each test have the ids of earlier ones."""
    budgets.forget_all()


@pytest.fixture(autouse=True)
def own_language() -> None:
    """Forget the language of the last request of another test, which this thread has kept."""
    translation.deactivate()


@pytest.fixture(autouse=True)
def nothing_of_others() -> Iterator[None]:
    """Remove the files that a test has left."""
    yield
    export._running.clear()
    for folder in ("attachments", "previews", "uploads"):
        shutil.rmtree(settings.DATA_DIR / folder, ignore_errors=True)
    (settings.DATA_DIR / mail_failures.FILE).unlink(missing_ok=True)


@pytest.fixture
def alice(db: None) -> User:
    return make_user("alice")


@pytest.fixture
def bob(alice: User) -> User:
    bob = make_user("bob")
    befriend(alice, bob)
    return bob


@pytest.fixture
def carol(alice: User) -> User:
    carol = make_user("carol")
    services.ask(sender=carol, username="alice", note="你好")
    return carol


@pytest.fixture
def mallory(db: None) -> User:
    return make_user("mallory")
