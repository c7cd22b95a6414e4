"""The wait of somebody who writes while old data come over.

import_bench.py [MESSAGES]   in a database of its own, which is deleted afterwards
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

ROOT = Path(__file__).resolve().parent.parent
PEOPLE = 120
PAIRS = 400
LONGEST_SHARE = 0.2  # of the messages, in one chat
EVERY_SECONDS = 0.05


def environment(folder: str) -> dict[str, str]:
    return os.environ | {
        "DJANGO_SETTINGS_MODULE": "webchat.settings",
        "DATA_DIR": folder,
        "DATABASE_URL": "",
        "SECRET_KEY": "only-for-this-bench-" + "k" * 30,
        "SEND_RATE": "off",
    }


def write_tree(root: Path, messages: int) -> None:
    for folder in ("users", "friends", "messages"):
        (root / folder).mkdir(parents=True)
    names = [f"old{number}" for number in range(PEOPLE)]
    for name in names:
        write(root / f"users/{name}.json", {"username": name, "password": f"{name}-pw"})
    friends: dict[str, list[str]] = {name: [] for name in names}
    first = round(messages * LONGEST_SHARE)
    others = (messages - first) // (PAIRS - 1)
    for number in range(PAIRS):
        place = number % PEOPLE
        one, other = names[place], names[(place + number // PEOPLE + 1) % PEOPLE]
        friends[one].append(other)
        friends[other].append(one)
        write(root / f"messages/{one}_{other}.json", talk(one, other, others if number else first))
    for name, theirs in friends.items():
        write(root / f"friends/{name}.json", theirs)


def talk(one: str, other: str, count: int) -> list[dict[str, object]]:
    texts = ("好的", "今天下午三点在实验室开会，记得带上电脑", "ok, see you tomorrow", "收到")
    return [
        {"sender": (one, other)[n % 2], "text": f"{texts[n % 4]} {n}", "time": 1.76e9 + n}
        for n in range(count)
    ]


def write(path: Path, content: object) -> None:
    path.write_text(json.dumps(content), encoding="utf-8")


def send_until_told() -> None:
    """Send through the services until stdin is closed; prints the waits in milliseconds."""
    import select

    import django

    django.setup()
    from django.db import OperationalError

    from accounts.models import User
    from chat.sending.drafts import Draft
    from chat.sending.posting import post_message
    from friends import services

    one, other = (User.objects.create_user(name, password="x" * 10) for name in ("one", "other"))
    services.accept(request=services.ask(sender=one, username=other.username))
    print("ready", flush=True)
    waits = []
    while not select.select([sys.stdin], [], [], EVERY_SECONDS)[0]:
        began = time.perf_counter()
        with suppress(OperationalError):  # the honest 503, after five seconds
            post_message(Draft(one.pk, other.username, "hi", uuid4()))
        waits.append((time.perf_counter() - began) * 1000)
    waits.sort()
    print(len(waits), waits[len(waits) // 2], waits[-len(waits) // 100], waits[-1])


def main(messages: int) -> None:
    with tempfile.TemporaryDirectory(prefix="webchat-import-") as folder:
        env = environment(folder)
        tree = Path(folder) / "old" / "data"
        write_tree(tree, messages)
        manage = [sys.executable, str(ROOT / "manage.py")]
        subprocess.run([*manage, "migrate", "--verbosity", "0"], env=env, check=True)
        with subprocess.Popen(
            [sys.executable, __file__, "send"],
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as sender:
            assert sender.stdout is not None
            sender.stdout.readline()
            began = time.perf_counter()
            command = [*manage, "import_legacy", str(tree)]
            done = subprocess.run(command, env=env, check=True, capture_output=True, text=True)
            took = time.perf_counter() - began
            told, _errors = sender.communicate("\n")
    print("\n".join(done.stdout.splitlines()[-12:-2]))
    number, median, worst_of_99, worst = told.split()
    print(f"{messages} messages in {took:.1f} s; meanwhile {number} sent, wait in ms:")
    print(f"median {float(median):.0f}, 99 % {float(worst_of_99):.0f}, longest {float(worst):.0f}")


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    if sys.argv[1:] == ["send"]:
        send_until_told()
    else:
        main(int(sys.argv[1]) if sys.argv[1:] else 218_000)
