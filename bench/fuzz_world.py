"""The server that bench/fuzz.py shoots at, and its people, who are restored again and again.

The people are those of tests/visitors.txt, and more friends of alice, so that limits by account do
not answer in place of the code that they protect.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import processes

sys.path.insert(0, str(processes.ROOT))

# Several of a kind, because limits count by account, and some sign themselves out.
FRIENDS = 12
STAFF = 3  # of superusers, and of moderators
PASSWORD = "blaue-Wolke-7"
CODE = "letmein"
SETTINGS = {
    "BEHIND_PROXY": "on",  # each request has an address of its own
    "MAIL_MODE": "console",
    "REGISTRATION": "code",
    "REGISTRATION_CODE": CODE,
    "LOG_LEVEL": "INFO",
    "TRUSTED_PROXY": "",
    "ADMIN_PATH": "",
}
REPORTS_KEPT = 3  # a repeated report is the same report: leave room for new ones


class World:
    """A fresh server with its people; `with World(folder, {}) as world`."""

    def __init__(self, folder: Path, settings: Mapping[str, str]) -> None:
        self.log = folder / "server.log"
        self.settings = processes.new_settings(folder / "data", 1) | SETTINGS | dict(settings)
        self.cookies: dict[str, str] = {}
        self.things: dict[str, Any] = {}
        self._may: list[Any] = []  # the moderators' permissions

    def __enter__(self) -> World:
        os.environ.update(processes.environment(self.settings))
        processes.prepare(self.settings)
        self._set_up_django()
        self._people = _make_people()
        self.mend()
        self._start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.server.__exit__()

    def restart(self) -> None:
        self.server.__exit__()
        self._start()

    def _start(self) -> None:
        self.server = processes.Server(self.settings, processes.CORES, log=self.log)
        self.server.__enter__()
        self.address = self.server.address

    @property
    def pid(self) -> int:
        """The pid of the worker; 0 while there is none."""
        return next(iter(self.server.workers()), 0)

    def memory_and_files(self) -> tuple[int, int]:
        """Return the resident bytes and the open files of the worker."""
        with suppress(OSError):
            pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
            return pages * os.sysconf("SC_PAGE_SIZE"), len(os.listdir(f"/proc/{self.pid}/fd"))
        return 0, 0

    def _set_up_django(self) -> None:
        import django
        from django.conf import settings

        django.setup()
        settings.ALLOWED_HOSTS = ["testserver"]  # the test client's host
        settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"

    def _mend_group(self) -> None:
        from django.contrib.auth.models import Group

        Group.objects.exclude(pk=Group.objects.earliest("pk").pk).delete()
        group = Group.objects.get()
        Group.objects.filter(pk=group.pk).update(name="管理员")
        self._may = self._may or list(group.permissions.all())
        group.permissions.set(self._may)

    def mend(self) -> None:
        """Restore accounts, friendships, sessions and limits."""
        from accounts.models import Attempt
        from chat.models import Report
        from friends.models import FriendRequest

        self._mend_group()
        Attempt.objects.all().delete()
        kept = Report.objects.order_by("pk").values_list("pk")[:REPORTS_KEPT]
        Report.objects.exclude(pk__in=kept).delete()
        FriendRequest.objects.exclude(sender__username="carol").delete()
        _restore_accounts(self._people)
        _restore_friendships(self._people)
        self.things = _find_things()
        self.cookies = {name: self._cookie_of(name) for name in self._people}
        self.cookies["newcomer"] = self._newcomer()

    def _cookie_of(self, name: str) -> str:
        from django.conf import settings
        from django.contrib.sessions.models import Session
        from django.test import Client

        from accounts.models import User

        label = f"{settings.SESSION_COOKIE_NAME}="
        old = self.cookies.get(name, "")
        if Session.objects.filter(pk=old.removeprefix(label)).exists():
            return old
        client = Client()
        client.force_login(User.objects.get(username=name))
        return label + client.cookies[settings.SESSION_COOKIE_NAME].value

    def _newcomer(self) -> str:
        """Return the session of somebody who has registered and waits for the code."""
        from django.conf import settings
        from django.test import Client

        old = self.cookies.get("newcomer", "")
        if old and Client(headers={"Cookie": old}).get("/register/verify/").status_code == 200:
            return old
        client = Client()
        number = int.from_bytes(os.urandom(4), "big")
        form = {"username": f"new{number}", "email": f"new{number}@example.com"}
        form |= {"password1": PASSWORD, "password2": PASSWORD, "registration_code": CODE}
        client.post("/register/", form)
        cookie = client.cookies.get(settings.SESSION_COOKIE_NAME)
        return f"{settings.SESSION_COOKIE_NAME}={cookie.value}" if cookie else ""


def _make_people() -> dict[str, dict[str, Any]]:
    """Make the people; returns their intended rows, by name."""
    from accounts.models import User
    from tests.cast import befriend, make_user, say
    from tests.test_visitors import make_world

    make_world()
    alice = User.objects.get(username="alice")
    for number in range(FRIENDS):
        friend = make_user(f"friend{number}")
        befriend(friend, alice)
        for words in ("下午开会", "a %_\\ b <b>", "https://example.com/" + "x" * 300, "a" * 4000):
            say(alice, friend, words)
            say(friend, alice, words)
    for kind in ("root", "moderator"):
        for number in range(STAFF):
            user = make_user(f"{kind}{number}")
            user.groups.set(User.objects.get(username=kind).groups.all())
            User.objects.filter(pk=user.pk).update(is_staff=True, is_superuser=kind == "root")
    make_user("observer")
    make_user("leaver")  # logs out
    make_user("victim")  # deleted by superusers
    User.objects.filter(username="alice").update(email="alice@example.com")
    names = ["alice", "bob", "carol", "boss", "observer", "leaver", "victim", "stranger"]
    names += [f"friend{number}" for number in range(FRIENDS)]
    names += [f"{kind}{number}" for kind in ("root", "moderator") for number in range(STAFF)]
    # The password in the forms is everybody's: two hashes for all.
    people = User.objects.filter(username__in=names)
    people.update(password=people.get(username="alice").password)
    return {row["username"]: row for row in people.values()}


def _restore_accounts(people: Mapping[str, dict[str, Any]]) -> None:
    from django.contrib.auth.models import Group
    from django.contrib.sessions.models import Session

    from accounts.models import User

    ignored = {"last_login"}
    for row in people.values():
        now = User.objects.filter(pk=row["id"]).values().first()
        if now is None:
            User.objects.filter(username_key=row["username_key"]).delete()
            User(**row).save_base(raw=True, force_insert=True)
        elif {k: v for k, v in now.items() if k not in ignored} != {
            k: v for k, v in row.items() if k not in ignored
        }:
            User.objects.filter(username_key=row["username_key"]).exclude(pk=row["id"]).delete()
            User.objects.filter(pk=row["id"]).update(**row)
            Session.objects.filter(usersession__user=row["id"]).delete()
    group = Group.objects.get(name="管理员")
    group.user_set.set(row["id"] for name, row in people.items() if name.startswith("moderator"))


def _restore_friendships(people: Mapping[str, dict[str, Any]]) -> None:
    from accounts.models import User
    from friends import services
    from friends.models import Block, FriendRequest
    from tests.cast import befriend, say

    alice = User.objects.get(pk=people["alice"]["id"])
    Block.objects.filter(owner__in=[row["id"] for row in people.values()]).delete()
    for name in people:
        friend = User.objects.get(pk=people[name]["id"])
        if not name.startswith(("friend", "bob")) or alice.friendships.filter(friend=friend):
            continue
        FriendRequest.objects.filter(sender__in=[alice, friend]).delete()
        befriend(friend, alice)
        say(alice, friend, "wieder da")
    carol = User.objects.get(pk=people["carol"]["id"])
    if not FriendRequest.objects.filter(sender=carol, recipient=alice).exists():
        services.ask(sender=carol, username="alice")


def _find_things() -> dict[str, Any]:
    """Find the present values of the placeholders in visitors.txt."""
    from django.contrib.auth.models import Group

    from accounts.models import User
    from chat.models import Announcement, Attachment, AuditEntry, Message, Notice, Report
    from friends.models import FriendRequest, Friendship

    def pk(rows: Any) -> int:
        return rows.order_by("-pk").values_list("pk", flat=True).first() or 1

    alice = User.objects.get(username="alice")
    told = Message.objects.filter(sender=alice)
    return {
        "alice": alice.pk,
        "victim": User.objects.get(username="victim").pk,
        "secret": pk(Message.objects.filter(pk__in=Attachment.objects.values("message"))),
        "request": pk(FriendRequest.objects.all()),
        "notice": pk(Notice.objects.all()),
        "report": pk(Report.objects.all()),
        "group": pk(Group.objects.all()),
        "friendship": pk(Friendship.objects.filter(owner=alice)),
        "announcement": pk(Announcement.objects.all()),
        "entry": pk(AuditEntry.objects.all()),
        "told": pk(told),
        "told_by_name": {
            name: pk(told.filter(conversation__memberships__user__username=name))
            for name in User.objects.filter(username__startswith="friend").values_list(
                "username", flat=True
            )
        },
    }
