"""Executes every command block of the papers, literally and in order, on the machine of walk.sh.

A block is known by its last line. Before and after it come functions of docs.sh: what a paper
takes for granted, and a look at what the block should have done.
"""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

CODE = Path(__file__).resolve().parent.parent.parent
RELEASE = Path("/srv/webchat/current")
# Each in Chinese; the English one beside it has the same blocks. With the folder they are for.
PAPERS = {
    "deploy/README.zh-hans.md": CODE,
    "docs/maintainer.zh-hans.md": RELEASE,
    "docs/administrator.zh-hans.md": RELEASE,
}
BLOCK_SECONDS = 300  # at most; a release is made in 40
QUIET_SECONDS = 0.5  # without output: a question waits
QUESTION = re.compile(r"[:：]\s*$|\[y/N\]\s*$")
# What a person types, by a word of the question. Anything else is left as it is offered.
ANSWERS = {
    "QQ 邮箱": "10001@qq.com",
    "授权码": "abcdefghijklmnop",
    "邮件服务器": "smtp.example.com",
    "账号": "chat@example.com",
    "密码": "ox-Battery-59",
    "再输入": "ox-Battery-59",
    "用户": "teacher",
    "[y/N]": "y",
}


@dataclass(frozen=True, slots=True)
class Recipe:
    """What stands around a block. `until` is the address of a server that it starts."""

    before: str = ""
    after: str = ""
    codes: tuple[int, ...] = (0,)
    until: str = ""


@dataclass(frozen=True, slots=True)
class Block:
    language: str
    text: str

    @property
    def commands(self) -> list[str]:
        lines = (re.sub(r"\s+# .*", "", line).strip() for line in self.text.splitlines())
        return [line for line in lines if line and not line.startswith("#")]

    @property
    def name(self) -> str:
        return self.commands[-1]


