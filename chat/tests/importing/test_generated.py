"""Trees of many shapes: what goes in comes out, without any option, and once only."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from itertools import combinations
from random import Random
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest
from django.db.models import F

from accounts.models import OldName, User
from accounts.names import username_key
from chat.models import Attachment, Message
from friends.models import FriendRequest, Friendship

from ..legacy import PNG, OldTree, file
from .conftest import accounted, lost, stored_files, tables

SHANGHAI = ZoneInfo("Asia/Shanghai")
START = datetime(2025, 10, 17, 4, 0, tzinfo=UTC)
NAMES = [
    *["a", "c", "王", "7"],
    *["zed", "Zed", "ZED", "ｚｅｄ", "zed2"],
    *["王伟", "alice", "Bob", "bob"],
    *["a_b", "b_c", "a_b_c", "alice_friends", "to_bob"],
    *["Li Lei", "Li_Lei", "li lei", "admin", "管理员", "root", "x" * 30, "x" * 16, "😀", "o'neill"],
]


class Said(NamedTuple):
    sender: str
    text: str
    at: datetime
    file: dict | None = None


class World:
    """People, friendships and talk; `write` puts them into a tree, each in any layout."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.people = self.random.sample(NAMES, 20)
        pairs = [tuple(sorted(pair)) for pair in combinations(self.people, 2)]
        self.random.shuffle(pairs)
        self.friends = pairs[:25]
        self.asked = pairs[25:32]
        self.talk = {pair: self._talk(pair) for pair in pairs[:20]}

    def _talk(self, pair: tuple[str, str]) -> list[Said]:
        """Let both speak, so that a name like a_b_c is certain; some say the same twice."""
        said = []
        for number in range(self.random.randrange(2, 9)):
            at = START + timedelta(minutes=2 * number)
            said.append(Said(pair[number % 2], f"{pair[0]}→{pair[1]} {number} 你好 🙂", at))
            if self.random.random() < 0.3:
                said.append(said[-1])
        return said

    def write(self, old: OldTree) -> None:
        for name in self.people:
            mail = self.random.choice(["", "bad@", "same@example.com", "A@Example.com"])
            inner = {"username": name, "password": f"{name}-pw", "email": mail}
            old.write(f"users/{name}.json", inner)
        for name in self.people:
            theirs = [next(each for each in pair if each != name) for pair in self._of(name)]
            self._write_list(old, name, theirs)
        for recipient in sorted({recipient for _sender, recipient in self.asked}):
            self._write_requests(old, recipient)
        for pair, said in self.talk.items():
            self._write_talk(old, pair, said)

    def _of(self, name: str) -> list[tuple[str, str]]:
        return [pair for pair in self.friends if name in pair]

    def _write_requests(self, old: OldTree, recipient: str) -> None:
        """Write who has asked, twice, as V1 or V3 did."""
        senders = [one for one, other in self.asked if other == recipient] * 2
        if self.random.random() < 0.5 and f"to_{recipient}" not in self.people:
            entries = [{"from": name, "status": "pending"} for name in senders]
            old.write(f"requests/to_{recipient}.json", entries)
        else:
            old.write(f"requests/{recipient}.json", senders)

    def _write_list(self, old: OldTree, name: str, friends: list[str]) -> None:
        """Write a list as V1 or V3 did, or a part of it in each."""
        cut = self.random.choice([0, len(friends) // 2, len(friends)])
        old.write(f"friends/{name}.json", friends[:cut])
        is_certain = f"{name}_friends" not in self.people
        rest = friends[cut:] if is_certain else friends
        old.write(f"friends/{name}_friends.json" if is_certain else f"friends/{name}.json", rest)

    def _write_talk(self, old: OldTree, pair: tuple[str, str], said: list[Said]) -> None:
        entries = [self._entry(old, each) for each in said]
        copies = [f"messages/{'_'.join(pair)}.json"]
        if self.random.random() < 0.5:
            copies.append(f"messages/{'_'.join(pair[::-1])}.json")
        for copy in copies:
            old.write(copy, entries)
        if len(copies) == 2 and self.random.random() < 0.5:
            old.write(copies[0], '[{"from": "half-writ')

    def _entry(self, old: OldTree, said: Said) -> dict:
        # By the message, so that equal ones have equal entries.
        random = Random(f"{said.text}{said.at}")
        content: object = said.text
        if random.random() < 0.2:
            content = file(self._upload(old, said, random), original_name=f"{said.text}.png")
        local = said.at.astimezone(SHANGHAI)
        return random.choice(
            [
                {"sender": said.sender, "text": content, "time": said.at.timestamp()},
                {"sender": said.sender, "text": content, "time": f"{local:%Y-%m-%d %H:%M}"},
                {"from": said.sender, "text": content, "time": f"{said.at:%Y-%m-%dT%H:%M:%S}.5Z"},
            ]
        )

    def _upload(self, old: OldTree, said: Said, random: Random) -> str:
        if random.random() < 0.5:
            return "data:image/png;base64," + base64.b64encode(PNG).decode()
        name = f"{username_key(said.text).encode().hex()[-60:]}.png"
        return old.upload(name)


def bring_over(old: OldTree, world: World) -> dict:
    world.write(old)
    dry, _printed = old.run("--dry-run")
    report, _printed = old.run()
    assert dry == report
    return report


@pytest.mark.parametrize("seed", range(6))
def test_counts_in_are_counts_out_without_any_option(old, seed):
    for path in (old.root / "users").iterdir():
        path.unlink()
    world = World(seed)
    report = bring_over(old, world)
    numbers = accounted(report)
    messages = sum(map(len, world.talk.values()))
    broken = sum(skip["code"] == "not_json" for skip in report["skips"])
    assert lost(report) == {}
    assert numbers["users"] == [20, 20, 0, 0]
    assert numbers["friendships"] == [25, 25, 0, 0]
    assert numbers["requests"] == [7, 7, 0, 0]
    assert numbers["messages"] == [messages + broken, messages, 0, broken]
    assert numbers["attachments"][0] == numbers["attachments"][1] == Attachment.objects.count()
    assert (Friendship.objects.count(), FriendRequest.objects.count()) == (50, 7)
    check_people(world)
    check_talk(world)
    before, stored = tables(), stored_files()
    again, _printed = old.run()
    assert (tables(), stored_files()) == (before, stored)
    assert {counts[1] for counts in accounted(again).values()} == {0}


def check_people(world: World) -> None:
    """Everybody has an account of their own, with their own password; twins share no name."""
    users = {name: OldName.objects.owner_of(name) for name in world.people}
    assert len({user.pk for user in users.values()}) == len(world.people)
    assert len({user.username_key for user in users.values()}) == len(world.people)
    for name, user in list(users.items())[:5]:
        assert user.check_password(f"{name}-pw")
    of_the_class = {username_key(name) for name in world.people}
    kept = of_the_class & {user.username_key for user in users.values()}
    forbidden = {"li lei", "admin", "管理员", "root", "x" * 30, "😀", "o'neill"}
    assert of_the_class - kept <= forbidden
    assert not User.objects.filter(is_active=False).exists()


def check_talk(world: World) -> None:
    """Every message is where it was, in order, by whom it was, as often as it was."""
    for pair, said in world.talk.items():
        low, high = sorted(OldName.objects.owner_of(name).pk for name in pair)
        messages = Message.objects.filter(conversation__low=low, conversation__high=high)
        found = messages.order_by("id").annotate(name=F("attachment__name"))
        assert [each.text or each.name.removesuffix(".png") for each in found] == [
            each.text if not is_file(found, n) else each.text.replace("/", "")
            for n, each in enumerate(said)
        ]
        senders = {name: OldName.objects.owner_of(name).pk for name in pair}
        assert [each.sender_id for each in found] == [senders[each.sender] for each in said]


def is_file(messages, number: int) -> bool:
    return not messages[number].text


@pytest.mark.parametrize("seed", range(3))
def test_ghosts_and_broken_files_cost_nobody_else_anything(old, seed):
    for path in (old.root / "users").iterdir():
        path.unlink()
    world = World(100 + seed)
    ghosts = world.people[:4]
    world.write(old)
    for name in ghosts[:2]:
        (old.root / f"users/{name}.json").unlink()
    old.write(f"users/{ghosts[2]}.json", '{"username": "')
    old.write(f"users/{ghosts[3]}.json", {"username": "somebody else"})
    old.write("messages/nobody.json", [1, 2, 3])
    old.write("users/.hidden.json", "{")
    report, _printed = old.run()
    numbers = accounted(report)
    assert numbers["users"][:2] == [18, 16]
    assert set(lost(report)) <= set(ghosts)
    alive = [pair for pair in world.friends if not set(pair) & set(ghosts)]
    talked = {pair: said for pair, said in world.talk.items() if not set(pair) & set(ghosts)}
    assert numbers["friendships"][1] == len(alive)
    world.people, world.talk = world.people[4:], talked
    assert numbers["messages"][1] == sum(map(len, talked.values()))
    check_talk(world)
