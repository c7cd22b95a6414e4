"""The modules that the processes of the server load: each takes memory for as long as they run."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.server import ROOT, Server

OF_THE_MASTER = """
import runpy, sys

class Listener:
    @staticmethod
    def find_spec(name, path, target=None):
        print(name)

sys.meta_path.insert(0, Listener)
runpy.run_path("deploy/gunicorn.conf.py")
"""
AFTER_A_RELOAD = """
import sys, weakref
from types import SimpleNamespace
from gunicorn.app.wsgiapp import WSGIApplication

sys.argv = ["gunicorn", "--config", "deploy/gunicorn.conf.py"]
master = WSGIApplication()
master.cfg.pre_fork(None, None)
first = weakref.ref(sys.modules["__config__"].settings)
master.reload()
master.cfg.on_reload(SimpleNamespace(systemd=True))
master.cfg.pre_fork(None, None)
print("kept" if first() else "gone")
"""
OF_A_WORKER = """
import asyncio, sys
from webchat.asgi import application

acts = iter(["startup", "shutdown"])

async def receive():
    return {"type": f"lifespan.{next(acts)}"}

async def send(message):
    if message["type"] == "lifespan.startup.complete":
        print(*sys.modules)

asyncio.run(application({"type": "lifespan"}, receive, send))
"""
OWN = os.environ | {"WEB_CONCURRENCY": "1"}  # gunicorn does not know empty values
OF_THE_WORKERS = {
    *("django.core.management", "django.db.models", "django.forms", "django.http"),
    *("django.template", "django.urls", "django.utils.translation.trans_real"),
}
OF_COMMANDS_AND_RARE_PAGES = {
    *("chat.demo", "chat.legacy", "chat.statistics", "django.db.migrations.loader", "segno"),
    *("tarfile", "webchat.base.commands", "webchat.database.backup", "webchat.doctor"),
}


def words_of(script: str, env: dict[str, str]) -> set[str]:
    result = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env=env | {"DJANGO_SETTINGS_MODULE": "webchat.settings"},
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return set(result.stdout.split())


def test_the_master_reads_its_settings_without_loading_the_framework():
    seen = words_of(OF_THE_MASTER, OWN)
    assert {"webchat.settings", "webchat.logs", "webchat.owner"} <= seen
    assert not seen & OF_THE_WORKERS


def test_a_reload_leaves_nothing_of_the_reading_before():
    assert words_of(AFTER_A_RELOAD, OWN) == {"gone"}


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """The modules of a worker that is ready, and has served nobody."""
    server = Server(tmp_path_factory.mktemp("data"))
    server.prepare()
    return words_of(OF_A_WORKER, server.env)


def test_a_worker_starts_without_what_only_commands_and_rare_pages_need(loaded):
    assert "chat.live.engine" in loaded
    assert not loaded & OF_COMMANDS_AND_RARE_PAGES


def test_the_first_visitor_does_not_wait_for_the_views(loaded):
    assert {"accounts.views", "chat.views", "friends.views"} <= loaded