DOCTOR = (0, 1)  # a machine without Internet, hours after it was made, is not all well
RECIPES = {
    # deploy/README
    "sudo apt install python3 python3-venv": Recipe("make_stand_ins"),
    "cd ~/webchat-new": Recipe(
        "make_nothing; make_flask; make_stick",
        "test -e /root/webchat-new/wheels.txt; test ! -e /root/webchat/manage.py; look undo",
    ),
    "sh deploy/run.sh": Recipe("make_nothing", "forget_run", (0, 130), "http://127.0.0.1:8000"),
    "sudo sh deploy/install.sh --nginx none --site-url ''": Recipe("make_nothing", "look none"),
    "sudo sh deploy/install.sh --nginx own --site-url http://192.168.1.100": Recipe(
        "make_nothing", "look plain"
    ),
    "sudo apt install nginx openssl certbot": Recipe("make_nothing"),
    "sudo ufw allow 'Nginx Full'": Recipe(),
    "sudo sh deploy/install.sh": Recipe(after="look own; look_at_certificate"),
    "sudo sh deploy/install.sh --nginx beside --site-url https://www.example.com/chat": Recipe(
        "make_nothing", "look_at_service"
    ),
    "include snippets/webchat.conf;": Recipe(),
    "sudo systemctl reload nginx": Recipe(after="settled; look beside"),
    "sudo sh deploy/install.sh --nginx none --site-url https://www.example.com/chat": Recipe(
        "make_nothing", "look_at_port"
    ),
    "}": Recipe(after="reload_nginx; look_at_site https://www.example.com/chat; look_at_live"),
    "sudo sh deploy/install.sh --from /root/webchat": Recipe(
        "make_nothing; make_flask; spare_styles", "look takeover"
    ),
    "sudo sh deploy/install.sh --undo": Recipe(after="look undo"),
    "sudo .venv/bin/python manage.py doctor": Recipe(
        "make_nothing; installed", "look_at_teacher", DOCTOR
    ),
    "sudo ufw allow 8000/tcp": Recipe(),
    "sudo journalctl --no-pager --lines=50 --unit=webchat": Recipe(),
    "sudo sh deploy/install.sh --nginx none --site-url '' --port 8080": Recipe(
        after="look_at_service; look_at_port"
    ),
    "sudo systemctl reload webchat.service": Recipe(after="look_at_closed"),
    "sudo sh deploy/install.sh --mail qq": Recipe(after="set_to MAIL_MODE=qq"),
    "sudo sh deploy/install.sh --mail smtp": Recipe(after="set_to MAIL_MODE=smtp"),
    "sudo sh deploy/upgrade.sh": Recipe("make_nothing; installed; renew", "look none; look_at_new"),
    "sudo sh deploy/upgrade.sh --back": Recipe(after="look none; give_code_back"),
    "sudo ls -l /var/lib/webchat/backups": Recipe("make_teacher"),
    "sudo systemctl start webchat.service": Recipe("name_backup", "look none; look_at_kept"),
    "sudo cp /srv/webchat/.env /mnt/usb/moving.env": Recipe(after="look_at_moving"),
    "sudo sh deploy/install.sh --nginx none": Recipe("make_nothing", "look none"),
    "sudo rm /tmp/moving.tar.gz": Recipe(after="look none; look_at_teacher"),
    "sudo sh deploy/install.sh --uninstall": Recipe(
        after="look uninstall; test -d /var/lib/webchat"
    ),
    "sudo userdel webchat": Recipe(after="! id webchat 2>/dev/null"),
    # docs/maintainer
    ".venv/bin/python manage.py": Recipe("make_nothing; installed; make_class"),
    "LC_ALL=en_US.UTF-8 .venv/bin/python manage.py stats": Recipe(),
    "rm /tmp/class.csv": Recipe(after="look_at_class"),
    "shred -u /root/slips.html": Recipe(),
    ".venv/bin/python manage.py set_password wangwei --random": Recipe(),
    ".venv/bin/python manage.py rename_user wangwei 王伟": Recipe(),
    ".venv/bin/python manage.py users --csv >/root/users.csv": Recipe(
        after="grep -q 王伟 /root/users.csv"
    ),
    ".venv/bin/python manage.py stats": Recipe(),
    ".venv/bin/python manage.py backup --to /mnt/usb/webchat --keep 14": Recipe(
        after="look_at_disk"
    ),
    "systemctl start webchat-nightly.service": Recipe(
        after="look_at_disk; look_at_missing_disk", codes=DOCTOR
    ),
    "rm -r /var/lib/webchat/before-restore-*": Recipe("restore_newest"),
    ".venv/bin/python manage.py prune --messages-older-than 365": Recipe(
        "make_old_talk", "look_at_talk"
    ),
    ".venv/bin/python manage.py vacuum": Recipe(),
    ".venv/bin/python manage.py export_all /mnt/usb/webchat/chats-2026": Recipe(
        after="test -e /mnt/usb/webchat/chats-2026/contents.csv"
    ),
    ".venv/bin/python manage.py verify_deletion lilei": Recipe("delete_lilei"),
    ".venv/bin/python manage.py doctor": Recipe(codes=DOCTOR),
    "journalctl --no-pager --lines=50 --unit=webchat": Recipe(),
    "journalctl --no-pager --lines=50 --unit=webchat-nightly": Recipe(),
    "chown -R webchat: /var/lib/webchat": Recipe("touch /var/lib/webchat/left"),
    ".venv/bin/python manage.py demo --remove": Recipe(),
    ".venv/bin/python manage.py import_legacy /srv/old-chat/data --dry-run": Recipe(
        "make_old_data"
    ),
    ".venv/bin/python manage.py import_legacy /srv/old-chat/data --report /tmp/import.json": Recipe(
        after="test -s /tmp/import.json"
    ),
    "rm -r /srv/old-chat": Recipe(),
    # docs/administrator
    ".venv/bin/python manage.py createsuperuser": Recipe(after="look_at_teacher"),
}


