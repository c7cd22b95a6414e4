"""Small data folders as the versions of the Flask program wrote them."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

from django.core.management import call_command

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20


class OldTree:
    """`tree.users("alice", "bob"); tree.write("friends/alice.json", ["bob"])`."""

    def __init__(self, root: Path) -> None:
        self.root = root / "data"
        (self.root / "users").mkdir(parents=True)

    def write(self, path: str, content: Any) -> None:
        """Write content as JSON; texts and bytes as they are."""
        target = self.root / path
        target.parent.mkdir(exist_ok=True)
        if not isinstance(content, str | bytes):
            content = json.dumps(content)
        target.write_bytes(content if isinstance(content, bytes) else content.encode())

    def users(self, *names: str, **more: Any) -> None:
        for name in names:
            self.write(f"users/{name}.json", {"username": name, "password": f"{name}-pw", **more})

    def upload(self, name: str, content: bytes = PNG) -> str:
        self.write(f"uploads/{name}", content)
        return f"/chat/uploads/{name}"

    def run(self, *options: str) -> tuple[dict[str, Any], str]:
        """Run an import; returns its report and its output."""
        report = self.root.parent / "report.json"
        out = StringIO()
        call_command("import_legacy", str(self.root), "--report", str(report), *options, stdout=out)
        return json.loads(report.read_text()), out.getvalue()


def v1(sender: str, text: Any, at: float) -> dict[str, Any]:
    return {"sender": sender, "text": text, "time": at}


def v22(sender: str, text: Any, at: str) -> dict[str, Any]:
    return {"sender": sender, "text": text, "time": at}


def v3(sender: str, text: Any, at: str) -> dict[str, Any]:
    return {"from": sender, "text": text, "time": at}


def file(url: str, mimetype: str = "image/png", **more: str) -> dict[str, str]:
    return {"type": "file", "url": url, "mimetype": mimetype, **more}
