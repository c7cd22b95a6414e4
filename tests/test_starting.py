"""The modules that the processes of the server load: each takes memory for as long as they run."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.environment import ROOT

OF_THE_MASTER = """
import runpy, sys

class Listener:
    @staticmethod
    def find_spec(name, path, target=None):
        print(name)

sys.meta_path.insert(0, Listener)
runpy.run_path("deploy/gunicorn.conf.py")
"""
OF_A_WORKER = """
import sys
import webchat.asgi, webchat.privacy, webchat.urls
import chat.live.engine, chat.live.handshake
print(*sys.modules)
"""
OF_THE_WORKERS = {
    *("django.core.management", "django.db.models", "django.forms", "django.http"),
    *("django.template", "django.urls", "django.utils.translation.trans_real"),
}

OF_COMMANDS_AND_RARE_PAGES = {
    *("chat.demo", "chat.legacy", "chat.statistics", "django.db.migrations.loader", "segno"),
    *("tarfile", "webchat.base.commands", "webchat.database.backup", "webchat.doctor"),
}


def modules_of(script: str) -> set[str]:
    result = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "webchat.settings"},
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return set(result.stdout.split())


def test_the_master_reads_its_settings_without_loading_the_framework():
    seen = modules_of(OF_THE_MASTER)
    assert {"webchat.settings", "webchat.logs", "webchat.owner"} <= seen
    assert not seen & OF_THE_WORKERS


def test_a_worker_starts_without_what_only_commands_and_rare_pages_need():
    loaded = modules_of(OF_A_WORKER)
    assert {"accounts.card", "chat.apps", "chat.live.engine", "webchat.health"} <= loaded
    assert not loaded & OF_COMMANDS_AND_RARE_PAGES