def blocks(paper: str) -> list[Block]:
    """Return the blocks of commands, and of nginx, as they would be pasted."""
    found = re.findall(r"^( *)```(sh|nginx)\n(.*?)^\1```$", paper, re.MULTILINE | re.DOTALL)
    return [Block(language, dedent(text)) for _indent, language, text in found]


def answer_to(output: str) -> str | None:
    """Return what to type if the end of an output is a question."""
    last = output.rsplit("\n", 1)[-1]
    if not QUESTION.search(last):
        return None
    return next((answer for word, answer in ANSWERS.items() if word in last), "")


def execute(script: str, folder: Path, until: str = "") -> tuple[int, str]:
    """Run a script on a terminal, where its questions are answered; return its code and output."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(folder)
        os.execvp("sh", ["sh", "-euc", script])  # noqa: S606  (it is one)
    output = "".join(_talk(terminal, until))
    os.close(terminal)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return code if code >= 0 else 128 - code, output  # as a shell says which signal it was


def _talk(terminal: int, until: str) -> Iterator[str]:
    ends_at = time.monotonic() + BLOCK_SECONDS
    said = b""
    while time.monotonic() < ends_at:
        if select.select([terminal], [], [], QUIET_SECONDS)[0]:
            try:
                some = os.read(terminal, 65536)
            except OSError:  # how a terminal says that nobody is there any more
                return
            said += some
            yield some.decode(errors="replace")
        elif (answer := answer_to(said.decode(errors="replace"))) is not None:
            said = b""
            os.write(terminal, f"{answer}\n".encode())
        elif until and _serves(until):
            until = ""
            os.write(terminal, b"\x03")
    os.write(terminal, b"\x03")
    yield f"\n… {BLOCK_SECONDS} s"


def _serves(address: str) -> bool:
    with suppress(OSError):
        urllib.request.urlopen(address, timeout=5).close()  # noqa: S310  (one of RECIPES)
        return True
    return False


# --- On the machine ---


def _around(functions: str, *, silently: bool = False) -> str:
    """Run functions of docs.sh; return what is wrong: their output, if they should be silent."""
    script = f". deploy/machine/docs.sh; {functions}"
    done = subprocess.run(
        ["sh", "-euc", script], cwd=CODE, capture_output=True, text=True, check=False
    )
    if done.returncode:
        return f" [{functions}: {done.returncode}]{done.stdout}{done.stderr[-2000:]}"
    return done.stdout if silently else ""


def _try(block: Block, folder: Path) -> tuple[str, str]:
    """Return what is wrong, if anything, and the output of the block."""
    recipe = RECIPES.get(block.name)
    if recipe is None:
        return " [no recipe]", ""
    wrong, output = _around(recipe.before) if recipe.before else "", ""
    if block.language == "nginx":
        wrong += _around(f"put_into_site '{block.text.strip()}'")
    else:
        code, output = execute(block.text, folder, recipe.until)
        wrong += "" if code in recipe.codes else f" [exit code {code}]"
    if recipe.after:
        wrong += _around(recipe.after, silently=True)
    return wrong, output


def main() -> int:
    # As root has them after `sudo -i`; the stand-ins are in the first.
    os.environ |= {"HOME": "/root", "PATH": f"/usr/local/sbin:/usr/local/bin:{os.environ['PATH']}"}
    failed = 0
    for paper, folder in PAPERS.items():
        print(f"\n{paper}", flush=True)
        for block in blocks((CODE / paper).read_text(encoding="utf-8")):
            began = time.monotonic()
            wrong, output = _try(block, folder)
            failed += bool(wrong)
            seconds = round(time.monotonic() - began)
            print(f"{'✗' if wrong else '✓'} {block.name}, {seconds} s{wrong}", flush=True)
            if wrong:
                print(output[-4000:], flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
